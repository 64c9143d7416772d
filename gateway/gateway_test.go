package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"repro/gateway/access"
	"repro/gateway/store"
	"repro/internal/atomicfile"
)

const (
	serveEnv     = "REPRO_TEST_GATEWAY"
	serveArgsEnv = "REPRO_TEST_GATEWAY_ARGS" // further ones, with blanks between them
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"work", "run", "--quiet"}, os.Args[1]) { // a worker, and what it starts
		os.Exit(Main(os.Args, os.Stdout, os.Stderr))
	}
	if dir := os.Getenv(serveEnv); dir != "" {
		more := strings.Fields(os.Getenv(serveArgsEnv))
		os.Exit(Main(append([]string{"repro-gateway", "serve", "--data", dir, "--listen", "127.0.0.1:0"}, more...), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// person is a browser without scripts.
type person struct {
	*testing.T
	client *http.Client
	origin string
}

func newPerson(t *testing.T, origin string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{Jar: jar, Timeout: time.Minute}, origin}
}

func (p *person) do(method, path string, form url.Values, want int) string {
	p.Helper()
	r, err := http.NewRequest(method, p.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	res, err := p.client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	if res.StatusCode != want {
		p.Fatalf("%s %s: %d, want %d\n%s", method, path, res.StatusCode, want, b)
	}
	return string(b)
}

func (p *person) get(path string) string { p.Helper(); return p.do("GET", path, nil, 200) }

var formToken = regexp.MustCompile(`name="form" value="([^"]+)"`)

// post sends a form of the page at from.
func (p *person) post(from, path string, form url.Values, want int) string {
	p.Helper()
	m := formToken.FindStringSubmatch(p.get(from))
	if m == nil {
		p.Fatalf("%s: has no form", from)
	}
	form.Set("form", m[1])
	return p.do("POST", path, form, want)
}

func (p *person) join(token string) string {
	p.Helper()
	return p.do("POST", "/join", url.Values{"token": {token}}, 200)
}

var linkToken = regexp.MustCompile(`join\?token=([\w.-]+)`)

// invite makes a link and returns its secret.
func (p *person) invite(venue, label, role string) string {
	p.Helper()
	page := p.post("/v/"+venue+"/people", "/v/"+venue+"/links", url.Values{"label": {label}, "role": {role}, "days": {"30"}}, 201)
	m := linkToken.FindStringSubmatch(page)
	if m == nil {
		p.Fatalf("no link in\n%s", page)
	}
	return m[1]
}

// start starts a gateway in this process, with an administrator who has added
// the venue "j".
func start(t *testing.T) (admin *person, s *store.Store) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := access.OpenKey(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	origin := "http://" + server.Listener.Addr().String()
	if server.Config.Handler, err = handler(ctx, s, k, origin, false, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() { server.Close(); s.Close() })
	token, err := administratorLink(ctx, s, k)
	if err != nil {
		t.Fatal(err)
	}
	admin = newPerson(t, origin)
	admin.join(token)
	admin.post("/", "/venues", url.Values{"id": {"j"}, "name": {"A journal"}, "quota": {"1"}}, 200)
	return admin, s
}

// TestPeople walks from the administrator's link to a reviewer who is sent away.
func TestPeople(t *testing.T) {
	admin, _ := start(t)
	editor := newPerson(t, admin.origin)
	if page := editor.get("/join?token=" + admin.invite("j", "Eve", "editor")); !strings.Contains(page, "Go on") {
		t.Errorf("the page of a link: %s", page)
	}
	editor.join(admin.invite("j", "Ed", "editor"))
	if page := editor.get("/"); !strings.Contains(page, `<a href="/v/j">A journal</a>`) || strings.Contains(page, "Add a venue") {
		t.Errorf("an editor's start: %s", page)
	}
	for _, role := range []string{"administrator", "editor", "owner", ""} {
		editor.post("/v/j/people", "/v/j/links", url.Values{"label": {"x"}, "role": {role}, "days": {"30"}}, 403)
	}
	for _, days := range []string{"0", "367", "x", ""} {
		editor.post("/v/j/people", "/v/j/links", url.Values{"label": {"x"}, "role": {"reader"}, "days": {days}}, 400)
	}
	editor.post("/v/j/people", "/v/j/links", url.Values{"label": {" "}, "role": {"reader"}, "days": {"366"}}, 400)
	editor.post("/v/j/people", "/v/j/links/2/revoke", url.Values{}, 403) // Eve's: an editor's
	editor.post("/v/j/people", "/v/j/links/99/revoke", url.Values{}, 404)
	editor.post("/v/j/people", "/v/j/links/x/revoke", url.Values{}, 404)
	editor.post("/v/j/people", "/v/j/links/1/revoke", url.Values{}, 404) // the gateway's own

	reviewer := newPerson(t, admin.origin)
	reviewer.join(editor.invite("j", "Reviewer 1", "reviewer"))
	if page := reviewer.get("/v/j"); !strings.Contains(page, "You are reviewer here") || strings.Contains(page, "People") {
		t.Errorf("a reviewer's venue: %s", page)
	}
	editor.post("/v/j/people", "/v/j/links/4/revoke", url.Values{}, 200)
	if page := reviewer.do("GET", "/v/j", nil, 401); !strings.Contains(page, "open the link that you were sent") {
		t.Errorf("after revocation: %s", page)
	}
	if page := editor.get("/v/j/people"); !strings.Contains(page, "revoked") || !strings.Contains(page, "joined") || !strings.Contains(page, "invited") {
		t.Errorf("people: %s", page)
	}
	editor.post("/", "/leave", url.Values{}, 200)
	editor.do("GET", "/v/j", nil, 401)
}

func TestVenueForm(t *testing.T) {
	admin, _ := start(t)
	for _, c := range []struct {
		id, name, quota string
		want            int
	}{
		{"j", "again", "1", 409}, {"../x", "x", "1", 400}, {"k", "", "1", 400}, {"k", "K", "0", 400}, {"k", "K", "1048577", 400}, {"k", "K", "1048576", 200},
	} {
		admin.post("/", "/venues", url.Values{"id": {c.id}, "name": {c.name}, "quota": {c.quota}}, c.want)
	}
}

// TestAuditPage reads the log as a program does (GTW-3).
func TestAuditPage(t *testing.T) {
	admin, s := start(t)
	last, err := s.Audit(context.Background(), func(store.Entry) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(admin.get("/audit")), "\n")
	var e store.Entry
	if err := json.Unmarshal([]byte(lines[len(lines)-2]), &e); err != nil || e.Action != "add venue" || e.Venue != "j" || e.Sequence != int64(len(lines)-1) {
		t.Errorf("%+v, %v", e, err)
	}
	var end struct{ Hash string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Hash != fmt.Sprintf("sha256:%x", last) {
		t.Errorf("%+v, %v, want %x", end, err, last)
	}
}

// TestNamesAreEscaped: what people write into forms never becomes markup or
// moves text about.
func TestNamesAreEscaped(t *testing.T) {
	admin, _ := start(t)
	bad := "<script>alert(1)</script>\"'\u202eevil"
	admin.post("/", "/venues", url.Values{"id": {"k"}, "name": {bad}, "quota": {"1"}}, 200)
	admin.invite("k", bad, "reader")
	for _, path := range []string{"/", "/v/k", "/v/k/people", "/join?token=" + url.QueryEscape(bad)} {
		page := strings.Replace(admin.get(path), ownScript, "", 1)
		if strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;") {
			t.Errorf("%s: markup: %s", path, page)
		}
		if strings.Contains(page, "\u202e") && !strings.HasPrefix(path, "/join") { // sent back, not shown
			t.Errorf("%s: a mark that reorders text: %q", path, page)
		}
	}
}

// process is a gateway in a process of its own.
type process struct {
	*exec.Cmd
	origin, token string
}

// awaited are the folders for whose workers a test waits at its end.
var awaited = map[string]bool{}

// awaitWorkers waits for workers whose gateway has died.
func awaitWorkers(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "workers", "*"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, name := range names {
		unlock, err := atomicfile.Lock(ctx, name)
		if err != nil {
			t.Errorf("%s: still works: %v", name, err)
			continue
		}
		unlock()
	}
}

func startProcess(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	if !awaited[dir] { // the first of several
		awaited[dir] = true
		t.Cleanup(func() { awaitWorkers(t, dir) })
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+dir, serveArgsEnv+"="+strings.Join(args, " "))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	p := &process{Cmd: cmd}
	for lines := bufio.NewScanner(out); p.token == "" && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "gateway" {
			p.origin = f[1]
		} else if len(f) == 2 && f[0] == "administrator" {
			p.token = linkToken.FindStringSubmatch(f[1])[1]
		}
	}
	if p.origin == "" || p.token == "" {
		t.Fatalf("a start that says %+v", p)
	}
	return p
}

// TestServe starts a gateway as users do, kills it, starts it again and stops
// it: what was there is there, old links of starts are not, and a session goes on.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	first := startProcess(t, dir)
	admin := newPerson(t, first.origin)
	if got := admin.get("/healthz"); got != "ok\n" {
		t.Errorf("health %q", got)
	}
	admin.join(first.token)
	admin.post("/", "/venues", url.Values{"id": {"j"}, "name": {"A journal"}, "quota": {"1"}}, 200)
	unused := startProcess(t, dir) // two at once are no harm
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	second := startProcess(t, dir)
	if second.token == first.token {
		t.Error("two starts print the same link")
	}
	admin.origin = second.origin
	admin.client.Jar.SetCookies(mustParse(t, second.origin), admin.client.Jar.Cookies(mustParse(t, first.origin)))
	if page := admin.get("/"); !strings.Contains(page, "A journal") {
		t.Errorf("after a kill: %s", page)
	}
	stranger := newPerson(t, second.origin)
	for _, token := range []string{first.token, unused.token} {
		stranger.do("POST", "/join", url.Values{"token": {token}}, 403)
	}
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestShutdown: what is being answered is finished.
func TestShutdown(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan bool)
	server := httptest.NewUnstartedServer(nil)
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, server.Listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			started <- true
			time.Sleep(200 * time.Millisecond)
			io.WriteString(w, "whole")
		}))
	}()
	go func() { <-started; cancel() }()
	res, err := http.Get("http://" + server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "whole" {
		t.Errorf("%q, %v", b, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
