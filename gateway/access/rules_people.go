package access

var peopleRules = []Rule{
	{Pattern: "GET /join", Public: true},
	{Pattern: "POST /join", Public: true, Attempt: true},
	{Pattern: "POST /sign-in/{provider}", Public: true, Attempt: true},
	{Pattern: "GET /sign-in/{provider}/return", Public: true, Attempt: true},
	{Pattern: "POST /leave", Session: true},
	{Pattern: "GET /v/{venue}/people", Roles: managers},
	{Pattern: "POST /v/{venue}/blind", Roles: managers},
	{Pattern: "POST /v/{venue}/links", Roles: managers},
	{Pattern: "POST /v/{venue}/links/{link}/revoke", Roles: managers},
}
