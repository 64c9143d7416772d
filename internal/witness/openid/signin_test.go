package openid

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

const secret = "a secret of this client"

// command runs repro-gateway and returns what it prints.
func command(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// gateway is a gateway in a folder, started as users do.
type gateway struct{ program, data, origin string }

func startGateway(t *testing.T, issuer string, listen net.Listener) *gateway {
	t.Helper()
	dir := t.TempDir()
	g := &gateway{filepath.Join(dir, "repro-gateway"), filepath.Join(dir, "data"), "http://" + listen.Addr().String()}
	build := exec.Command("go", "build", "-o", g.program, "./cmd/repro-gateway")
	build.Dir = "../../.."
	build.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0") // not those of this module's test
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, g.program, "venue", "--data", g.data, "j", "A journal")
	command(t, g.program, "venue", "--data", g.data, "k", "Another")
	command(t, g.program, "provider", "--data", g.data, "--secret", file, "--scopes", "profile", "op", "Provider", issuer, "web")
	listen.Close()
	serve := exec.Command(g.program, "serve", "--data", g.data, "--listen", listen.Addr().String())
	out, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serve.Process.Kill(); serve.Wait() })
	if lines := bufio.NewScanner(out); !lines.Scan() || !strings.Contains(lines.Text(), g.origin) {
		t.Fatalf("a start that says %q", lines.Text())
	}
	go io.Copy(io.Discard, out)
	return g
}

var tokenLine = regexp.MustCompile(`token +(\S+)`)

// invite returns the secret of a new link.
func (g *gateway) invite(t *testing.T, venue, role, name string) string {
	t.Helper()
	return tokenLine.FindStringSubmatch(command(t, g.program, "invite", "--data", g.data, venue, role, name))[1]
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

func (p *person) read(res *http.Response, err error) (int, *url.URL, string) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res.StatusCode, res.Request.URL, string(b)
}

var (
	refresh  = regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]+)"`)
	loginID  = regexp.MustCompile(`name="id" value="([^"]+)"`)
	unescape = strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`)
)

// onward follows a page that leads on by itself.
func (p *person) onward(page string) string {
	p.Helper()
	m := refresh.FindStringSubmatch(page)
	if m == nil {
		p.Fatalf("leads nowhere: %s", page)
	}
	return unescape.Replace(m[1])
}

// signIn signs in as a user of the provider, with an invitation or with none,
// and returns the status of the page after the provider's, and that page.
func (p *person) signIn(user, token string) (int, string) {
	p.Helper()
	_, _, page := p.read(p.client.PostForm(p.origin+"/sign-in/op", url.Values{"token": {token}}))
	_, at, page := p.read(p.client.Get(p.onward(page)))
	m := loginID.FindStringSubmatch(page)
	if m == nil {
		p.Fatalf("%s: no form of the provider: %s", at, page)
	}
	status, at, page := p.read(p.client.PostForm(at.Scheme+"://"+at.Host+at.Path, url.Values{"id": {m[1]}, "username": {user}, "password": {"verysecure"}}))
	if !strings.HasPrefix(at.String(), p.origin+"/sign-in/op/return?") {
		p.Fatalf("%d at %s: %s", status, at, page)
	}
	return status, page
}

// TestSignIn walks as two people through a real provider (GTW-8).
func TestSignIn(t *testing.T) {
	door, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(door.Addr().String())
	issuer := "http://localhost:" + port
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	storage.RegisterClients(storage.WebClient("web", secret, "http://"+listen.Addr().String()+"/sign-in/op/return"))
	op := &http.Server{Handler: exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), nil, false)}
	go op.Serve(door)
	defer op.Close()
	g := startGateway(t, issuer, listen)

	ada := newPerson(t, g.origin)
	if status, page := ada.signIn("test-user@localhost", ""); status != 403 || !strings.Contains(page, "nobody has invited you") {
		t.Errorf("a stranger: %d %s", status, page)
	}
	link := g.invite(t, "j", "editor", "Ada")
	status, page := ada.signIn("test-user@localhost", link)
	if status != 200 || ada.onward(page) != "/" {
		t.Fatalf("with an invitation: %d %s", status, page)
	}
	if _, _, page := ada.read(ada.client.Get(g.origin + "/v/j")); !strings.Contains(page, "You are editor here") {
		t.Errorf("her venue: %s", page)
	}
	if _, _, page := ada.read(ada.client.Get(g.origin + "/v/j/people")); !strings.Contains(page, "signs in as Test User (id1 at "+issuer+")") {
		t.Errorf("people: %s", page)
	}

	// The link alone, and with another's identity, opens nothing any more.
	bob := newPerson(t, g.origin)
	if status, _, _ := bob.read(bob.client.PostForm(g.origin+"/join", url.Values{"token": {link}})); status != 403 {
		t.Errorf("the link alone: %d", status)
	}
	if status, _ := bob.signIn("test-user2", link); status != 403 {
		t.Errorf("another's identity: %d", status)
	}

	// A new computer, a second venue: the same person.
	again := newPerson(t, g.origin)
	if status, page := again.signIn("test-user@localhost", g.invite(t, "k", "reader", "Dr L.")); status != 200 {
		t.Fatalf("again: %d %s", status, page)
	}
	if _, _, page := again.read(again.client.Get(g.origin + "/")); !strings.Contains(page, "/v/j") || !strings.Contains(page, "/v/k") {
		t.Errorf("her venues: %s", page)
	}

	// An answer that is played again, also in the same browser, is refused.
	_, _, page = again.read(again.client.PostForm(g.origin+"/sign-in/op", nil))
	address, err := url.Parse(again.onward(page))
	if err != nil {
		t.Fatal(err)
	}
	forged := g.origin + "/sign-in/op/return?code=x&state=" + url.QueryEscape(address.Query().Get("state"))
	if status, _, page := again.read(again.client.Get(forged)); status != 403 || !strings.Contains(page, "did not sign you in") {
		t.Errorf("a code that the provider did not give: %d %s", status, page)
	}
	if status, _, page := again.read(again.client.Get(forged)); status != 403 || !strings.Contains(page, "not begun in this browser") {
		t.Errorf("the same once more: %d %s", status, page)
	}
}
