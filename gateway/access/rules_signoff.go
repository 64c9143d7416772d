package access

import "repro/gateway/store"

var reviewers = []store.Role{store.Administrator, store.Editor, store.Reviewer}

var signoffRules = []Rule{
	{Pattern: "GET /v/{venue}/keys", Roles: managers},
	{Pattern: "POST /v/{venue}/keys", Roles: managers},
	{Pattern: "POST /v/{venue}/keys/remove", Roles: managers},
	{Pattern: "GET /v/{venue}/submissions/{submission}/reviews", Roles: readers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/reviews", Roles: reviewers},
	{Pattern: "GET /v/{venue}/submissions/{submission}/reviews/{review}", Roles: readers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/reviews/by-venue", Roles: reviewers},
	{Pattern: "POST /v/{venue}/submissions/{submission}/decision", Roles: managers},
	{Pattern: "GET /v/{venue}/submissions/{submission}/forms/{name}", Roles: managers},
	{Pattern: "POST /v/{venue}/submissions/{submission}/archive", Roles: managers},
}
