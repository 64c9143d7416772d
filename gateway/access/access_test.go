package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/gateway/store"
)

var ctx = context.Background()

// world is a guard before handlers that answer 200, with people of each role
// in the venues a and b.
type world struct {
	*testing.T
	store              *store.Store
	key                *Key
	guard              *Guard
	now                time.Time
	people             map[string]string // by name: the secret of a session
	links              map[string]string // by name: the secret of a link
	ids                map[string]int64  // by name: the number of the link
	upload, submission string            // of the author of a
	run                string            // of the submission
	logged             []error
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), people: map[string]string{"stranger": ""}, links: map[string]string{}, ids: map[string]int64{}}
	dir := t.TempDir()
	var err error
	if w.store, err = store.Open(ctx, dir, store.Options{Now: func() time.Time { return w.now }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	if w.key, err = OpenKey(dir); err != nil {
		t.Fatal(err)
	}
	handlers := map[string]Handler{}
	for _, rule := range table {
		handlers[rule.Pattern] = func(rw http.ResponseWriter, r *http.Request, v Visit) error {
			switch rule.Pattern {
			case "POST /join":
				return w.guard.Join(rw, r, v, r.FormValue("token"))
			case "POST /leave":
				return w.guard.Leave(rw, r, v)
			}
			_, err := fmt.Fprintf(rw, "%s in %q, form %s", v.Role, v.Venue.ID, v.Form)
			return err
		}
	}
	if w.guard, err = New(w.store, w.key, handlers, w.options()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if err := w.store.AddVenue(ctx, 0, store.Venue{ID: id, Name: id, Quota: 100}); err != nil {
			t.Fatal(err)
		}
		for _, role := range store.Roles() {
			w.join(string(role)+" of "+id, id, role)
		}
	}
	w.join("owner", store.Site, store.Administrator)
	w.upload, w.submission = w.begin("author of a", "a"), w.begin("author of a", "a")
	u, err := w.store.Upload(ctx, w.submission)
	if err == nil {
		err = w.store.AddSubmission(ctx, store.Submission{Upload: u, Report: []byte("{}")})
	}
	var r store.Run
	if err == nil {
		r, err = w.store.AddRun(ctx, store.Run{Venue: "a", Submission: w.submission, Person: u.Person, Kind: store.RunAll})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.run = r.ID
	return w
}

func (w *world) options() Options {
	return Options{
		Now:  func() time.Time { return w.now },
		Log:  func(_ *http.Request, err error) { w.logged = append(w.logged, err) },
		Fail: func(rw http.ResponseWriter, _ *http.Request, _ Visit, e *Error) { http.Error(rw, e.Message, e.Status) },
	}
}

func (w *world) join(name, venue string, role store.Role) {
	w.Helper()
	l := store.Link{Venue: venue, Role: role, Label: name, Expires: w.now.Add(24 * time.Hour)}
	token := w.key.NewLink(l)
	id, err := w.store.AddLink(ctx, 0, l, store.HashOf(token))
	if err != nil {
		w.Fatal(err)
	}
	w.links[name], w.people[name], w.ids[name] = token, "session of "+name, id
	if _, err := w.store.Redeem(ctx, store.HashOf(token), store.HashOf(w.people[name]), 24*time.Hour); err != nil {
		w.Fatal(err)
	}
}

// begin begins an upload and returns its id.
func (w *world) begin(name, venue string) string {
	w.Helper()
	p, err := w.store.Session(ctx, store.HashOf(w.people[name]))
	if err != nil {
		w.Fatal(err)
	}
	u, err := w.store.AddUpload(ctx, store.Upload{Venue: venue, Person: p.ID, Name: "x", Content: manifest.DigestOf(nil), Size: 1})
	if err != nil {
		w.Fatal(err)
	}
	return u.ID
}

// ask sends a request; edit changes it before.
func (w *world) ask(method, path, session string, form url.Values, edit func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "repro", Value: session})
	}
	if edit != nil {
		edit(r)
	}
	rec := httptest.NewRecorder()
	w.guard.ServeHTTP(rec, r)
	return rec.Result()
}

