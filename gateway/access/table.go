package access

import (
	"slices"

	"repro/gateway/store"
)

// Rule says who may use one route.
type Rule struct {
	Pattern string       // as http.ServeMux takes it
	Public  bool         // also strangers
	Attempt bool         // to come in: counted more strictly
	Session bool         // whoever has a role anywhere
	Roles   []store.Role // in the venue of the path; without one: in the gateway itself
	Own     []store.Role // these only for what they sent themselves
}

var (
	all      = store.Roles()
	managers = []store.Role{store.Administrator, store.Editor}
	owners   = []store.Role{store.Administrator}
	authors  = []store.Role{store.Author}
	readers  = []store.Role{store.Administrator, store.Editor, store.Reviewer, store.Reader}
	runners  = []store.Role{store.Administrator, store.Editor, store.Reviewer}
	senders  = []store.Role{store.Administrator, store.Editor, store.Author}
)

// table is who may do what, one row a route; each feature has a part of it. A
// route that has no row does not start, nor a row that has no route.
var table = slices.Concat(
	siteRules,
	peopleRules,
	uploadRules,
	submissionRules,
	blindRules,
	runRules,
	signoffRules,
	discussionRules,
	apiRules,
)

var siteRules = []Rule{
	{Pattern: "GET /healthz", Public: true},
	{Pattern: "GET /metrics", Roles: owners},
	{Pattern: "GET /style.css", Public: true},
	{Pattern: "GET /script.js", Public: true},
	{Pattern: "GET /icon.svg", Public: true},
	{Pattern: "GET /{$}", Public: true},
	{Pattern: "POST /venues", Roles: owners},
	{Pattern: "GET /audit", Roles: owners},
	{Pattern: "GET /v/{venue}", Roles: readers, Own: authors},
}

// Rules returns the rules of all routes.
func Rules() []Rule { return slices.Clone(table) }

// MayGive lists the roles that somebody of that role may give to others: those
// below the own one, and an administrator every one.
func MayGive(role store.Role) []store.Role {
	switch role {
	case store.Administrator:
		return all
	case store.Editor:
		return all[2:]
	}
	return nil
}
