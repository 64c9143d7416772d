package pages

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"repro/format/manifest"
	"repro/gateway/access"
	"repro/gateway/signoff"
	"repro/gateway/store"
	"repro/report"
	"repro/report/view"
)

func (p *Pages) apiHandlers() map[string]access.Handler {
	const sub = "GET /api/v/{venue}/submissions/{submission}"
	return map[string]access.Handler{
		"GET /api/openapi.json":          p.openAPI,
		"GET /api/venues":                p.apiVenues,
		"GET /api/v/{venue}/submissions": p.apiSubmissions,
		sub:                              p.apiSubmission,
		sub + "/runs":                    p.apiRuns,
		sub + "/attestations":            p.apiAttestations,
		sub + "/comments":                p.apiComments,
	}
}

// answer sends v as JSON, in which nothing can reorder text.
func answer(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(view.EscapeJSON(b), '\n'))
	return err
}

// venueJSON is a venue, as programs are told of it.
type venueJSON struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Blind store.Blind `json:"blind"`
	Role  store.Role  `json:"role"` // of whoever asks
}

func (p *Pages) apiVenues(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	all, err := p.store.Venues(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	list := []venueJSON{}
	for _, x := range all {
		role, err := p.store.RoleIn(r.Context(), v.Person.ID, x.ID)
		if err != nil {
			return err
		}
		list = append(list, venueJSON{x.ID, x.Name, x.Blind, role})
	}
	return answer(w, list)
}

// submissionJSON is a submission, as programs are told of it.
type submissionJSON struct {
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Content manifest.Digest `json:"contentId"`
	Size    int64           `json:"size"` // bytes
	Created time.Time       `json:"created"`
	Former  string          `json:"former,omitempty"` // of which it is a new version
	Outcome store.Outcome   `json:"outcome"`
	Report  *report.Verify  `json:"report,omitempty"` // as repro verify --json says it, with the keys that the venue trusts
}

// submissionsJSON is a part of the submissions to a venue.
type submissionsJSON struct {
	Total       int              `json:"total"`
	From        int              `json:"from"` // of the first, from 1
	Submissions []submissionJSON `json:"submissions"`
}

func (p *Pages) describe(r *http.Request, v access.Visit, s store.Submission) (submissionJSON, error) {
	outcome, err := p.store.Outcome(r.Context(), s.ID)
	if err != nil {
		return submissionJSON{}, err
	}
	if v.HidesAuthors() { // each has names of its own
		m, err := p.guard.MaskOf(r.Context(), v, s.ID)
		if err != nil {
			return submissionJSON{}, err
		}
		s.Title = m.Text(s.Title)
	}
	return submissionJSON{s.ID, s.Title, s.Content, s.Size, s.Created, s.Former, outcome, nil}, nil
}

func (p *Pages) apiSubmissions(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	first, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || first < 1 {
		first = 1
	}
	ask := store.SubmissionQuery{Venue: v.Venue.ID, Skip: first - 1, Most: maxListed}
	if v.OwnOnly {
		ask.Person = v.Person.ID
	}
	list, total, err := p.store.FindSubmissions(r.Context(), ask)
	if err != nil {
		return err
	}
	out := submissionsJSON{total, first, []submissionJSON{}}
	for _, s := range list {
		one, err := p.describe(r, v, s)
		if err != nil {
			return err
		}
		out.Submissions = append(out.Submissions, one)
	}
	return answer(w, out)
}

func (p *Pages) apiSubmission(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	f, err := p.factsOf(sub)
	if err != nil {
		return err
	}
	j, err := p.judge(r, sub, f)
	if err != nil {
		return err
	}
	out, err := p.describe(r, v, sub)
	if err != nil {
		return err
	}
	rep := *j.Verify
	rep.Image = sub.Name
	out.Report = &rep
	return answer(w, out)
}

// runJSON is a run, as programs are told of it.
type runJSON struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Step       string     `json:"step,omitempty"`
	State      string     `json:"state"`
	Outcome    string     `json:"outcome,omitempty"`
	Reproduced int        `json:"reproduced"`
	Results    int        `json:"results"`
	Words      string     `json:"words,omitempty"`
	Created    time.Time  `json:"created"`
	Started    *time.Time `json:"started,omitempty"`
	Ended      *time.Time `json:"ended,omitempty"`
	Path       string     `json:"path"` // of its page; its record is below
}

func (p *Pages) apiRuns(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
	runs, err := p.store.Runs(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	list := []runJSON{}
	for _, x := range runs {
		list = append(list, runJSON{x.ID, string(x.Kind), x.Step, string(x.State), x.Outcome, x.Reproduced, x.Results, x.Words, x.Created, past(x.Started), past(x.Ended), runPath(x)})
	}
	return answer(w, list)
}

// past is t, if it is a time.
func past(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// attestationJSON is a statement about a submission, as programs are told of it.
type attestationJSON struct {
	report.Attestation
	Believed bool   `json:"believed"`           // by a key that the venue trusts
	Path     string `json:"path,omitempty"`     // of the bundle, where whoever asks may have it
	Attached string `json:"attached,omitempty"` // by whom it was
}

func (p *Pages) apiAttestations(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	s, keys, err := p.submitted(r, o)
	if err != nil {
		return err
	}
	outcome, err := p.store.Outcome(r.Context(), o.ID)
	if err != nil {
		return err
	}
	list := []attestationJSON{}
	if withheld(v, outcome) {
		return answer(w, list)
	}
	_, all, err := signoff.Judge(r.Context(), s, keys)
	if err != nil {
		return err
	}
	for _, a := range all {
		one := attestationJSON{Attestation: a.Attestation, Believed: a.Believed}
		if v.HidesReviewers() {
			one.Fingerprint, one.Signer, one.Person, one.By = "", "", "", nil
		} else if a.Attached != nil {
			one.Attached, one.Path = a.Attached.Name, pathOf(o.Submission)+"/reviews/"+strconv.FormatInt(a.Attached.ID, 10)
		}
		list = append(list, one)
	}
	return answer(w, list)
}

// commentJSON is a comment, as programs are told of it.
type commentJSON struct {
	ID       int64       `json:"id"`
	Who      string      `json:"who"`
	About    store.About `json:"about,omitempty"`
	Subject  string      `json:"subject,omitempty"`
	Line     int         `json:"line,omitempty"`
	Internal bool        `json:"internal,omitempty"`
	Words    string      `json:"words"`
	Created  time.Time   `json:"created"`
	Removed  bool        `json:"removed,omitempty"`
}

func (p *Pages) apiComments(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	all, err := p.store.Comments(r.Context(), r.PathValue("submission"), isInternal(v.Role))
	if err != nil {
		return err
	}
	list := []commentJSON{}
	for _, t := range threads(all, v) {
		for _, c := range t.Remarks {
			list = append(list, commentJSON{c.ID, c.Who, c.About, c.Subject, c.Line, c.Internal, c.Words, c.Created, c.Removed})
		}
	}
	return answer(w, list)
}
