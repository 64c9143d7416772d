// Package pages shows a gateway to people: server-rendered pages that need no
// script and load nothing but their style sheet.
//
// Every text may be hostile: it comes from images and from whoever has a role.
// html/template escapes markup, and the function clean makes visible what could
// reorder a line.
package pages

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/gateway/access"
	"repro/gateway/store"
	"repro/gateway/upload"
	"repro/report/view"
)

//go:embed pages.tmpl
var templateText string

//go:embed style.css
var styleSheet []byte

var templates = template.Must(template.New("pages").Funcs(template.FuncMap{
	"clean":       view.Clean,
	"fileAddress": fileAddress,
	"date":        func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
}).Parse(templateText))

// fileAddress is that of the page of the file at a path in a layer of a
// submission, whose own page is at sub.
func fileAddress(sub, at, layer string) string {
	u := url.URL{Path: sub + "/files" + path.Join("/", at)}
	if layer != "" {
		u.RawQuery = url.Values{"layer": {layer}}.Encode()
	}
	return u.String()
}

// Pages are the pages of a gateway.
type Pages struct {
	store  *store.Store
	key    *access.Key
	images *upload.Uploads
	guard  *access.Guard
	origin string // what links begin with
}

// New returns the pages over a store and its images. Links that they make begin with origin,
// "https://gateway.example".
func New(s *store.Store, k *access.Key, images *upload.Uploads, origin string) *Pages {
	return &Pages{store: s, key: k, images: images, origin: origin}
}

// Guard says what starts and ends sessions. It must be called before a request
// is answered: the guard itself is made of the handlers.
func (p *Pages) Guard(g *access.Guard) { p.guard = g }

// Handlers returns what answers each route.
func (p *Pages) Handlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /style.css": style,
		"GET /{$}":       p.home,
		"GET /join":      p.join,
		"POST /join":     p.joined,
		"POST /leave":    p.leave,
		"POST /venues":   p.addVenue,
		"GET /audit":     p.audit,
		"GET /v/{venue}": p.venue,
		"GET /v/{venue}/submissions/{submission}":                 p.submission,
		"GET /v/{venue}/submissions/{submission}/image":           p.download,
		"GET /v/{venue}/submissions/{submission}/files/{path...}": p.files,
		"GET /v/{venue}/people":                                   p.people,
		"POST /v/{venue}/links":                                   p.addLink,
		"POST /v/{venue}/links/{link}/revoke":                     p.revokeLink,
	}
}

// frame is what every page has, and its own Body.
type frame struct {
	Title string
	access.Visit
	Body any
}

// Manager reports whether the visitor runs the venue.
func (f frame) Manager() bool { return len(access.MayGive(f.Role)) > 0 }

// show writes a page as a whole or not at all.
func show(w http.ResponseWriter, status int, name string, f frame) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, f); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
	return nil
}

// Fail shows an error: to programs as one line of text.
func Fail(w http.ResponseWriter, r *http.Request, v access.Visit, e *access.Error) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(e.Status)
		fmt.Fprintln(w, view.Clean(e.Message))
		return
	}
	if show(w, e.Status, "error", frame{http.StatusText(e.Status), v, e}) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func style(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, err := w.Write(styleSheet)
	return err
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	venues, err := p.store.Venues(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "home", frame{"Venues", v, venues})
}

// join asks before it uses a link: programs that look at letters open links, too.
func (p *Pages) join(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	return show(w, http.StatusOK, "join", frame{"You are invited", v, r.URL.Query().Get("token")})
}

func (p *Pages) joined(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := p.guard.Join(w, r, v, r.PostFormValue("token")); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *Pages) leave(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if err := p.guard.Leave(w, r, v); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *Pages) addVenue(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	gib, err := strconv.ParseInt(r.PostForm.Get("quota"), 10, 64)
	if err != nil || gib < 1 || gib > 1<<20 {
		return access.Refuse(http.StatusBadRequest, "a quota is a whole number of GiB from 1 to %d", 1<<20)
	}
	id := r.PostForm.Get("id")
	err = p.store.AddVenue(r.Context(), v.Person.ID, store.Venue{ID: id, Name: r.PostForm.Get("name"), Quota: gib << 30})
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+id, http.StatusSeeOther)
	return nil
}

