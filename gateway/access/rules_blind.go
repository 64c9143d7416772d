package access

var blindRules = []Rule{
	{Pattern: "GET /v/{venue}/submissions/{submission}/names", Roles: managers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/names", Roles: managers, Own: authors},
}
