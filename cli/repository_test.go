package cli_test

import (
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"

	"repro/publish/repository/repositorytest"
)

// fakeRepository starts a fake repository of research data and puts its address into
// a variable: repository invenio|dataverse VARIABLE [flaky].
func fakeRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: repository invenio|dataverse VARIABLE [flaky]")
	}
	var server repositorytest.Server = repositorytest.NewInvenio()
	if args[0] == "dataverse" {
		server = repositorytest.NewDataverse()
	}
	network := repositorytest.NewNetwork(server)
	if len(args) > 2 {
		network.Faults[1], network.Faults[8] = repositorytest.AllFaults[1], repositorytest.AllFaults[0]
	}
	s := httptest.NewServer(network)
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
	cite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, _, doi := server.Holds()
		repositorytest.DataCite{doi: s.URL + server.Page()}.ServeHTTP(w, r)
	}))
	ts.Defer(cite.Close)
	ts.Setenv(args[1]+"_DATACITE", cite.URL)
}
