package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"repro/gateway/access"
)

// TestPaths: no spelling of an address gets around the table, leads to another
// host or breaks the gateway.
func TestPaths(t *testing.T) {
	admin, _ := start(t)
	author := newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	at := author.submit("j", "paper.sif", adasImage(t))
	reader := newPerson(t, admin.origin)
	reader.join(admin.invite("j", "R", "reader"))
	for _, path := range []string{
		"/v/j/../../audit", "/v/j/..%2f..%2faudit", "//audit", "/./audit", "/%61udit", "/audit/", "/audit%00", "/AUDIT", "/v/j/./people", "/v/j//people", "/v//j/people",
		"/v/j/people/", "/v/j/people;x", "/v/j%2fpeople", "/v/%6a/people", "/v/j/people%20", "/v/J/people", "/v/j/people?role=editor", "/metrics/", "//metrics", "/v/../metrics",
		at + "/../../people", at + "/forms/codecheck.yml", at + "/names", at + "/files/../names", at + "/files/..%2fnames", at + "/files/%2e%2e/%2e%2e/etc/passwd", at + "/files/..%5c..%5cetc",
		at + "/files/paper/\xff", at + "/files/" + strings.Repeat("a/", 5000), at + "/runs/..%2f..%2fsecret.key/record/x", at + "/runs/x/record/..%2f..%2f..%2fsecret.key",
		at + "/runs/.%2e/record.tar", "/v/j/submissions/..%2f..%2faudit", "//evil.example/..", "/\\evil.example", "/v/j/submissions/" + strings.Repeat("x", 9000),
	} {
		r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: strings.TrimPrefix(admin.origin, "http://"), Opaque: path}, Header: http.Header{}}
		for _, c := range reader.client.Jar.Cookies(mustParse(t, admin.origin)) {
			r.AddCookie(c)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			continue // the client itself did not send it
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == 200 || res.StatusCode >= 500 || strings.Contains(string(b), "root:x:") || strings.Contains(string(b), "add venue") {
			t.Errorf("%.80q: %d %.300s", path, res.StatusCode, b)
		}
		if to := res.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") || strings.Contains(to, "://") {
			t.Errorf("%.80q: leads to %q", path, to)
		}
	}
}

// quoted are values of attributes and what people edit: text that is sent back as
// it came.
var quoted = regexp.MustCompile(`(?s)"[^"]*"|<textarea.*?</textarea>`)

// inline is what a strict content policy refuses, and what no page may rely on.
var inline = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<[a-z][^<>]*\s(on\w+|style)=|<style`)

// TestPagesAreStrict: every page that an administrator can reach has the policy
// and no script or style within, and every form that changes something its token.
func TestPagesAreStrict(t *testing.T) {
	admin, _ := start(t)
	at := admin.submit("j", "paper.sif", hostileImage(t))
	admin.invite("j", hostile, "author")
	admin.post(at+"/discussion", at+"/discussion", url.Values{"words": {hostile}}, 200)
	admin.post(at+"/reviews", at+"/decision", url.Values{"outcome": {"revise"}, "words": {hostile}}, 200)
	admin.post(at+"/names", at+"/names", url.Values{"names": {hostile}, "files": {"*<script>*"}}, 200)
	admin.post("/tokens", "/tokens", url.Values{"label": {hostile}, "days": {"1"}}, 201)
	_, public := newKey(t, "Eve")
	admin.post("/v/j/keys", "/v/j/keys", url.Values{"name": {hostile}, "material": {string(public)}}, 200)
	forms := regexp.MustCompile(`(?s)<form method="post" action="([^"]+)".*?</form>`)
	pages := 0
	for address, answer := range admin.walk(at+"/reviews", at+"/discussion", at+"/names", "/tokens", "/v/j/keys", "/v/j/people", "/none").all {
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.Contains(head, "Content-Type: text/html") {
			continue
		}
		pages++
		if !strings.Contains(head, "Content-Security-Policy: default-src 'none'") || strings.Contains(head, "unsafe") || !strings.Contains(head, "X-Content-Type-Options: nosniff") {
			t.Errorf("%s: %s", address, head)
		}
		if strings.Contains(body, `="javascript:`) {
			t.Errorf("%s: has an address that is a script", address)
		}
		for _, f := range forms.FindAllStringSubmatch(body, -1) {
			if f[1] != "/join" && !strings.HasPrefix(f[1], "/sign-in/") && !strings.Contains(f[0], `name="form" value="`) && !strings.Contains(f[1], "?form=") {
				t.Errorf("%s: a form without a token: %s", address, f[0])
			}
		}
		body = quoted.ReplaceAllString(body, `""`)
		if m := inline.FindString(body); m != "" {
			t.Errorf("%s: has %q", address, m)
		}
		if strings.Contains(body, "\u202e") {
			t.Errorf("%s: has a mark that reorders text", address)
		}
	}
	if pages < 12 {
		t.Errorf("saw %d pages", pages)
	}
}

// TestSlowClients: who sends nothing is sent away, and others do not wait.
func TestSlowClients(t *testing.T) {
	before := headerTime
	headerTime = 300 * time.Millisecond
	defer func() { headerTime = before }()
	server := httptest.NewUnstartedServer(nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, server.Listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	}()
	address := server.Listener.Addr().String()
	var slow []net.Conn
	for range 50 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		slow = append(slow, c)
	}
	res, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range slow {
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && !strings.Contains(line, "408") && !strings.Contains(line, "400") {
			t.Errorf("a slow client is answered %q", line)
		} else if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Fatal("a slow client is kept for 20 seconds")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestVenuesApart: who runs one venue reaches nothing of another, by its own
// numbers and names in the other's addresses or by the other's in its own.
func TestVenuesApart(t *testing.T) {
	admin, _ := start(t)
	admin.post("/", "/venues", url.Values{"id": {"k"}, "name": {"Another"}, "quota": {"1"}}, 200)
	author := newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	at := author.submit("j", "paper.sif", adasImage(t))
	author.say(at, 200, url.Values{"words": {"mine"}})
	mine := newPerson(t, admin.origin)
	mine.join(admin.invite("k", "Eve", "editor"))
	stolen := strings.Replace(at, "/v/j/", "/v/k/", 1)
	replace := strings.NewReplacer("{venue}", "k", "{submission}", strings.TrimPrefix(at, "/v/j/submissions/"), "{link}", "2", "{comment}", "1", "{review}", "1", "{run}", "1", "{path...}", "paper", "{name}", "aea.md", "{upload}", "x", "{token}", "1", "{provider}", "x", "{$}", "")
	form := formToken.FindStringSubmatch(mine.get("/v/k/people"))[1]
	tried := 0
	for _, rule := range access.Rules() {
		method, pattern, _ := strings.Cut(rule.Pattern, " ")
		if !strings.Contains(pattern, "{submission}") && !strings.Contains(pattern, "{link}") {
			continue
		}
		tried++
		path := replace.Replace(pattern)
		values := url.Values{"form": {form}, "outcome": {"rejected"}, "words": {"x"}, "kind": {"run"}, "blind": {"open"}}
		r, err := http.NewRequest(method, admin.origin+path+"?form="+form, strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := mine.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 404 {
			t.Errorf("%s %s: %d, want 404", method, path, res.StatusCode)
		}
	}
	if tried < 20 {
		t.Errorf("tried %d routes", tried)
	}
	mine.do("GET", stolen, nil, 404)
	if page := author.get(at + "/reviews"); strings.Contains(page, "Rejected") {
		t.Error("another venue's editor decided")
	}
}
