package identity

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"golang.org/x/oauth2"
)

var (
	ctx = context.Background()
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// lid seals by writing the purpose before the text.
type lid struct{}

func (lid) Seal(purpose, text string) string { return purpose + ":" + text }
func (lid) Unseal(purpose, sealed string) (string, bool) {
	return strings.CutPrefix(sealed, purpose+":")
}

// provider answers as ORCID does: no e-mail, keys without alg, names that may be
// null.
type provider struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims map[string]any // in place of the good ones
	nonce  string         // of the last flow
	verify string         // the challenge that a verifier must answer
	asked  url.Values     // the last request for a token
	answer func(w http.ResponseWriter) bool
	keys   int    // how often they were asked for
	info   string // of its userinfo; empty: it has none
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, claims: map[string]any{}}
	m := http.NewServeMux()
	m.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[2]s/auth","token_endpoint":"%[2]s/token","jwks_uri":"%[2]s/keys","id_token_signing_alg_values_supported":["RS256"]`, p.URL, p.URL)
		if p.info != "" {
			fmt.Fprintf(w, `,"userinfo_endpoint":"%s/info"`, p.URL)
		}
		fmt.Fprint(w, "}")
	})
	m.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.keys++
		n, e := key.N.Bytes(), []byte{1, 0, 1}
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k","use":"sig","n":%q,"e":%q}]}`, b64(n), b64(e))
	})
	m.HandleFunc("GET /info", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") == "Bearer a" {
			fmt.Fprint(w, p.info)
		}
	})
	m.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(m)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	p.asked = r.PostForm
	if p.answer != nil && p.answer(w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if oauth2.S256ChallengeFromVerifier(r.PostForm.Get("code_verifier")) != p.verify || r.PostForm.Get("code") != "good" {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": "us", "sub": "0000-0002-1825-0097", "nonce": p.nonce, "name": nil, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix()}
	for k, v := range p.claims {
		claims[k] = v
	}
	b, _ := json.Marshal(claims)
	json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "bearer", "id_token": oidctest.SignIDToken(p.key, "k", oidc.RS256, string(b))})
}

// begin begins a flow, as the provider sees it.
func (p *provider) begin(t *testing.T, s *SignIn, link string) (state, cookie string) {
	t.Helper()
	address, cookie, err := s.Begin(ctx, "orcid", link)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	p.nonce, p.verify = q.Get("nonce"), q.Get("code_challenge")
	if !strings.HasPrefix(address, p.URL+"/auth?") || q.Get("redirect_uri") != "https://g.example/sign-in/orcid/return" || q.Get("scope") != "openid profile" ||
		q.Get("client_id") != "us" || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(p.nonce) < 20 || len(q.Get("state")) < 20 {
		t.Errorf("sends people to %s", address)
	}
	return q.Get("state"), cookie
}

func (p *provider) signIn(o Options) *SignIn {
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	return New([]Provider{{ID: "orcid", Name: "ORCID", Issuer: p.URL, Client: "us", Secret: "s", Scopes: []string{"profile"}}, {ID: "other", Name: "Other", Issuer: "http://127.0.0.1:1", Client: "us"}}, "https://g.example", lid{}, o)
}

func TestSignIn(t *testing.T) {
	p := newProvider(t)
	s := p.signIn(Options{})
	for want, claims := range map[string]map[string]any{
		"0000-0002-1825-0097": {}, "Ada Lovelace": {"given_name": "Ada", "family_name": "Lovelace"}, "A. L.": {"name": "A. L.", "given_name": "Ada"},
		"ada": {"preferred_username": "ada", "name": strings.Repeat("x", maxName+1)}, "Lovelace": {"family_name": " Lovelace ", "given_name": 7},
	} {
		p.claims = claims
		state, cookie := p.begin(t, s, "an invitation")
		id, link, err := s.Finish(ctx, "orcid", cookie, url.Values{"state": {state}, "code": {"good"}, "iss": {p.URL}})
		if err != nil || id != (Identity{p.URL, "0000-0002-1825-0097", want}) || link != "an invitation" {
			t.Errorf("%+v, %q, %v", id, link, err)
		}
	}
	if p.asked.Get("grant_type") != "authorization_code" || p.asked.Get("redirect_uri") != "https://g.example/sign-in/orcid/return" {
		t.Errorf("asked %v", p.asked)
	}
	if p.keys != 1 {
		t.Errorf("asked %d times for keys that did not change", p.keys)
	}
}

// TestAskName: where the id_token has no name, the provider is asked, and
// believed only about the same person.
func TestAskName(t *testing.T) {
	p := newProvider(t)
	for info, want := range map[string]string{
		`{"sub":"0000-0002-1825-0097","name":"Ada L."}`: "Ada L.", `{"sub":"0000-0002-1825-0098","name":"Bob"}`: "0000-0002-1825-0097",
		`{"sub":"0000-0002-1825-0097"}`: "0000-0002-1825-0097", `x`: "0000-0002-1825-0097", `{"sub":"0000-0002-1825-0097","name":null}`: "0000-0002-1825-0097",
	} {
		p.info = info
		s := p.signIn(Options{})
		state, cookie := p.begin(t, s, "")
		id, _, err := s.Finish(ctx, "orcid", cookie, url.Values{"state": {state}, "code": {"good"}})
		if err != nil || id.Name != want || id.Subject != "0000-0002-1825-0097" {
			t.Errorf("%s: %+v, %v", info, id, err)
		}
	}
}

