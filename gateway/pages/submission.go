package pages

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"repro/format"
	"repro/gateway/access"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/report"
	"repro/report/view"
)

// Limits of what one page shows; all of it is in the image.
const (
	maxNames    = 5000     // of a folder
	maxPackages = 500      // of a bill of materials
	maxSBOM     = 64 << 20 // bytes
	sendTime    = time.Hour
)

func (p *Pages) submissionHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/submissions/{submission}":                 p.submission,
		"GET /v/{venue}/submissions/{submission}/software":        p.software,
		"GET /v/{venue}/submissions/{submission}/image":           p.download,
		"GET /v/{venue}/submissions/{submission}/files/{path...}": p.files,
	}
}

// opened is an image of a submission.
type opened struct {
	store.Submission
	file  *os.File
	image *format.Image
}

// submissionOf returns the submission of the path.
func (p *Pages) submissionOf(r *http.Request) (store.Submission, error) {
	sub, err := p.store.Submission(r.Context(), r.PathValue("submission"))
	if access.HidesAuthors(r.Context()) {
		sub.Name = sub.ID + ".sif"
	}
	return sub, err
}

func (p *Pages) open(r *http.Request) (o opened, err error) {
	if o.Submission, err = p.submissionOf(r); err != nil {
		return o, err
	}
	o.file, o.image, err = p.images.Open(o.Submission)
	return o, err
}

// submissionPage is what the page of a submission shows.
type submissionPage struct {
	store.Submission
	*facts
	Path    string
	Verdict verdict
	Judged  judgement
	Outcome *outcome
	Runs    []store.Run // the newest first
	Workers []store.Worker
	Former  *store.Submission // of which it is a new version
	Later   []store.Submission
	MayRun  bool
	Quick   bool // the image has a quick profile
}

func pathOf(sub store.Submission) string { return "/v/" + sub.Venue + "/submissions/" + sub.ID }

func (p *Pages) submission(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	page := submissionPage{Submission: sub, Path: pathOf(sub), MayRun: v.Role != store.Reader}
	if page.facts, err = p.factsOf(sub); err != nil {
		return err
	}
	if page.Judged, err = p.judge(r, sub, page.facts); err != nil {
		return err
	}
	if page.Runs, err = p.store.Runs(r.Context(), sub.ID); err != nil {
		return err
	}
	if page.Workers, err = p.store.Workers(r.Context(), rerun.SeenTime); err != nil {
		return err
	}
	if err := p.versions(r, v, &page); err != nil {
		return err
	}
	for _, s := range page.Manifest.Steps {
		page.Quick = page.Quick || s.Quick != nil
	}
	best, rep, err := p.telling(page.Runs)
	if err != nil {
		return err
	}
	page.Verdict = verdictOf(best)
	if page.Outcome, err = p.outcomeOf(sub, page.Manifest, best, rep); err != nil {
		return err
	}
	page.Verdict.Failing = page.Outcome.Failing
	return show(w, http.StatusOK, "submission", frame{sub.Title, v, page})
}

// versions fills in the versions before and after that the visitor may see.
func (p *Pages) versions(r *http.Request, v access.Visit, page *submissionPage) error {
	visible := func(s store.Submission) bool {
		return s.Venue == page.Venue && (!v.OwnOnly || s.Person == v.Person.ID)
	}
	if page.Submission.Former != "" {
		former, err := p.store.Submission(r.Context(), page.Submission.Former)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && visible(former) {
			page.Former = &former
		}
	}
	later, err := p.store.LaterVersions(r.Context(), page.ID)
	for _, s := range later {
		if visible(s) {
			page.Later = append(page.Later, s)
		}
	}
	return err
}

// telling returns the run that says most of a submission, with its report: the
// last one of all steps that came to its end, or of those of some steps or the
// quick profile the last.
func (p *Pages) telling(runs []store.Run) (*store.Run, *report.Run, error) {
	var best *store.Run
	for i, r := range runs {
		if r.State != store.RunDone || r.Outcome == store.OutcomeMeasured {
			continue
		}
		whole := r.Step == "" && r.Kind != store.RunQuick
		if best == nil || whole {
			best = &runs[i]
		}
		if whole {
			break
		}
	}
	if best == nil {
		return nil, nil, nil
	}
	rep, err := p.reportOf(*best)
	if errors.Is(err, fs.ErrNotExist) {
		return best, nil, nil
	}
	return best, rep, err
}

// download sends the whole image.
func (p *Pages) download(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if v.HidesAuthors() {
		return access.Refuse(http.StatusForbidden, "the whole image says whose work it is, and this venue is double-blind")
	}
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	attach(w, o.ID+".sif")
	http.ServeContent(w, r, "", o.Created, o.image.Bytes())
	return nil
}

// attach makes of what follows a file to be kept, which no browser shows.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": view.Clean(name)}))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendTime))
}

// softwarePage is the bill of materials of a submission, or the part of it that
// was looked for.
type softwarePage struct {
	Path     string
	Query    string
	Packages []spdxPackage
	All      int // packages of the image
	More     int // that match and are not shown
}

func (p *Pages) software(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	f, err := p.factsOf(sub)
	if err != nil {
		return err
	}
	page := softwarePage{Path: pathOf(sub), Query: r.URL.Query().Get("q"), All: len(f.Packages)}
	for _, s := range f.Packages {
		if !matches(page.Query, s.Name, s.Version, s.Licence) {
			continue
		}
		if len(page.Packages) == maxPackages {
			page.More++
			continue
		}
		page.Packages = append(page.Packages, s)
	}
	return show(w, http.StatusOK, "software", frame{"Software of " + sub.Title, v, page})
}

// matches reports whether each word of the query is in one of the texts.
func matches(query string, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
