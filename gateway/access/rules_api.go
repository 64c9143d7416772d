package access

var apiRules = []Rule{
	{Pattern: "GET /tokens", Session: true},
	{Pattern: "POST /tokens", Session: true},
	{Pattern: "POST /tokens/{token}/revoke", Session: true},
	{Pattern: "GET /api/openapi.json", Public: true},
	{Pattern: "GET /api/venues", Session: true},
	{Pattern: "GET /api/v/{venue}/submissions", Roles: readers, Own: authors},
	{Pattern: "GET /api/v/{venue}/submissions/{submission}", Roles: readers, Own: authors},
	{Pattern: "GET /api/v/{venue}/submissions/{submission}/runs", Roles: readers, Own: authors},
	{Pattern: "GET /api/v/{venue}/submissions/{submission}/attestations", Roles: readers, Own: authors},
	{Pattern: "GET /api/v/{venue}/submissions/{submission}/comments", Roles: readers, Own: authors},
}
