// Package pages shows a gateway to people: server-rendered pages that need no
// script and load nothing but their style sheet.
//
// Every text may be hostile: it comes from images and from whoever has a role.
// html/template escapes markup, and the function clean makes visible what could
// reorder a line.
package pages

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"repro/gateway/access"
	"repro/gateway/identity"
	"repro/gateway/signoff"
	"repro/gateway/store"
	"repro/gateway/upload"
	"repro/report"
	"repro/report/view"
)

//go:embed templates/*.tmpl
var templateFiles embed.FS

//go:embed static
var static embed.FS

// styleSheet and scripts are the files of static of one kind, by name.
var styleSheet, scripts, icon = joined("*.css"), joined("*.js"), joined("icon.svg")

func joined(pattern string) (all []byte) {
	names, err := fs.Glob(static, "static/"+pattern)
	for _, name := range names {
		text, readErr := static.ReadFile(name)
		err = errors.Join(err, readErr)
		all = append(all, text...)
	}
	if err != nil {
		panic(err)
	}
	return all
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"clean":       view.Clean,
	"fileAddress": fileAddress,
	"discuss":     discussAddress,
	"time":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"kind":        kindWords,
	"toneOf":      toneOf,
	"runPath":     runPath,
	"pathOf":      pathOf,
	"size":        sizeWords,
	"progress":    progressWords,
	"took":        took,
	"cleanText":   cleanText,
	"add":         func(a, b int) int { return a + b },
	"fileOf":      func(f *shown, picture string) fileView { return fileView{f, picture} },
	"date":        func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
}).ParseFS(templateFiles, "templates/*.tmpl"))

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
	store    *store.Store
	key      *access.Key
	images   *upload.Uploads
	guard    *access.Guard
	identity *identity.SignIn
	origin   string // what links begin with

	facts     kept[*facts]      // of submissions
	reports   kept[*report.Run] // of runs that are done
	outcomes  kept[*outcome]    // of submissions by their runs
	archiving chan struct{}     // one archive is written at once
	streams   chan struct{}     // as many as browsers may look at runs at once
	stopping  <-chan struct{}   // closed when the gateway stops: answers that take long end
}

// New returns the pages over a store and its images. Links that they make begin
// with origin, "https://gateway.example". When stopping is closed, answers that
// would take as long as a run end.
func New(s *store.Store, k *access.Key, images *upload.Uploads, origin string, stopping <-chan struct{}) *Pages {
	return &Pages{store: s, key: k, images: images, origin: origin, stopping: stopping, identity: identity.New(nil, origin, k, identity.Options{}), streams: make(chan struct{}, maxStreams), archiving: make(chan struct{}, 1)}
}

// SignIn says at which providers people can sign in: at first at none.
func (p *Pages) SignIn(s *identity.SignIn) { p.identity = s }

// Guard says what starts and ends sessions. It must be called before a request
// is answered: the guard itself is made of the handlers.
func (p *Pages) Guard(g *access.Guard) { p.guard = g }

// Handlers returns what answers each route: each file of this package has a
// table of its own.
func (p *Pages) Handlers() map[string]access.Handler {
	all := map[string]access.Handler{}
	for _, feature := range []map[string]access.Handler{
		p.siteHandlers(),
		p.peopleHandlers(),
		p.signInHandlers(),
		p.blindHandlers(),
		p.signoffHandlers(),
		p.formHandlers(),
		p.discussionHandlers(),
		p.tokenHandlers(),
		p.apiHandlers(),
		p.submissionHandlers(),
		p.runHandlers(),
	} {
		maps.Copy(all, feature)
	}
	return all
}

func (p *Pages) siteHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /style.css": sendStatic("text/css; charset=utf-8", styleSheet),
		"GET /script.js": sendStatic("text/javascript; charset=utf-8", scripts),
		"GET /icon.svg":  sendStatic("image/svg+xml", icon),
		"GET /{$}":       p.home,
		"POST /venues":   p.addVenue,
		"GET /audit":     p.audit,
		"GET /v/{venue}": p.venue,
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

// sendStatic answers with what never changes while the gateway runs.
func sendStatic(kind string, b []byte) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=300")
		_, err := w.Write(b)
		return err
	}
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if v.Person.ID == 0 {
		return show(w, http.StatusOK, "door", frame{"Sign in", v, door{p.identity.Providers(), ""}})
	}
	venues, err := p.store.Venues(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "home", frame{"Venues", v, venues})
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
	if errors.Is(err, signoff.ErrRefused) {
		return access.Refuse(http.StatusUnprocessableEntity, "%v", err)
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