// askAs sends what the forms of that person send, or for what forms do not send
// their program.
func (w *world) askAs(name, method, path string) *http.Response {
	if token := w.links[name]; method == "DELETE" && token != "" {
		return w.ask(method, path, "", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	}
	return w.ask(method, path, w.people[name], url.Values{"form": {w.key.formToken(w.people[name])}}, nil)
}

// matrix is who may use which route in venue a, from the files of testdata/matrix,
// one a feature. Columns: a stranger, the gateway's administrator;
// administrator, editor, author, reviewer, reader of a; the same five of b.
var matrix = sync.OnceValue(func() string {
	var all strings.Builder
	names, err := filepath.Glob("testdata/matrix/*.txt")
	for _, name := range names {
		b, readErr := os.ReadFile(name)
		err = errors.Join(err, readErr)
		all.Write(b)
	}
	if err != nil || all.Len() == 0 {
		panic(fmt.Sprintf("testdata/matrix: %d files, %v", len(names), err))
	}
	return all.String()
})

func columns() []string {
	names := []string{"stranger", "owner"}
	for _, id := range []string{"a", "b"} {
		for _, role := range store.Roles() {
			names = append(names, string(role)+" of "+id)
		}
	}
	return names
}

// TestMatrix asks for every route as everybody (GTW-5).
func TestMatrix(t *testing.T) {
	listed := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(matrix())) {
		f := strings.Fields(line)
		pattern, want := f[0]+" "+f[1], f[2:]
		listed[pattern] = true
		if len(want) != len(columns()) {
			t.Fatalf("%s: %d columns", pattern, len(want))
		}
		path := strings.NewReplacer("{$}", "", "{venue}", "a", "{link}", "1", "{upload}", newOnce(t).upload, "{submission}", newOnce(t).submission, "{path...}", "x", "{run}", newOnce(t).run).Replace(f[1])
		for i, name := range columns() {
			if pattern == "POST /leave" || i == 0 {
				continue // below: it ends the session
			}
			checkStatus(newOnce(t), name, f[0], path, want[i])
		}
	}
	for _, rule := range table {
		if !listed[rule.Pattern] {
			t.Errorf("%s: is not in the matrix of this test", rule.Pattern)
		}
	}
}

var shared *world

// newOnce is one world for the whole test: requests change nothing in it.
func newOnce(t *testing.T) *world {
	if shared == nil || shared.T != t {
		shared = newWorld(t)
	}
	return shared
}

func checkStatus(w *world, name, method, path, want string) {
	w.Helper()
	if got := fmt.Sprint(w.askAs(name, method, path).StatusCode); got != want {
		w.Errorf("%s %s as %s: %s, want %s", method, path, name, got, want)
	}
}

// TestMatrixEnds asks as strangers, and ends every session.
func TestMatrixEnds(t *testing.T) {
	w := newWorld(t)
	for line := range strings.Lines(strings.TrimSpace(matrix())) {
		f := strings.Fields(line)
		path := strings.NewReplacer("{$}", "", "{venue}", "a", "{link}", "1", "{upload}", w.upload, "{submission}", w.submission, "{path...}", "x", "{run}", w.run).Replace(f[1])
		checkStatus(w, "stranger", f[0], path, f[2])
	}
	for _, name := range columns()[1:] {
		checkStatus(w, name, "POST", "/leave", "200")
		checkStatus(w, name, "POST", "/leave", "401")
		checkStatus(w, name, "GET", "/v/a", "401")
	}
}

