package access

var submissionRules = []Rule{
	{Pattern: "POST /v/{venue}/submissions", Roles: senders},
	{Pattern: "GET /v/{venue}/submissions/{submission}", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/image", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/software", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/files/{path...}", Roles: readers, Own: authors},
}
