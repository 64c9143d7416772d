// Package identity signs people in by OpenID Connect (Core 1.0): a provider such
// as ORCID or a university says who somebody is, and the gateway what they may.
//
// Who somebody is, is the pair of issuer and subject, and nothing else: names
// change, and ORCID tells no e-mail address. The code flow is used, with PKCE
// (RFC 7636), state, nonce and, where a provider names itself in its answer,
// RFC 9207. What the gateway must remember between the two halves of a flow
// travels in a cookie that it has signed, so that any of its servers can finish
// what another began. SPEC.md, GTW-8.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// FlowTime is how long signing in may take.
	FlowTime = 10 * time.Minute

	askTime    = 20 * time.Second // for all that is asked of a provider in one step
	maxAnswer  = 1 << 20          // bytes of an answer of a provider
	maxSubject = 255              // bytes, as OpenID Connect has it
	maxName    = 200              // characters, as the store has it
)

// Errors that callers tell apart.
var (
	ErrNoProvider = errors.New("there is no such provider")
	ErrFlow       = errors.New("this sign-in was not begun in this browser, or took too long: begin again")
	ErrRefused    = errors.New("the provider did not sign you in")
)

// Identity is who a provider says that somebody is.
type Identity struct {
	Issuer, Subject string
	Name            string // may change, or be the subject itself where there is no other
}

// Seal signs short texts that travel through a browser. Access has one.
type Seal interface {
	Seal(purpose, text string) string
	Unseal(purpose, sealed string) (text string, ok bool)
}

// SignIn signs people in. Goroutines may share it.
type SignIn struct {
	providers []Provider
	origin    string
	seal      Seal
	client    *http.Client
	now       func() time.Time

	mu    sync.Mutex
	found map[string]*oidc.Provider // by id: what discovery said
}

// Options are what signing in takes from outside.
type Options struct {
	Client *http.Client     // nil: one that follows nothing
	Now    func() time.Time // nil: time.Now
}

// New returns the signing in at providers of a gateway that browsers reach by
// origin. No provider is asked before it is needed: one that is down keeps
// nobody from starting.
func New(providers []Provider, origin string, seal Seal, o Options) *SignIn {
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	client := *o.Client
	client.Transport = limited{client.Transport}
	return &SignIn{providers: providers, origin: origin, seal: seal, client: &client, now: o.Now, found: map[string]*oidc.Provider{}}
}

// limited cuts answers that are too long, so that they are no JSON.
type limited struct{ base http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	base := l.base
	if base == nil {
		base = http.DefaultTransport
	}
	res, err := base.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// Providers lists where people can sign in.
func (s *SignIn) Providers() []Provider { return s.providers }

// ReturnPath is where a provider sends people back to.
func ReturnPath(provider string) string { return "/sign-in/" + provider + "/return" }

// flow is what one sign-in must remember.
type flow struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Link     string `json:"l,omitempty"` // the invitation that is to be used
	Expires  int64  `json:"e"`
}

const flowPurpose = "sign-in"

// Begin begins to sign somebody in, who has perhaps an invitation: address is
// where to send them, and cookie what the browser must show again.
func (s *SignIn) Begin(ctx context.Context, provider, link string) (address, cookie string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, _, err := s.config(ctx, provider)
	if err != nil {
		return "", "", err
	}
	f := flow{provider, rand.Text(), rand.Text(), oauth2.GenerateVerifier(), link, s.now().Add(FlowTime).Unix()}
	b, err := json.Marshal(f)
	if err != nil {
		return "", "", err
	}
	address = c.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	return address, s.seal.Seal(flowPurpose, string(b)), nil
}

// Finish takes what a provider sent a browser back with, and returns who it says
// that is and the invitation that [SignIn.Begin] was given. Errors wrap ErrFlow
// or ErrRefused, or are of the connection to the provider.
func (s *SignIn) Finish(ctx context.Context, provider, cookie string, answer url.Values) (id Identity, link string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	f, err := s.begun(provider, cookie, answer.Get("state"))
	if err != nil {
		return id, "", err
	}
	c, p, err := s.config(ctx, provider)
	if err != nil {
		return id, "", err
	}
	if iss := answer.Get("iss"); iss != "" && iss != c.issuer { // RFC 9207: another provider's answer
		return id, "", fmt.Errorf("%w: it calls itself %.200q", ErrRefused, iss)
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return id, "", fmt.Errorf("%w: %.200q %.200q", ErrRefused, answer.Get("error"), answer.Get("error_description"))
	}
	ctx = oidc.ClientContext(ctx, s.client)
	token, err := c.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return id, "", refusedBy(err)
	}
	id, err = s.identify(ctx, c, p, token, f.Nonce)
	return id, f.Link, err
}

