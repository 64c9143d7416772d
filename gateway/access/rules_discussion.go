package access

import "repro/gateway/store"

var writers = []store.Role{store.Administrator, store.Editor, store.Reviewer}

var discussionRules = []Rule{
	{Pattern: "GET /v/{venue}/submissions/{submission}/discussion", Roles: readers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/discussion", Roles: writers, Own: authors},
	{Pattern: "POST /v/{venue}/submissions/{submission}/discussion/{comment}/remove", Roles: writers, Own: authors},
}
