// Package access decides who may do what in a gateway: on every request, by one
// table of routes and roles, from what the store says at that moment.
//
// People come by links (package store), which are signed, and have a session in
// a cookie; programs show the link itself as a bearer token. SPEC.md, part GTW.
package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"repro/gateway/blind"
	"repro/gateway/store"
)

const (
	sessionTime = 12 * time.Hour
	maxForm     = 64 << 10 // bytes of a form
)

// Visit is one request by somebody.
type Visit struct {
	Person  store.Person // ID 0: a stranger
	Venue   store.Venue  // of the path
	Role    store.Role   // in Venue, or in the gateway where the path has none
	OwnOnly bool         // the rule lets the role see only what it sent itself
	Form    string       // what a form of this session must carry as "form"
	Program bool         // it shows a token or a link, and no session
	Mask    *blind.Mask  // what is sent goes through it; nil: nothing is hidden

	session string
	again   func() error
}

// Again fails if the visit would not be allowed any more: answers that take long
// ask it from time to time.
func (v Visit) Again() error { return v.again() }

// Handler answers a visit that is allowed. An error is shown as page.
type Handler func(w http.ResponseWriter, r *http.Request, v Visit) error

// Error is an answer other than the one asked for.
type Error struct {
	Status  int
	Message string // for whoever asked
}

func (e *Error) Error() string { return e.Message }

// Refuse returns an *Error.
func Refuse(status int, format string, args ...any) error {
	return &Error{status, fmt.Sprintf(format, args...)}
}

// Options are what a guard takes from outside.
type Options struct {
	Secure bool // browsers reach it by https: cookies are sent by that alone
	Now    func() time.Time
	// Fail shows an error: as a page, or for programs.
	Fail func(w http.ResponseWriter, r *http.Request, v Visit, e *Error)
	// Names finds what says whose work a submission is. It is asked once for each.
	Names func(ctx context.Context, submission string) ([]string, error)
	// Allow says whether somebody may ask now, of what is counted; nil: always.
	// From says from where a request comes.
	Allow func(what, who string) bool
	From  func(r *http.Request) string
	// Log is told of errors that are the gateway's own.
	Log func(r *http.Request, err error)
}

// Guard answers requests by handlers that its table allows.
type Guard struct {
	store  *store.Store
	key    *Key
	o      Options
	mux    *http.ServeMux
	origin *http.CrossOriginProtection
}

// New makes a guard before handlers, by pattern. It fails if a handler has no
// row in the table or a row no handler.
func New(s *store.Store, k *Key, handlers map[string]Handler, o Options) (*Guard, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Guard{s, k, o, http.NewServeMux(), http.NewCrossOriginProtection()}
	rows := map[string]bool{}
	for _, rule := range table {
		h := handlers[rule.Pattern]
		if h == nil {
			return nil, fmt.Errorf("access: %s: has a row in the table and no handler", rule.Pattern)
		}
		rows[rule.Pattern] = true
		g.mux.HandleFunc(rule.Pattern, func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, rule, h) })
	}
	for pattern := range handlers {
		if !rows[pattern] {
			return nil, fmt.Errorf("access: %s: has no row in the table: nobody may", pattern)
		}
	}
	return g, nil
}

// policy lets a page load style sheets, scripts and pictures of the gateway's own
// origin and send forms there, nothing else: nothing that stands in the page.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // addresses of links are secrets
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if _, pattern := g.mux.Handler(r); pattern == "" && r.Method != http.MethodOptions {
		g.fail(w, r, Visit{}, Refuse(http.StatusNotFound, "there is no such page"))
		return
	}
	g.mux.ServeHTTP(w, r)
}

func (g *Guard) serve(w http.ResponseWriter, r *http.Request, rule Rule, h Handler) {
	v, err := g.visit(w, r, rule)
	if err == nil {
		was := v
		v.again = func() error { return g.allowed(r, rule, was) }
		v.Mask, err = g.maskFor(r, v)
	}
	if v.Mask != nil {
		g.serveMasked(w, r, v, h)
		return
	}
	if err == nil {
		err = h(w, r, v)
	}
	if err != nil {
		g.fail(w, r, v, err)
	}
}

// visit says who asks, and fails unless the rule lets them.
func (g *Guard) visit(w http.ResponseWriter, r *http.Request, rule Rule) (v Visit, err error) {
	if err := g.origin.Check(r); err != nil {
		return v, Refuse(http.StatusForbidden, "this request comes from another site")
	}
	if v.Program, err = g.identify(r, &v); err != nil {
		return v, g.failed(w, r, err)
	}
	if err := g.limit(w, r, rule, v); err != nil {
		return v, err
	}
	if !rule.Public && v.Person.ID == 0 {
		return v, Refuse(http.StatusUnauthorized, "this page is for people who were invited: open the link that you were sent")
	}
	if err := g.admit(r, rule, &v); err != nil {
		return v, err
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if safe || rule.Public { // a link opened from a letter comes without the cookie, its form with it
		return v, nil
	}
	if v.Program { // no browser sends what it shows by itself
		return v, readForm(w, r)
	}
	return v, checkForm(w, r, v.Form)
}

// allowed fails unless the rule lets whoever asks, now, and hides from them what
// it hid when they were let in, or less.
func (g *Guard) allowed(r *http.Request, rule Rule, was Visit) error {
	var v Visit
	if _, err := g.identify(r, &v); err != nil {
		return err
	}
	if !rule.Public && v.Person.ID == 0 {
		return Refuse(http.StatusUnauthorized, "this session is over")
	}
	if err := g.admit(r, rule, &v); err != nil {
		return err
	}
	if v.HidesAuthors() && !was.HidesAuthors() || v.HidesReviewers() && !was.HidesReviewers() {
		return Refuse(http.StatusForbidden, "this venue hides names now: load the page again")
	}
	return nil
}

// identify says who asks: by session, or a program by a token or a link.
func (g *Guard) identify(r *http.Request, v *Visit) (program bool, err error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if strings.HasPrefix(token, tokenPrefix) {
			v.Person, err = g.store.ByToken(r.Context(), store.HashOf(token))
		} else if err = g.key.checkLink(token, g.o.Now()); err == nil {
			v.Person, err = g.store.Bearer(r.Context(), store.HashOf(token))
		}
		if errors.Is(err, store.ErrNoLink) || errors.Is(err, store.ErrSignIn) {
			err = Refuse(http.StatusUnauthorized, "%v", err)
		}
		return true, err
	}
	cookie, err := r.Cookie(g.cookieName())
	if err != nil {
		return false, nil // a stranger
	}
	v.Person, err = g.store.Session(r.Context(), store.HashOf(cookie.Value))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	v.session, v.Form = cookie.Value, g.key.formToken(cookie.Value)
	return false, err
}

