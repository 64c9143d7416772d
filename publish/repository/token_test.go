package repository

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTokenRepeated shows no token that a server sends back. SPEC.md, DEP-9.
func TestTokenRepeated(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"message":"no leave for %s"}`, r.Header.Get("Authorization")+r.Header.Get("X-Dataverse-key"))
	}))
	defer s.Close()
	for _, target := range Targets {
		o := options(t, target, s.URL)
		o.Token = "ada:hidden-word"
		c, err := newClient(o)
		if err != nil {
			t.Fatal(err)
		}
		err = c.once(t.Context(), request{method: "GET", path: "/x"}, nil)
		_, sent := target.authorize(o.Token)
		if err == nil || !strings.Contains(err.Error(), "no leave for <token>") || strings.Contains(err.Error(), sent) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", target.Name, err)
		}
	}
}
