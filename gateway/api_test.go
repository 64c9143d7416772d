package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var secretShown = regexp.MustCompile(`<pre>(rgw_[\w-]+)</pre>`)

// program shows a token.
type program struct {
	*testing.T
	origin, token string
}

func (p program) do(method, path string, form url.Values, want int) string {
	p.Helper()
	r, err := http.NewRequest(method, p.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		p.Fatalf("%s %s: %d, want %d: %s, %v", method, path, res.StatusCode, want, b, err)
	}
	return string(b)
}

// get decodes what a program is told.
func (p program) get(path string, v any) {
	p.Helper()
	if err := json.Unmarshal([]byte(p.do("GET", path, nil, 200)), v); err != nil {
		p.Fatal(err)
	}
}

// newProgram lets somebody make a token for a program.
func (p *person) newProgram() program {
	p.Helper()
	m := secretShown.FindStringSubmatch(p.post("/tokens", "/tokens", url.Values{"label": {"a script"}, "days": {"30"}}, 201))
	if m == nil {
		p.Fatal("no token")
	}
	return program{p.T, p.origin, m[1]}
}

// TestProgram does by tokens what people do in browsers (GTW-12).
func TestProgram(t *testing.T) {
	admin, _ := start(t)
	author := newPerson(t, admin.origin)
	author.join(admin.invite("j", "Ada", "author"))
	at := author.submit("j", "paper.sif", adasImage(t))
	editor, own := admin.newProgram(), author.newProgram()

	var venues []struct{ ID, Role string }
	if own.get("/api/venues", &venues); len(venues) != 1 || venues[0].ID != "j" || venues[0].Role != "author" {
		t.Errorf("%+v", venues)
	}
	var list struct {
		Total       int
		Submissions []struct{ ID, Outcome string }
	}
	if editor.get("/api/v/j/submissions", &list); list.Total != 1 || !strings.HasSuffix(at, list.Submissions[0].ID) || list.Submissions[0].Outcome != "undecided" {
		t.Errorf("%+v", list)
	}
	editor.do("POST", at+"/decision", url.Values{"outcome": {"accepted"}, "words": {"by a script"}}, 303)
	var one struct {
		Outcome string
		Report  struct {
			Intact     bool
			Signatures []struct{ Status string }
		}
	}
	if own.get("/api"+at, &one); one.Outcome != "accepted" || !one.Report.Intact || len(one.Report.Signatures) != 1 {
		t.Errorf("%+v", one)
	}
	own.do("POST", at+"/discussion", url.Values{"words": {"Thank you."}}, 303)
	var comments []struct{ Who, Words string }
	if editor.get("/api"+at+"/comments", &comments); len(comments) != 1 || comments[0].Who != "Ada, author" || comments[0].Words != "Thank you." {
		t.Errorf("%+v", comments)
	}
	for _, path := range []string{"/runs", "/attestations"} {
		if got := own.do("GET", "/api"+at+path, nil, 200); got != "[]\n" {
			t.Errorf("%s: %q", path, got)
		}
	}
	own.do("POST", at+"/decision", url.Values{"outcome": {"accepted"}}, 403)
	own.do("POST", "/tokens", url.Values{"label": {"x"}, "days": {"1"}}, 403)
	program{t, admin.origin, own.token + "x"}.do("GET", "/api/venues", nil, 401)
	var doc struct{ Openapi string }
	if own.get("/api/openapi.json", &doc); doc.Openapi != "3.1.0" {
		t.Errorf("%+v", doc)
	}

	for _, days := range []string{"0", "367", "x"} {
		author.post("/tokens", "/tokens", url.Values{"label": {"x"}, "days": {days}}, 400)
	}
	admin.post("/tokens", "/tokens/2/revoke", url.Values{}, 404) // the author's
	author.post("/tokens", "/tokens/2/revoke", url.Values{}, 200)
	own.do("GET", "/api/venues", nil, 401)
	// A role that is taken away takes the token's with it.
	reader := newPerson(t, admin.origin)
	reader.join(admin.invite("j", "R", "reader"))
	script := reader.newProgram()
	script.do("GET", "/api/v/j/submissions", nil, 200)
	admin.post("/v/j/people", "/v/j/links/3/revoke", url.Values{}, 200)
	script.do("GET", "/api/v/j/submissions", nil, 404)
}