// refused makes of what the store says of a form an answer to whoever sent it.
func refused(err error) error {
	if bad := (*store.InvalidError)(nil); errors.As(err, &bad) {
		return access.Refuse(http.StatusBadRequest, "%v", err)
	}
	if errors.Is(err, store.ErrExists) {
		return access.Refuse(http.StatusConflict, "%v", err)
	}
	return err
}

// audit writes the audit log, one JSON object a line, and last the hash that
// the whole of it leads to.
func (p *Pages) audit(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	last, err := p.store.Audit(r.Context(), func(e store.Entry) error { return enc.Encode(e) })
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	_, err = fmt.Fprintf(w, "%s{\"hash\":\"sha256:%x\"}\n", view.EscapeJSON(b.Bytes()), last)
	return err
}

func (p *Pages) venue(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	var only int64
	if v.OwnOnly {
		only = v.Person.ID
	}
	list, err := p.store.Submissions(r.Context(), v.Venue.ID, only)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "venue", frame{v.Venue.Name, v, struct {
		Submissions []store.Submission
		Sender      bool
	}{list, v.Role != store.Reviewer && v.Role != store.Reader}})
}

// invitations are what the page of people shows.
type invitations struct {
	Links []store.Link
	May   []store.Role
	Now   time.Time
}

// Open reports whether a link can be used now.
func (i invitations) Open(l store.Link) bool { return !l.Revoked && i.Now.Before(l.Expires) }

func (p *Pages) people(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	links, err := p.store.Links(r.Context(), v.Venue.ID)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "people", frame{"People of " + v.Venue.Name, v, invitations{links, access.MayGive(v.Role), time.Now()}})
}

// MaxDays is how long a link may be valid.
const MaxDays = 366

func (p *Pages) addLink(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > MaxDays {
		return access.Refuse(http.StatusBadRequest, "a link is valid for 1 to %d days", MaxDays)
	}
	l := store.Link{
		Venue: v.Venue.ID, Role: store.Role(r.PostForm.Get("role")), Label: r.PostForm.Get("label"),
		Expires: time.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Second).UTC(),
	}
	if !slices.Contains(access.MayGive(v.Role), l.Role) {
		return access.Refuse(http.StatusForbidden, "you cannot give that role")
	}
	token := p.key.NewLink(l)
	if _, err := p.store.AddLink(r.Context(), v.Person.ID, l, store.HashOf(token)); err != nil {
		return refused(err)
	}
	return show(w, http.StatusCreated, "link", frame{"A link for " + l.Label, v, struct {
		store.Link
		Address, Token string
	}{l, JoinAddress(p.origin, token), token}})
}

// JoinAddress is where a link is opened in a browser.
func JoinAddress(origin, token string) string { return origin + "/join?token=" + token }

func (p *Pages) revokeLink(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	id, err := strconv.ParseInt(r.PathValue("link"), 10, 64)
	if err != nil {
		return fmt.Errorf("link: %w", store.ErrNotFound)
	}
	links, err := p.store.Links(r.Context(), v.Venue.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(links, func(l store.Link) bool { return l.ID == id })
	if i < 0 {
		return fmt.Errorf("link: %w", store.ErrNotFound)
	}
	if !slices.Contains(access.MayGive(v.Role), links[i].Role) {
		return access.Refuse(http.StatusForbidden, "you cannot take that role away")
	}
	if err := p.store.RevokeLink(r.Context(), v.Person.ID, v.Venue.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+v.Venue.ID+"/people", http.StatusSeeOther)
	return nil
}
