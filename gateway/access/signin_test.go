package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"repro/gateway/store"
)

// TestSeal: what was sealed comes back for its purpose, and nothing else does.
func TestSeal(t *testing.T) {
	w := newWorld(t)
	sealed := w.key.Seal("sign-in", `{"x":"é"}`)
	if text, ok := w.key.Unseal("sign-in", sealed); !ok || text != `{"x":"é"}` {
		t.Errorf("%q, %v", text, ok)
	}
	body, sum, _ := strings.Cut(sealed, ".")
	other, _, _ := strings.Cut(w.key.Seal("sign-in", "y"), ".")
	for what, c := range map[string]struct{ purpose, sealed string }{
		"purpose": {"other", sealed}, "no purpose": {"", sealed}, "no dot": {"sign-in", body + sum}, "another text": {"sign-in", other + "." + sum},
		"no sum": {"sign-in", body + "."}, "empty": {"sign-in", ""}, "not base64": {"sign-in", "!." + sum},
		"a link": {"sign-in", w.links["owner"]}, "long": {"sign-in", w.key.Seal("sign-in", strings.Repeat("x", maxSealed))},
	} {
		if text, ok := w.key.Unseal(c.purpose, c.sealed); ok || text != "" {
			t.Errorf("%s: %q", what, text)
		}
	}
	if err := w.key.checkLink(w.key.Seal("link", "a\nreader\n9999999999\n00"), w.now); err == nil {
		t.Error("a sealed text is a link")
	}
}

// signIn lets whoever has the session sign in.
func (w *world) signIn(session string, id store.Identity, link string) (*http.Response, error) {
	r, rec := httptest.NewRequest("GET", "/sign-in/x/return", nil), httptest.NewRecorder()
	err := w.guard.SignIn(rec, r, Visit{session: session}, id, link)
	return rec.Result(), err
}

// TestSignIn: the session is new, the one before ends, and whoever was not
// invited does not get one.
func TestSignIn(t *testing.T) {
	w := newWorld(t)
	ada := store.Identity{Issuer: "https://i.example", Subject: "1", Name: "Ada"}
	l := store.Link{Venue: "a", Role: store.Editor, Label: "Ada", Expires: w.now.Add(time.Hour)}
	token := w.key.NewLink(l)
	for what, link := range map[string]string{"nobody": "", "not in the store": token, "not signed": "x" + token, "somebody's": w.links["owner"] + "x"} {
		res, err := w.signIn("", ada, link)
		if e, ok := err.(*Error); !ok || e.Status != 403 || len(res.Cookies()) != 0 {
			t.Errorf("%s: %v, %v", what, err, res.Cookies())
		}
	}
	if _, err := w.store.AddLink(ctx, 0, l, store.HashOf(token)); err != nil {
		t.Fatal(err)
	}
	res, err := w.signIn(w.people["reader of a"], ada, token)
	if err != nil {
		t.Fatal(err)
	}
	fresh := sessionOf(t, res)
	checkStatus(w, "reader of a", "GET", "/v/a", "401")
	if got := w.ask("GET", "/v/a/people", fresh.Value, nil, nil).StatusCode; got != 200 {
		t.Errorf("an editor's page: %d", got)
	}
	if got := w.ask("POST", "/join", "", map[string][]string{"token": {token}}, nil).StatusCode; got != 403 {
		t.Errorf("the link alone: %d", got)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	if got := w.ask("GET", "/v/a", "", nil, bearer).StatusCode; got != 401 {
		t.Errorf("the link as a token: %d", got)
	}
	w.now = w.now.Add(time.Hour)
	if _, err := w.signIn("", ada, token); err == nil {
		t.Error("an expired link")
	}
}

// TestFlowCookie goes with people who come back from another site, and to no script.
func TestFlowCookie(t *testing.T) {
	w := newWorld(t)
	for secure, name := range map[bool]string{false: "repro-sign-in", true: "__Host-repro-sign-in"} {
		w.guard.o.Secure = secure
		rec := httptest.NewRecorder()
		w.guard.SetFlow(rec, "text", time.Minute)
		c := rec.Result().Cookies()[0]
		if c.Name != name || c.Value != "text" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.MaxAge != 60 || c.Path != "/" {
			t.Errorf("%s", c.Raw)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(c)
		if got := w.guard.Flow(r); got != "text" {
			t.Errorf("%q", got)
		}
		if got := w.guard.Flow(httptest.NewRequest("GET", "/", nil)); got != "" {
			t.Errorf("%q without a cookie", got)
		}
		rec = httptest.NewRecorder()
		w.guard.SetFlow(rec, "", time.Minute)
		if c := rec.Result().Cookies()[0]; c.MaxAge >= 0 {
			t.Errorf("does not end: %s", c.Raw)
		}
	}
}
