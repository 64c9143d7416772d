package pages

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"repro/gateway/access"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/report"
)

func (p *Pages) runHandlers() map[string]access.Handler {
	const run = "/v/{venue}/submissions/{submission}/runs/{run}"
	return map[string]access.Handler{
		"POST /v/{venue}/submissions/{submission}/runs": p.startRun,
		"GET " + run:                       p.run,
		"GET " + run + "/events":           p.events,
		"POST " + run + "/cancel":          p.cancelRun,
		"GET " + run + "/live":             p.live,
		"GET " + run + "/spread":           p.spread,
		"GET " + run + "/record/{path...}": p.record,
		"GET " + run + "/record.tar":       p.recordTar,
	}
}

// runPath is the address of the page of a run.
func runPath(r store.Run) string {
	return "/v/" + r.Venue + "/submissions/" + r.Submission + "/runs/" + r.ID
}

// startRun puts a run into the queue.
func (p *Pages) startRun(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.submissionOf(r)
	if err != nil {
		return err
	}
	ask := store.Run{Venue: sub.Venue, Submission: sub.ID, Person: v.Person.ID, Kind: store.RunKind(r.PostFormValue("kind"))}
	f, err := p.factsOf(sub)
	if err != nil {
		return err
	}
	if step := r.PostFormValue("step"); step != "" { // its number, from 1: a name may say whose work it is
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 || n > len(f.Manifest.Steps) {
			return access.Refuse(http.StatusBadRequest, "this image has %d steps", len(f.Manifest.Steps))
		}
		ask.Step = f.Manifest.Steps[n-1].Name
	}
	if ask.Kind == store.RunDiff && sub.Former == "" {
		return access.Refuse(http.StatusBadRequest, "this submission has no former version")
	}
	if ask, err = p.store.AddRun(r.Context(), ask); err != nil {
		return refused(err)
	}
	http.Redirect(w, r, runPath(ask), http.StatusSeeOther)
	return nil
}