// admit looks up venue and role, and fails unless the rule names the role. Who
// has no role in a venue does not learn whether there is one of that name.
func (g *Guard) admit(r *http.Request, rule Rule, v *Visit) (err error) {
	if v.Person.ID == 0 {
		return nil
	}
	id := r.PathValue("venue")
	if v.Role, err = g.store.RoleIn(r.Context(), v.Person.ID, id); err != nil {
		return err
	}
	if id != store.Site {
		nowhere := Refuse(http.StatusNotFound, "there is no such page, or it is not for you")
		if v.Role == store.Nobody {
			return nowhere
		}
		if v.Venue, err = g.store.Venue(r.Context(), id); errors.Is(err, store.ErrNotFound) {
			return nowhere
		} else if err != nil {
			return err
		}
	}
	if rule.Public || rule.Session {
		return nil
	}
	v.OwnOnly = slices.Contains(rule.Own, v.Role)
	if !v.OwnOnly && !slices.Contains(rule.Roles, v.Role) {
		return Refuse(http.StatusForbidden, "this page is not for you")
	}
	return g.checkOwner(r, *v)
}

// checkOwner fails if the path names an upload or a submission of another venue
// than its own, or one of somebody else where only the own are open, or a run of
// another submission.
func (g *Guard) checkOwner(r *http.Request, v Visit) error {
	id := r.PathValue("upload") + r.PathValue("submission")
	if id == "" {
		return nil
	}
	venue, person, err := g.store.Owner(r.Context(), id)
	if err == nil && (venue != v.Venue.ID || v.OwnOnly && person != v.Person.ID) {
		err = store.ErrNotFound
	}
	if err == nil && r.PathValue("run") != "" {
		var of store.Run
		if of, err = g.store.Run(r.Context(), r.PathValue("run")); err == nil && of.Submission != r.PathValue("submission") {
			err = store.ErrNotFound
		}
	}
	return err
}

// checkForm fails unless a request of a session carries the session's token: in
// the form, or in the address of what is none, such as a file.
func checkForm(w http.ResponseWriter, r *http.Request, want string) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return checkToken(r.URL.Query().Get("form"), want)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return Refuse(http.StatusBadRequest, "this form cannot be read: %v", err)
	}
	return checkToken(r.PostForm.Get("form"), want)
}

// readForm reads the form that a program sends, if it is one.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return Refuse(http.StatusBadRequest, "this form cannot be read: %v", err)
	}
	return nil
}

func checkToken(got, want string) error {
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return Refuse(http.StatusForbidden, "this form is not of your session: load the page again")
	}
	return nil
}

// Join uses a link and starts a session in the browser that asks. A session
// that it had before ends.
func (g *Guard) Join(w http.ResponseWriter, r *http.Request, v Visit, token string) error {
	err := g.key.checkLink(token, g.o.Now())
	session := newSession()
	if err == nil {
		_, err = g.store.Redeem(r.Context(), store.HashOf(token), store.HashOf(session), sessionTime)
	}
	if errors.Is(err, store.ErrNoLink) || errors.Is(err, store.ErrSignIn) {
		return Refuse(http.StatusForbidden, "%v", err)
	}
	if err != nil {
		return err
	}
	if err := g.endSession(r.Context(), v); err != nil {
		return err
	}
	g.setCookie(w, session, sessionTime)
	return nil
}

// Leave ends the session.
func (g *Guard) Leave(w http.ResponseWriter, r *http.Request, v Visit) error {
	g.setCookie(w, "", -time.Second)
	return g.endSession(r.Context(), v)
}

func (g *Guard) endSession(ctx context.Context, v Visit) error {
	if v.session == "" {
		return nil
	}
	return g.store.EndSession(ctx, store.HashOf(v.session))
}

func (g *Guard) cookieName() string {
	if g.o.Secure {
		return "__Host-repro" // browsers take it by https alone, for this host alone
	}
	return "repro"
}

func (g *Guard) setCookie(w http.ResponseWriter, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: g.cookieName(), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: g.o.Secure,
	})
}

// Log tells the gateway's own log of an error that a handler answers otherwise.
func (g *Guard) Log(r *http.Request, err error) { g.o.Log(r, err) }

// fail shows an error. One that is not for whoever asked is not shown to them.
func (g *Guard) fail(w http.ResponseWriter, r *http.Request, v Visit, err error) {
	var e *Error
	if !errors.As(err, &e) {
		if errors.Is(err, store.ErrNotFound) {
			e = &Error{http.StatusNotFound, "there is no such page, or it is not for you"}
		} else {
			g.o.Log(r, err)
			e = &Error{http.StatusInternalServerError, "the gateway could not do that; its administrator can read why in its log"}
		}
	}
	g.o.Fail(w, r, v, e)
}
