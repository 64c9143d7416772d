package access

var runRules = []Rule{
	{Pattern: "POST /v/{venue}/submissions/{submission}/runs", Roles: runners, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}/events", Roles: readers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/runs/{run}/cancel", Roles: runners, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}/live", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}/spread", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}/record/{path...}", Roles: readers, Own: authors},
	{Pattern: "GET /v/{venue}/submissions/{submission}/runs/{run}/record.tar", Roles: readers, Own: authors},
}
