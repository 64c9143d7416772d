package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"repro/engine"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/report"
)

const (
	submissionName    = "submitted.json"
	submissionVersion = 1
	maxSubmission     = 64 << 20 // bytes of the file
	maxJobs           = 1 << 20
)

// Submission says what was submitted to an engine for the run in a folder, so
// that another process can follow it. It is in the folder as submitted.json.
// Whoever can write to the folder can change it. SPEC.md, RUN-39.
type Submission struct {
	Version   int             `json:"version"`
	Image     string          `json:"image"`     // absolute path
	ContentID manifest.Digest `json:"contentId"` // of the image
	Engine    string          `json:"engine"`    // as --on has it
	Options   []string        `json:"options,omitempty"`

	// With what the image is run, as far as workers must agree on it.
	Quick   bool     `json:"quick,omitempty"`
	Fixed   []string `json:"fixed,omitempty"`
	Network bool     `json:"network,omitempty"`
	Binds   []string `json:"binds,omitempty"`
	GPU     bool     `json:"gpu,omitempty"`

	Jobs []submitted `json:"jobs"`
}

// submitted is a job of a submission.
type submitted struct {
	Step  string    `json:"step"`
	ID    engine.ID `json:"id"`
	Needs []string  `json:"needs,omitempty"` // steps that have a job
}

// ErrNothingSubmitted says that no engine was asked to run anything in a folder.
var ErrNothingSubmitted = errors.New("nothing was submitted to an engine from it")

// ReadSubmission reads what was submitted for the run in dir. The error wraps
// [ErrNothingSubmitted] if that is nothing.
func ReadSubmission(dir string) (*Submission, error) {
	name := filepath.Join(dir, submissionName)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNothingSubmitted)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSubmission+1))
	if err != nil {
		return nil, err
	}
	s, err := parseSubmission(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func parseSubmission(b []byte) (*Submission, error) {
	if len(b) > maxSubmission {
		return nil, fmt.Errorf("more than %d bytes", maxSubmission)
	}
	var s Submission
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	switch {
	case s.Version != submissionVersion:
		return nil, fmt.Errorf("version %d, this program knows %d", s.Version, submissionVersion)
	case !filepath.IsAbs(s.Image):
		return nil, fmt.Errorf("image %q: not an absolute path", s.Image)
	case len(s.Jobs) > maxJobs:
		return nil, fmt.Errorf("more than %d jobs", maxJobs)
	}
	if err := CheckEngine(s.Engine); err != nil {
		return nil, err
	}
	if _, err := engine.Order(s.engineJobs(), func(string) bool { return false }); err != nil {
		return nil, err
	}
	return &s, nil
}

// engineJobs are the jobs as an engine adopts them.
func (s *Submission) engineJobs() []engine.Job {
	jobs := make([]engine.Job, len(s.Jobs))
	for k, j := range s.Jobs {
		jobs[k] = engine.Job{Name: j.Step, Needs: j.Needs}
	}
	return jobs
}

func (s *Submission) ids() []engine.ID {
	ids := make([]engine.ID, len(s.Jobs))
	for k, j := range s.Jobs {
		ids[k] = j.ID
	}
	return ids
}

// record writes what is submitted for the run.
func (w *waiter) record() error {
	image, err := filepath.Abs(w.image.Name())
	if err != nil {
		return err
	}
	o := w.options
	b, err := json.Marshal(Submission{Version: submissionVersion, Image: image, ContentID: w.id, Engine: w.Spread.Engine, Options: w.Options,
		Quick: o.Quick, Fixed: o.Change.Fixed, Network: o.Host.Net, Binds: local.BindTexts(o.Host.Binds), GPU: w.gpu, Jobs: w.jobs})
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(o.Dir, submissionName), append(b, '\n'), 0o644)
}

// adoptLiving takes over the jobs of an earlier submission that wait or run, of
// steps that are not done. Those of another engine, or with other options, it
// leaves alone: a step that two workers are to run is run once (RUN-36).
func (w *waiter) adoptLiving(ctx context.Context) error {
	s, err := ReadSubmission(w.options.Dir)
	if errors.Is(err, ErrNothingSubmitted) {
		return nil
	}
	if err != nil {
		return err
	}
	heir, ok := w.engine.(engine.Adopter)
	if !ok || s.Engine != w.Spread.Engine || !slices.Equal(s.Options, w.Options) || s.ContentID != w.id {
		return nil
	}
	if err := heir.Adopt(s.engineJobs(), s.ids()); err != nil {
		return err
	}
	states, err := heir.State(ctx, s.ids())
	if err != nil {
		return err
	}
	living := map[string]bool{}
	for k, j := range s.Jobs {
		if w.plan.Step(j.Step) < 0 {
			return fmt.Errorf("%s: the image has no step %q", submissionName, j.Step)
		}
		done, err := w.isFinished(w.plan.Step(j.Step), engine.Waiting)
		if err != nil {
			return err
		}
		living[j.Step] = !done && (states[k].Phase == engine.Waiting || states[k].Phase == engine.Running)
	}
	// A new engine, which does not know the others: their steps need new jobs.
	if err := w.engine.Close(); err != nil {
		return err
	}
	if w.engine, err = w.reopen(); err != nil {
		return err
	}
	s.Jobs = slices.DeleteFunc(s.Jobs, func(j submitted) bool { return !living[j.Step] })
	for k, j := range s.Jobs {
		s.Jobs[k].Needs = slices.DeleteFunc(j.Needs, func(n string) bool { return !living[n] })
	}
	w.jobs = s.Jobs
	return w.engine.(engine.Adopter).Adopt(s.engineJobs(), s.ids())
}

// Attach waits for the jobs that were submitted for the run in o.Dir, and reports
// as [On] does. When ctx ends the jobs go on.
func Attach(ctx context.Context, im *format.Image, o Options) (*report.Run, error) {
	w, err := adopted(im, &o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.wait(ctx); err != nil {
		return nil, err
	}
	return w.collect(ctx, im)
}

// CancelJobs cancels the jobs that were submitted for the run in o.Dir. What is
// done stays.
func CancelJobs(ctx context.Context, im *format.Image, o Options) error {
	w, err := adopted(im, &o)
	if err != nil {
		return err
	}
	defer w.close()
	ids := (&Submission{Jobs: w.jobs}).ids()
	if _, err := w.engine.State(ctx, ids); err != nil { // which have ended
		return err
	}
	return w.engine.Cancel(ctx, ids)
}

// adopted opens the run in o.Dir with all jobs that were submitted for it.
func adopted(im *format.Image, o *Options) (*waiter, error) {
	s, err := ReadSubmission(o.Dir)
	if err != nil {
		return nil, err
	}
	w, err := newWaiter(im, o, Spread{Engine: s.Engine, Options: s.Options})
	if err != nil {
		return nil, err
	}
	if s.ContentID != w.id {
		w.close()
		return nil, fmt.Errorf("%s: was submitted with another image than %s", o.Dir, im.Name())
	}
	heir, ok := w.engine.(engine.Adopter)
	if !ok {
		w.close()
		return nil, fmt.Errorf("%s: jobs of %s end with the process that submitted them", o.Dir, s.Engine)
	}
	for _, j := range s.Jobs {
		if w.plan.Step(j.Step) < 0 {
			w.close()
			return nil, fmt.Errorf("%s: the image has no step %q", filepath.Join(o.Dir, submissionName), j.Step)
		}
	}
	w.jobs, w.done, w.attached = s.Jobs, len(w.plan.Steps)-len(s.Jobs), true
	if err := heir.Adopt(s.engineJobs(), s.ids()); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}