// TestFlow: what was not begun in this browser is not finished in it (GTW-8).
func TestFlow(t *testing.T) {
	p := newProvider(t)
	at := now
	s := p.signIn(Options{Now: func() time.Time { return at }})
	state, cookie := p.begin(t, s, "")
	_, second := p.begin(t, s, "")
	for what, c := range map[string]struct {
		provider, cookie, state string
		want                    error
	}{
		"another state": {"orcid", cookie, "x", ErrFlow}, "no state": {"orcid", cookie, "", ErrFlow}, "no cookie": {"orcid", "", state, ErrFlow},
		"another flow's cookie": {"orcid", second, state, ErrFlow}, "not sealed": {"orcid", strings.TrimPrefix(cookie, "sign-in:"), state, ErrFlow},
		"sealed for another purpose": {"orcid", "x" + cookie, state, ErrFlow}, "not JSON": {"orcid", "sign-in:x", "", ErrFlow},
		"another provider": {"other", cookie, state, ErrFlow}, "none": {"none", cookie, state, ErrFlow},
	} {
		if _, _, err := s.Finish(ctx, c.provider, c.cookie, url.Values{"state": {c.state}, "code": {"good"}}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p.asked != nil {
		t.Errorf("the provider was asked: %v", p.asked)
	}
	at = now.Add(FlowTime - time.Second)
	p.claims["exp"] = at.Add(time.Minute).Unix()
	state, cookie = p.begin(t, p.signIn(Options{}), "") // begun at now
	if _, _, err := s.Finish(ctx, "orcid", cookie, url.Values{"state": {state}, "code": {"good"}}); err != nil {
		t.Errorf("in the last second: %v", err)
	}
	at = now.Add(FlowTime)
	if _, _, err := s.Finish(ctx, "orcid", cookie, url.Values{"state": {state}, "code": {"good"}}); !errors.Is(err, ErrFlow) {
		t.Errorf("too late: %v", err)
	}
	if _, _, err := s.Begin(ctx, "none", ""); !errors.Is(err, ErrNoProvider) {
		t.Errorf("no provider: %v", err)
	}
	if _, _, err := s.Begin(ctx, "other", ""); err == nil || !strings.HasPrefix(err.Error(), "Other: ") {
		t.Errorf("a provider that is down: %v", err)
	}
}

// TestRefused: what a provider says is held against what was asked (GTW-8).
func TestRefused(t *testing.T) {
	p := newProvider(t)
	s := p.signIn(Options{})
	good := url.Values{"code": {"good"}}
	for what, c := range map[string]struct {
		claims map[string]any
		answer url.Values
		text   string
	}{
		"nonce":          {map[string]any{"nonce": "x"}, good, "of another sign-in"},
		"no nonce":       {map[string]any{"nonce": ""}, good, "of another sign-in"},
		"audience":       {map[string]any{"aud": "them"}, good, "audience"},
		"issuer":         {map[string]any{"iss": "https://evil.example"}, good, "issued by a different provider"},
		"expired":        {map[string]any{"exp": now.Unix() - 1}, good, "expired"},
		"no subject":     {map[string]any{"sub": ""}, good, "no subject"},
		"long subject":   {map[string]any{"sub": strings.Repeat("s", maxSubject+1)}, good, "no subject"},
		"wrong code":     {nil, url.Values{"code": {"bad"}}, "invalid_grant"},
		"no code":        {nil, url.Values{}, ""},
		"error":          {nil, url.Values{"code": {"good"}, "error": {"access_denied"}, "error_description": {"she said no"}}, "she said no"},
		"another's name": {nil, url.Values{"code": {"good"}, "iss": {"https://evil.example"}}, "calls itself"},
	} {
		p.claims = c.claims
		state, cookie := p.begin(t, s, "")
		q := url.Values{"state": {state}}
		for k, v := range c.answer {
			q[k] = v
		}
		if id, _, err := s.Finish(ctx, "orcid", cookie, q); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.text) || id != (Identity{}) {
			t.Errorf("%s: %+v, %v", what, id, err)
		}
	}
}

// TestAnswers: what is no token, or too long, or leads elsewhere.
func TestAnswers(t *testing.T) {
	p := newProvider(t)
	s := p.signIn(Options{})
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a secret went elsewhere") }))
	defer elsewhere.Close()
	for what, answer := range map[string]func(http.ResponseWriter){
		"no id_token":   func(w http.ResponseWriter) { fmt.Fprint(w, `{"access_token":"a","token_type":"bearer"}`) },
		"another's key": func(w http.ResponseWriter) { p.forged(t, w) },
		"too long":      func(w http.ResponseWriter) { fmt.Fprint(w, `{"access_token":"`, strings.Repeat("a", maxAnswer), `"}`) },
		"elsewhere": func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	} {
		p.answer = func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			answer(w)
			return true
		}
		state, cookie := p.begin(t, s, "")
		if id, _, err := s.Finish(ctx, "orcid", cookie, url.Values{"state": {state}, "code": {"good"}}); err == nil || id != (Identity{}) {
			t.Errorf("%s: took %+v", what, id)
		}
	}
}

// forged is signed by somebody else under the name of the provider's key.
func (p *provider) forged(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := fmt.Sprintf(`{"iss":%q,"aud":"us","sub":"s","nonce":%q,"exp":%d}`, p.URL, p.nonce, now.Add(time.Minute).Unix())
	fmt.Fprintf(w, `{"access_token":"a","token_type":"bearer","id_token":%q}`, oidctest.SignIDToken(key, "k", oidc.RS256, claims))
}
