package pages

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"repro/attest/statement"
	"repro/format/manifest"
	"repro/gateway/access"
	"repro/gateway/signoff"
	"repro/gateway/store"
	"repro/report"
)

func (p *Pages) signoffHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/keys":                                       p.keys,
		"POST /v/{venue}/keys":                                      p.addKey,
		"POST /v/{venue}/keys/remove":                               p.removeKey,
		"GET /v/{venue}/submissions/{submission}/reviews":           p.reviews,
		"POST /v/{venue}/submissions/{submission}/reviews":          p.attach,
		"GET /v/{venue}/submissions/{submission}/reviews/{review}":  p.attestation,
		"POST /v/{venue}/submissions/{submission}/reviews/by-venue": p.signByVenue,
		"POST /v/{venue}/submissions/{submission}/decision":         p.decide,
	}
}

// keysPage is what the page of trusted keys shows.
type keysPage struct {
	Keys []store.TrustedKey
	Own  string // fingerprint of the venue's own key; empty: it has none
}

func (p *Pages) keys(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	keys, err := p.store.Keys(r.Context(), v.Venue.ID)
	if err != nil {
		return err
	}
	page := keysPage{Keys: keys}
	own, err := signoff.VenueKey(p.store.Dir(), v.Venue.ID)
	if err != nil {
		return err
	}
	if own != nil {
		page.Own = string(own.Fingerprint())
	}
	return show(w, http.StatusOK, "keys", frame{"Whom " + v.Venue.Name + " trusts", v, page})
}

func (p *Pages) addKey(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	k, err := signoff.Key([]byte(r.PostForm.Get("material")), r.PostForm.Get("name"))
	if err == nil {
		err = p.store.AddKey(r.Context(), v.Person.ID, v.Venue.ID, k)
	}
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+v.Venue.ID+"/keys", http.StatusSeeOther)
	return nil
}

func (p *Pages) removeKey(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if err := p.store.RemoveKey(r.Context(), v.Person.ID, v.Venue.ID, r.PostForm.Get("fingerprint")); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+v.Venue.ID+"/keys", http.StatusSeeOther)
	return nil
}

// submitted is what the gateway knows of an open image, and whom its venue
// trusts.
func (p *Pages) submitted(r *http.Request, o opened) (s signoff.Submitted, keys []store.TrustedKey, err error) {
	s.Image, s.Report = o.image, &report.Verify{}
	if err := json.Unmarshal(o.Report, s.Report); err != nil {
		return s, nil, err
	}
	if s.Attached, err = p.store.Attachments(r.Context(), o.ID); err != nil {
		return s, nil, err
	}
	keys, err = p.store.Keys(r.Context(), o.Venue)
	return s, keys, err
}

// reviewsPage is what the page of reviews and the decision shows.
type reviewsPage struct {
	store.Submission
	Path      string
	Said      []signoff.Statement
	Decisions []store.Decision
	Outcomes  []store.Outcome
	Withheld  bool // reviews are there, and not for the visitor yet
	May       bool // the visitor can attach
	ByVenue   bool // the venue signs what reviewers say
}

// Outcome is what was decided last.
func (p reviewsPage) Outcome() store.Outcome {
	if len(p.Decisions) == 0 {
		return store.Undecided
	}
	return p.Decisions[0].Outcome
}

func (p *Pages) reviews(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	s, keys, err := p.submitted(r, o)
	if err != nil {
		return err
	}
	page := reviewsPage{Submission: o.Submission, Path: pathOf(o.Submission), Outcomes: store.Outcomes(), May: v.Role != store.Author && v.Role != store.Reader}
	if page.Decisions, err = p.store.Decisions(r.Context(), o.ID); err != nil {
		return err
	}
	if _, page.Said, err = signoff.Judge(r.Context(), s, keys); err != nil {
		return err
	}
	own, err := signoff.VenueKey(p.store.Dir(), v.Venue.ID)
	if err != nil {
		return err
	}
	page.ByVenue = own != nil && page.May
	if withheld(v, page.Outcome()) {
		page.Withheld, page.Said = len(s.Attached) > 0, nil
	}
	return show(w, http.StatusOK, "reviews", frame{"Reviews and decision", v, page})
}