// cancelRun ends a run: one's own, or who runs the venue any.
func (p *Pages) cancelRun(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	run, err := p.store.Run(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	if !mayCancel(run, v) {
		return access.Refuse(http.StatusForbidden, "somebody else asked for this run")
	}
	if err := p.store.CancelRun(r.Context(), v.Person.ID, run); err != nil {
		return err
	}
	http.Redirect(w, r, runPath(run), http.StatusSeeOther)
	return nil
}

func mayCancel(r store.Run, v access.Visit) bool {
	return !r.State.Ended() && (r.Person == v.Person.ID || len(access.MayGive(v.Role)) > 0)
}

// runPage is what the page of a run shows.
type runPage struct {
	store.Run
	Sub       store.Submission
	SubPath   string
	Path      string
	Verdict   verdict
	Shown     *outcome
	Report    *report.Run
	Summary   string
	Diff      *report.Diff
	Live      string // what the steps have printed, its end
	Offset    int64  // where in the live log that ends
	Progress  rerun.Progress
	Ahead     int // runs that wait before this one
	Workers   []store.Worker
	MayCancel bool
}

func (p *Pages) run(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	run, err := p.store.Run(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	page := runPage{Run: run, Path: runPath(run), MayCancel: mayCancel(run, v)}
	if page.Sub, err = p.store.Submission(r.Context(), run.Submission); err != nil {
		return err
	}
	page.SubPath = pathOf(page.Sub)
	if run.State.Ended() {
		err = p.ended(&page)
	} else {
		err = p.going(r, &page)
	}
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "run", frame{fmt.Sprintf("%s of %s", sentence(kindWords(run)), page.Sub.Title), v, page})
}

// ended fills in what a run left.
func (p *Pages) ended(page *runPage) (err error) {
	page.Verdict = verdict{Tone: "bad", Words: "This run was cancelled"}
	switch {
	case page.State == store.RunFailed:
		page.Verdict.Words = "It could not be run: " + page.Words
	case page.State == store.RunDone && page.Outcome == store.OutcomeMeasured:
		page.Verdict = verdict{Tone: "warn", Words: sentence(page.Words)}
	case page.State == store.RunDone:
		page.Verdict = verdictOf(&page.Run)
	}
	if page.State == store.RunDone && page.Kind == store.RunDiff {
		page.Diff, err = rerun.ReadDiff(p.runDir(page.Run))
		return err
	}
	if page.Summary, err = rerun.ReadSummary(p.runDir(page.Run)); err != nil {
		return err
	}
	page.Summary = cleanText(page.Summary)
	if page.State != store.RunDone || page.Kind == store.RunCalibrate {
		return nil
	}
	f, err := p.factsOf(page.Sub)
	if err != nil {
		return err
	}
	if page.Report, err = p.reportOf(page.Run); err != nil {
		return err
	}
	if page.Shown, err = p.outcomeOf(page.Sub, f.Manifest, &page.Run, page.Report); err != nil {
		return err
	}
	page.Verdict.Failing = page.Shown.Failing
	return nil
}

// maxPageLive is how much of the live log a page shows.
const maxPageLive = 32 << 10

// going fills in how far a run is.
func (p *Pages) going(r *http.Request, page *runPage) (err error) {
	dir := p.runDir(page.Run)
	if page.Workers, err = p.store.Workers(r.Context(), rerun.SeenTime); err != nil {
		return err
	}
	if page.Ahead, err = p.store.RunsAhead(r.Context(), page.Run); err != nil {
		return err
	}
	if page.Progress, err = rerun.ReadProgress(dir); err != nil {
		return err
	}
	var text string
	for {
		b, next, err := rerun.ReadLive(dir, page.Offset)
		if err != nil {
			return err
		}
		if next == page.Offset {
			break
		}
		text, page.Offset = text+string(b), next
		text = text[max(0, len(text)-maxPageLive):]
	}
	page.Live = cleanText(strings.ToValidUTF8(text, "\ufffd"))
	return nil
}

// live sends the live log.
func (p *Pages) live(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	return p.sendOf(w, r, "live.log", "live.log")
}

// spread sends what a calibration measured.
func (p *Pages) spread(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	return p.sendOf(w, r, rerun.Spread, rerun.Spread)
}

// sendOf sends one file of the folder of a run.
func (p *Pages) sendOf(w http.ResponseWriter, r *http.Request, name, as string) error {
	run, err := p.store.Run(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(p.runDir(run), name))
	if errors.Is(err, fs.ErrNotExist) || name == rerun.Spread && run.State != store.RunDone {
		return access.Refuse(http.StatusNotFound, "this run has not left that")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return sendFile(w, as, info.Size(), io.LimitReader(f, info.Size()))
}

// openRecord opens what a run that is done left. Symbolic links do not lead out
// of it: programs of the image made some.
func (p *Pages) openRecord(r *http.Request) (store.Run, *os.Root, error) {
	run, err := p.store.Run(r.Context(), r.PathValue("run"))
	if err == nil && run.State != store.RunDone {
		err = access.Refuse(http.StatusNotFound, "this run has not come to its end")
	}
	if err != nil {
		return run, nil, err
	}
	root, err := os.OpenRoot(filepath.Join(p.runDir(run), rerun.Record))
	if errors.Is(err, fs.ErrNotExist) {
		err = access.Refuse(http.StatusNotFound, "this run has left no record")
	}
	return run, root, err
}

// reportPolicy is for the report of a run, which has its own style sheet and its
// pictures within.
const reportPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// record shows or sends a file that a run left.
func (p *Pages) record(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	run, root, err := p.openRecord(r)
	if err != nil {
		return err
	}
	defer root.Close()
	name := path.Clean(r.PathValue("path"))
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil || !info.Mode().IsRegular() || hidden(name) {
		return access.Refuse(http.StatusNotFound, "this run has left no such file")
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	if name == "report.html" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", reportPolicy)
		_, err := io.Copy(w, f)
		return err
	}
	file, err := answerFile(w, r, name, info.Size(), io.LimitReader(f, info.Size()))
	if err != nil || file == nil {
		return err
	}
	sub, err := p.store.Submission(r.Context(), run.Submission)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "record", frame{"/" + name, v, struct {
		RunPath, Path string
		File          *shown
		Size          int64
	}{runPath(run), recordAddress(pathOf(sub), run.ID, name), file, info.Size()}})
}

// hidden reports whether a name is the runner's own.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// recordTar sends all that a run left as one tar archive, for repro report and
// repro attest.
func (p *Pages) recordTar(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	run, root, err := p.openRecord(r)
	if err != nil {
		return err
	}
	defer root.Close()
	attach(w, run.ID+".run.tar")
	out := tar.NewWriter(w)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || hidden(name) {
			return err
		}
		return addFile(out, root, run.ID+".run", name, d)
	})
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		panic(http.ErrAbortHandler) // what was sent must not look whole
	}
	return nil
}

func addFile(out *tar.Writer, root *os.Root, folder, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := out.WriteHeader(&tar.Header{Name: folder + "/" + name, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.CopyN(out, f, info.Size())
	return err
}

// kindWords says what kind of run r is.
func kindWords(r store.Run) string {
	switch r.Kind {
	case store.RunQuick:
		return "quick run"
	case store.RunTwice:
		return "run twice"
	case store.RunCalibrate:
		return "calibration"
	case store.RunDiff:
		return "comparison with the former version"
	}
	if r.Step != "" {
		return "run of step " + r.Step
	}
	return "run"
}