// TestOwn: what one author sends is not another's, nor in another venue, nor of
// another site's form.
func TestOwn(t *testing.T) {
	w := newWorld(t)
	w.join("second author of a", "a", store.Author)
	checkStatus(w, "second author of a", "GET", "/v/a/uploads/"+w.upload, "404")
	of := w.begin("author of b", "b")
	for _, c := range []struct{ name, path, want string }{
		{"author of b", "/v/b/uploads/" + of, "200"},
		{"author of b", "/v/b/uploads/" + w.upload, "404"},
		{"owner", "/v/a/uploads/" + of, "404"},
		{"author of a", "/v/a/uploads/" + of, "404"},
		{"author of a", "/v/a/uploads/none", "404"},
		{"second author of a", "/v/a/submissions/" + w.submission, "404"},
		{"second author of a", "/v/a/submissions/" + w.submission + "/files/x", "404"},
		{"owner", "/v/b/submissions/" + w.submission, "404"},
		{"reader of b", "/v/b/submissions/" + w.submission + "/image", "404"},
	} {
		checkStatus(w, c.name, "GET", c.path, c.want)
	}
	session := w.people["author of a"]
	for token, want := range map[string]int{"": 403, "x": 403, w.key.formToken(session): 200} {
		got := w.ask("POST", "/v/a/submissions?form="+token, session, nil, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }).StatusCode
		if got != want {
			t.Errorf("a file with token %q: %d, want %d", token, got, want)
		}
	}
}

// TestForms: a session's changes need its own token and come from no other site (GTW-5).
func TestForms(t *testing.T) {
	w := newWorld(t)
	for what, form := range map[string]url.Values{
		"none": {}, "another's": {"form": {w.key.formToken(w.people["owner"])}}, "the session itself": {"form": {w.people["editor of a"]}},
	} {
		if got := w.ask("POST", "/v/a/links", w.people["editor of a"], form, nil).StatusCode; got != 403 {
			t.Errorf("token %s: %d", what, got)
		}
	}
	good := url.Values{"form": {w.key.formToken(w.people["editor of a"])}}
	if got := w.ask("POST", "/v/a/links?form="+good.Get("form"), w.people["editor of a"], nil, nil).StatusCode; got != 403 {
		t.Errorf("a token in the address: %d", got)
	}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200} {
		got := w.ask("POST", "/v/a/links", w.people["editor of a"], good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) }).StatusCode
		if got != want {
			t.Errorf("from %s: %d, want %d", site, got, want)
		}
	}
	large := url.Values{"form": good["form"], "x": {strings.Repeat("x", maxForm)}}
	if got := w.ask("POST", "/v/a/links", w.people["editor of a"], large, nil).StatusCode; got != 400 {
		t.Errorf("a form of more than %d bytes: %d", maxForm, got)
	}
}

