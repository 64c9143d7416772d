package access

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"repro/gateway/store"
)

// TestAgain: an answer that takes long ends when names are to be hidden that were
// not, as it does when the role is gone.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	rule := Rule{Pattern: "GET /v/{venue}", Roles: readers}
	visit := func(name string) (func() error, Visit) {
		r := httptest.NewRequest("GET", "/v/a", nil)
		r.SetPathValue("venue", "a")
		r.AddCookie(&http.Cookie{Name: "repro", Value: w.people[name]})
		v, err := w.guard.visit(httptest.NewRecorder(), r, rule)
		if err != nil {
			t.Fatal(err)
		}
		return func() error { return w.guard.allowed(r, rule, v) }, v
	}
	set := func(b store.Blind) {
		t.Helper()
		if err := w.store.SetBlind(ctx, 0, "a", b); err != nil {
			t.Fatal(err)
		}
	}
	set(store.NotBlind)
	reviewer, v := visit("reviewer of a")
	editor, _ := visit("editor of a")
	if v.HidesAuthors() || v.HidesReviewers() || reviewer() != nil {
		t.Errorf("open: %+v, %v", v, reviewer())
	}
	for _, b := range []store.Blind{store.SingleBlind, store.DoubleBlind} {
		set(b)
		if reviewer() == nil || editor() != nil {
			t.Errorf("%s: a reviewer %v, an editor %v", b, reviewer(), editor())
		}
	}
	reviewer, v = visit("reviewer of a")
	if !v.HidesAuthors() || !v.HidesReviewers() || reviewer() != nil {
		t.Errorf("double: %+v, %v", v, reviewer())
	}
	set(store.NotBlind)
	if reviewer() != nil {
		t.Errorf("less is hidden: %v", reviewer())
	}
	if err := w.store.RevokeLink(ctx, 0, "a", w.ids["reviewer of a"]); err != nil {
		t.Fatal(err)
	}
	if reviewer() == nil {
		t.Error("a role that is gone")
	}
}
