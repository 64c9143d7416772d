package access

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"repro/gateway/store"
)

// TestLimits: what is counted, of whom.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	counted, refuse := []string(nil), ""
	w.guard.o.From = func(*http.Request) string { return "there" }
	w.guard.o.Allow = func(what, who string) bool {
		counted = append(counted, what+" of "+who)
		return what != refuse
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	editor := w.people["editor of a"]
	p, err := w.store.Session(ctx, store.HashOf(editor))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"form": {w.key.formToken(editor)}}
	for what, c := range map[string]struct {
		ask  func() int
		want string // counted last
	}{
		"a stranger's page":   {func() int { return w.ask("GET", "/", "", nil, nil).StatusCode }, Strangers + " of there"},
		"a link":              {func() int { return w.ask("POST", "/join", editor, url.Values{"token": {"x"}}, nil).StatusCode }, Changes + " of " + strconv.FormatInt(p.ID, 10)},
		"a link of strangers": {func() int { return w.ask("POST", "/join", "", url.Values{"token": {"x"}}, nil).StatusCode }, Strangers + " of there"},
		"a wrong token":       {func() int { return w.ask("GET", "/v/a", "", nil, bearer("rgw_x")).StatusCode }, Attempts + " of there"},
		"a wrong link":        {func() int { return w.ask("GET", "/v/a", "", nil, bearer("x.y")).StatusCode }, Attempts + " of there"},
		"a change":            {func() int { return w.ask("POST", "/v/a/links", editor, form, nil).StatusCode }, Changes + " of " + strconv.FormatInt(p.ID, 10)},
		"a page of a person":  {func() int { return w.ask("GET", "/v/a", editor, nil, nil).StatusCode }, ""},
	} {
		counted, refuse = nil, ""
		if got := c.ask(); got == 429 {
			t.Errorf("%s: refused", what)
		}
		last := ""
		if len(counted) > 0 {
			last = counted[len(counted)-1]
		}
		if last != c.want {
			t.Errorf("%s: counted %q, want %s", what, counted, c.want)
			continue
		}
		for _, kind := range []string{Attempts, Strangers, Changes} {
			counts := false
			for _, x := range counted {
				counts = counts || x[:len(kind)] == kind
			}
			n := counted
			refuse = kind
			if got := c.ask(); (got == 429) != counts {
				t.Errorf("%s without more %s: %d", what, kind, got)
			}
			counted = n
		}
	}
}