// begun returns the flow of a cookie, if it was begun here, at that provider,
// and not long ago.
func (s *SignIn) begun(provider, cookie, state string) (f flow, err error) {
	text, ok := s.seal.Unseal(flowPurpose, cookie)
	if !ok || json.Unmarshal([]byte(text), &f) != nil {
		return f, ErrFlow
	}
	same := subtle.ConstantTimeCompare([]byte(f.State), []byte(state)) == 1
	if !same || f.Provider != provider || s.now().Unix() >= f.Expires {
		return f, ErrFlow
	}
	return f, nil
}

// refusedBy tells what a provider said from a connection that failed.
func refusedBy(err error) error {
	if said := (*oauth2.RetrieveError)(nil); errors.As(err, &said) {
		return fmt.Errorf("%w: %.200q %.200q", ErrRefused, said.ErrorCode, said.ErrorDescription)
	}
	return err
}

// config is what is known of a provider. The first time, it is asked.
func (s *SignIn) config(ctx context.Context, id string) (c config, p *oidc.Provider, err error) {
	for _, known := range s.providers {
		if known.ID != id {
			continue
		}
		if p, err = s.discover(ctx, known); err != nil {
			return c, nil, fmt.Errorf("%s: %w", known.Name, err)
		}
		c = config{known.Issuer, oauth2.Config{
			ClientID: known.Client, ClientSecret: known.Secret, Endpoint: p.Endpoint(),
			RedirectURL: s.origin + ReturnPath(id), Scopes: append([]string{oidc.ScopeOpenID}, known.Scopes...),
		}}
		return c, p, nil
	}
	return c, nil, ErrNoProvider
}

type config struct {
	issuer string
	oauth2.Config
}

func (s *SignIn) discover(ctx context.Context, known Provider) (*oidc.Provider, error) {
	s.mu.Lock()
	p := s.found[known.ID]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	// Its keys are fetched by this context later, too: it must not end.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.bounded()), known.Issuer)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[known.ID] = p
	return p, nil
}

// bounded is the client with a limit of time for each request.
func (s *SignIn) bounded() *http.Client {
	c := *s.client
	c.Timeout = askTime
	return &c
}

// identify checks the token and reads who it is of.
func (s *SignIn) identify(ctx context.Context, c config, p *oidc.Provider, token *oauth2.Token, nonce string) (id Identity, err error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return id, fmt.Errorf("%w: its answer has no id_token", ErrRefused)
	}
	t, err := p.Verifier(&oidc.Config{ClientID: c.ClientID, Now: s.now}).Verify(ctx, raw)
	if err != nil {
		return id, fmt.Errorf("%w: its id_token: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(nonce)) != 1 {
		return id, fmt.Errorf("%w: its id_token is of another sign-in", ErrRefused)
	}
	if t.Subject == "" || len(t.Subject) > maxSubject || !utf8.ValidString(t.Subject) {
		return id, fmt.Errorf("%w: its id_token has no subject of 1 to %d bytes", ErrRefused, maxSubject)
	}
	var said names
	if err := t.Claims(&said); err != nil {
		return id, fmt.Errorf("%w: its id_token: %w", ErrRefused, err)
	}
	id = Identity{t.Issuer, t.Subject, said.first()}
	if id.Name == "" {
		id.Name = s.askName(ctx, p, token, t.Subject)
	}
	return id, nil
}

// askName asks for the name where the id_token has none. Who does not tell is
// called by the subject: a name is no part of who somebody is.
func (s *SignIn) askName(ctx context.Context, p *oidc.Provider, token *oauth2.Token, subject string) string {
	var said names
	if p.UserInfoEndpoint() != "" {
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err == nil && info.Subject == subject { // else a token of somebody else was slipped in: Core, 5.3.4
			if info.Claims(&said) != nil {
				return subject
			}
		}
	}
	if name := said.first(); name != "" {
		return name
	}
	return subject
}

// names are the claims that may have a name. Providers send null, too.
type names struct {
	Name   any `json:"name"`
	Given  any `json:"given_name"`
	Family any `json:"family_name"`
	User   any `json:"preferred_username"`
}

// first is the best name that is one, or "".
func (n names) first() string {
	for _, name := range []string{text(n.Name), strings.TrimSpace(text(n.Given) + " " + text(n.Family)), text(n.User)} {
		if name != "" && utf8.RuneCountInString(name) <= maxName {
			return name
		}
	}
	return ""
}

// text is v if it is one.
func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}