// withheld reports whether reviews are not for the visitor yet: authors read them
// with the decision, unless all is open.
func withheld(v access.Visit, o store.Outcome) bool {
	return (v.Role == store.Author || v.Role == store.Reader) && v.Venue.Blind != store.NotBlind && o == store.Undecided
}

// attach takes an attestation and perhaps the public key of whoever made it.
func (p *Pages) attach(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	a := store.Attached{Person: v.Person.ID}
	if a.Bundle, a.Material, err = attachedFiles(w, r); err != nil {
		return err
	}
	a.Digest = manifest.DigestOf(a.Bundle)
	s, keys, err := p.submitted(r, o)
	if err != nil {
		return err
	}
	if _, err = signoff.Check(r.Context(), s, keys, a); err == nil {
		err = p.store.Attach(r.Context(), o.Submission, a)
	}
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, pathOf(o.Submission)+"/reviews", http.StatusSeeOther)
	return nil
}

// maxKeyFile is how long a public key can be, in bytes.
const maxKeyFile = 1 << 20

// attachedFiles reads the files "bundle" and "key" of a form.
func attachedFiles(w http.ResponseWriter, r *http.Request) (bundle, key []byte, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, signoff.MaxBundle+2*maxKeyFile)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, access.Refuse(http.StatusBadRequest, "send the form of the page, with a file")
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return bundle, key, nil
		}
		if err != nil {
			return nil, nil, access.Refuse(http.StatusBadRequest, "this form cannot be read: %v", err)
		}
		into, limit := &bundle, int64(signoff.MaxBundle)
		if part.FormName() == "key" {
			into, limit = &key, maxKeyFile
		}
		if *into, err = io.ReadAll(io.LimitReader(part, limit+1)); err != nil {
			return nil, nil, access.Refuse(http.StatusBadRequest, "this form cannot be read: %v", err)
		}
		if int64(len(*into)) > limit {
			return nil, nil, access.Refuse(http.StatusRequestEntityTooLarge, "the file is larger than the %d bytes that it can have", limit)
		}
	}
}

// signByVenue signs what a reviewer says with the key of the venue.
func (p *Pages) signByVenue(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	own, err := signoff.VenueKey(p.store.Dir(), v.Venue.ID)
	if err != nil {
		return err
	}
	if own == nil {
		return access.Refuse(http.StatusNotFound, "this venue has no key of its own: sign on your machine, and attach what comes out")
	}
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	by := store.Identity{Name: v.Person.Name}
	ids, err := p.store.Identities(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		by = ids[0]
	}
	a, err := signoff.Sign(r.Context(), o.image, own, signoff.Opinion{
		Kind: statement.Kind(r.PostForm.Get("kind")), By: by, Conflicts: r.PostForm.Get("conflicts"), Words: r.PostForm.Get("words"), Made: time.Now(),
	})
	if err == nil {
		a.Person = v.Person.ID
		err = p.store.Attach(r.Context(), o.Submission, a)
	}
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, pathOf(o.Submission)+"/reviews", http.StatusSeeOther)
	return nil
}

// attestation sends what was attached, as it is: it names who made it.
func (p *Pages) attestation(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	all, err := p.store.Attachments(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("review"), 10, 64)
	i := slices.IndexFunc(all, func(a store.Attached) bool { return a.ID == id })
	if err != nil || i < 0 {
		return store.ErrNotFound
	}
	if v.HidesReviewers() && all[i].Person != v.Person.ID {
		return access.Refuse(http.StatusForbidden, "this attestation names who made it, and this venue hides that from you")
	}
	attach(w, "attestation-"+strconv.FormatInt(id, 10)+".sigstore.json")
	_, err = w.Write(all[i].Bundle)
	return err
}

func (p *Pages) decide(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.store.Submission(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	err = p.store.Decide(r.Context(), sub, store.Decision{Person: v.Person.ID, Outcome: store.Outcome(r.PostForm.Get("outcome")), Words: r.PostForm.Get("words")})
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, pathOf(sub)+"/reviews", http.StatusSeeOther)
	return nil
}