// TestBearer: programs show the link itself (GTW-4).
func TestBearer(t *testing.T) {
	w := newWorld(t)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if got := w.ask("POST", "/v/a/links", "", nil, bearer(w.links["editor of a"])).StatusCode; got != 200 {
		t.Errorf("an editor's program: %d", got)
	}
	if got := w.ask("POST", "/v/a/links", "", nil, bearer(w.links["editor of b"])).StatusCode; got != 404 {
		t.Errorf("another venue's: %d", got)
	}
	token := w.links["editor of a"]
	body, sum, _ := strings.Cut(token, ".")
	other, _, _ := strings.Cut(w.links["owner"], ".")
	for what, bad := range map[string]string{
		"empty": "", "no dot": body + sum, "other text": other + "." + sum, "cut sum": token[:len(token)-1], "no sum": body + ".",
		"not base64": "!." + sum, "long": token + strings.Repeat("A", maxToken), "not in the store": w.key.NewLink(store.Link{Venue: "a", Role: store.Editor, Expires: w.now.Add(time.Hour)}),
	} {
		// also with the cookie of a session: a wrong token is no way to be somebody else
		if got := w.ask("GET", "/v/a", w.people["owner"], nil, bearer(bad)).StatusCode; got != 401 {
			t.Errorf("%s: %d", what, got)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if err := w.key.checkLink(token, w.now); !errors.Is(err, store.ErrNoLink) {
		t.Errorf("an expired token: %v", err)
	}
	if err := w.key.checkLink(token, w.now.Add(-time.Second)); err != nil {
		t.Errorf("a second before: %v", err)
	}
}

// TestRevocationIsAtOnce: the next request of a session has the role no more.
func TestRevocationIsAtOnce(t *testing.T) {
	w := newWorld(t)
	checkStatus(w, "reader of a", "GET", "/v/a", "200")
	if err := w.store.RevokeLink(ctx, 0, "a", w.ids["reader of a"]); err != nil {
		t.Fatal(err)
	}
	checkStatus(w, "reader of a", "GET", "/v/a", "401")
}

func sessionOf(t *testing.T, res *http.Response) *http.Cookie {
	t.Helper()
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("status %d, cookies %v", res.StatusCode, cookies)
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
		t.Errorf("cookie %s", c.Raw)
	}
	return cookies[0]
}

// TestJoin: a link makes a new session and ends the one before, so that nobody
// can fix a session for somebody else.
func TestJoin(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"token": {w.links["author of a"]}}
	fresh := sessionOf(t, w.ask("POST", "/join", w.people["reader of a"], form, nil))
	if fresh.Value == w.people["reader of a"] || len(fresh.Value) < 40 || fresh.Secure {
		t.Errorf("session %q", fresh.Raw)
	}
	checkStatus(w, "reader of a", "GET", "/v/a", "401")
	res := w.ask("GET", "/v/a", fresh.Value, nil, nil)
	if b, err := io.ReadAll(res.Body); err != nil || !strings.HasPrefix(string(b), `author in "a", form `) {
		t.Errorf("%q, %v", b, err)
	}
	if got := w.ask("POST", "/join", "", form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).StatusCode; got != 403 {
		t.Errorf("joined from another site: %d", got)
	}
	w.guard.o.Secure = true
	if c := sessionOf(t, w.ask("POST", "/join", "", form, nil)); !c.Secure || c.Name != "__Host-repro" {
		t.Errorf("over https: %s", c.Raw)
	}
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/nowhere", "/v/a"} {
		h := w.ask("GET", path, "", nil, nil).Header
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
	if got := w.ask("GET", "/nowhere", "", nil, nil).StatusCode; got != 404 {
		t.Errorf("no page: %d", got)
	}
}

// TestOwnErrors are logged, not shown.
func TestOwnErrors(t *testing.T) {
	w := newWorld(t)
	w.store.Close()
	res := w.askAs("owner", "GET", "/v/a")
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != 500 || strings.Contains(string(b), "closed") || len(w.logged) != 1 {
		t.Errorf("%d %q, logged %v", res.StatusCode, b, w.logged)
	}
}

// TestRows: a route without a row does not start, nor a row without a route (GTW-5).
func TestRows(t *testing.T) {
	w := newWorld(t)
	all := map[string]Handler{}
	for _, rule := range table {
		all[rule.Pattern] = func(http.ResponseWriter, *http.Request, Visit) error { return nil }
	}
	more, less := maps.Clone(all), maps.Clone(all)
	more["GET /secret"] = all["GET /audit"]
	delete(less, "GET /audit")
	if _, err := New(w.store, w.key, more, w.options()); err == nil || !strings.Contains(err.Error(), "GET /secret: has no row") {
		t.Errorf("a route without a row: %v", err)
	}
	if _, err := New(w.store, w.key, less, w.options()); err == nil || !strings.Contains(err.Error(), "GET /audit: has a row") {
		t.Errorf("a row without a route: %v", err)
	}
}

func TestMayGive(t *testing.T) {
	for role, want := range map[store.Role][]store.Role{
		store.Administrator: store.Roles(), store.Editor: {store.Author, store.Reviewer, store.Reader},
		store.Author: nil, store.Reviewer: nil, store.Reader: nil, store.Nobody: nil,
	} {
		if got := MayGive(role); !slices.Equal(got, want) {
			t.Errorf("%s may give %q, want %q", role, got, want)
		}
	}
}

func TestKeyStays(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenKey(dir)
	if err != nil || a.formToken("x") != b.formToken("x") {
		t.Errorf("another key at the second start: %v", err)
	}
	c, err := OpenKey(t.TempDir())
	if err != nil || c.formToken("x") == a.formToken("x") {
		t.Errorf("the same key in another folder: %v", err)
	}
}
