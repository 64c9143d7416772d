package access

var uploadRules = []Rule{
	{Pattern: "GET /v/{venue}/uploads", Roles: senders},
	{Pattern: "POST /v/{venue}/uploads", Roles: senders},
	{Pattern: "GET /v/{venue}/uploads/{upload}", Own: senders},
	{Pattern: "PUT /v/{venue}/uploads/{upload}", Own: senders},
	{Pattern: "DELETE /v/{venue}/uploads/{upload}", Own: senders},
	{Pattern: "POST /v/{venue}/uploads/{upload}/finish", Own: senders},
}
