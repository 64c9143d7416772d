// Package shared is the folder of a run whose steps are executed by any number
// of workers, on any number of machines that share it. SPEC.md, RUN-33,
// RUN-34 and RUN-36.
//
//	run.json              what is run, made once by whoever comes first
//	steps/S/lease-N …     who works on step S: package lease
//	steps/S/done.json     what became of it, made once; only that counts
//	steps/S/failed-N.json the same of the holder of lease N, if the step failed
//	steps/S/try-N/        what the holder of lease N leaves: outputs/, step.log,
//	                      and layer, what the step wrote, for steps that need it
//
// Every file but those in try-N appears whole, by link or rename. Those in try-N
// count only if done.json or failed-N.json names them with their digests. Whoever
// can write to the folder can forge all of it, as with the outputs of any run.
package shared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/report"
	"repro/run/lease"
	"repro/run/outputs"
	"repro/run/plan"
)

// DocumentName is the file, in the folder, that says what is run.
const DocumentName = "run.json"

const (
	version = 1

	stepsDir  = "steps"
	doneName  = "done.json"
	logName   = "step.log"
	layerName = "layer"

	maxDocument = 64 << 20 // bytes of run.json, or of one step's state
)

// document is run.json.
type document struct {
	Version  int     `json:"version"`
	Image    string  `json:"image"` // content id
	Patience int64   `json:"patienceMs"`
	Steps    []entry `json:"steps"`
}

type entry struct {
	Name string          `json:"name"`
	Key  manifest.Digest `json:"key"` // of everything that its files depend on but the machine
}

// Run is such a folder, opened for the steps of a plan.
type Run struct {
	dir    string
	plan   *plan.Plan
	doc    document
	Timing lease.Timing // that all workers keep
}

// ErrOther says that a folder belongs to another image, or to the same with
// other settings.
var ErrOther = errors.New("the folder belongs to another run")

// DefaultPatience is how long a worker may show no sign of life. It is longer
// than NFS clients keep attributes of files by default.
const DefaultPatience = 2 * time.Minute

// Open opens the shared run in dir, an existing folder, for the steps of p, and
// makes it if there is none. Keys are those of the steps, image is the content
// id. Patience counts only where the run is made; 0 stands for
// [DefaultPatience]. The error wraps [ErrOther] if another run is there.
func Open(dir string, image manifest.Digest, p *plan.Plan, keys []manifest.Digest, patience time.Duration) (*Run, error) {
	if patience == 0 {
		patience = DefaultPatience
	}
	want := document{Version: version, Image: string(image), Patience: patience.Milliseconds()}
	for i, s := range p.Steps {
		want.Steps = append(want.Steps, entry{s.Name, keys[i]})
	}
	b, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, DocumentName)
	if _, err := atomicfile.WriteNew(name, append(b, '\n'), 0o644); err != nil {
		return nil, err
	}
	r := &Run{dir: dir, plan: p}
	if err := readJSON(name, &r.doc); err != nil {
		return nil, err
	}
	if err := r.doc.check(want); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", dir, ErrOther, err)
	}
	patience = time.Duration(r.doc.Patience) * time.Millisecond
	r.Timing = lease.Timing{Beat: patience / 12, Patience: patience}
	for i := range p.Steps {
		if err := os.MkdirAll(r.stepDir(i), 0o755); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// check says how a run differs from the one that is wanted.
func (d document) check(want document) error {
	switch {
	case d.Version != version:
		return fmt.Errorf("version %d, this program knows %d", d.Version, version)
	case d.Image != want.Image:
		return errors.New("it was begun with another image")
	case d.Patience < 12:
		return fmt.Errorf("a patience of %d ms", d.Patience)
	case len(d.Steps) != len(want.Steps):
		return fmt.Errorf("it has %d steps, this one %d", len(d.Steps), len(want.Steps))
	}
	for i, s := range d.Steps {
		if s != want.Steps[i] {
			return fmt.Errorf("step %q would run with other settings, or by another version of this program", want.Steps[i].Name)
		}
	}
	return nil
}

// Exists reports whether dir holds a shared run.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, DocumentName))
	return err == nil
}

// Dir is the folder.
func (r *Run) Dir() string { return r.dir }

// LogOf is the file with what step i printed in the try that a state describes.
func (r *Run) LogOf(i int, s *State) string { return filepath.Join(r.tryDir(i, s.Lease), logName) }

// NewestLog is the file with what step i prints in its newest try, or printed;
// empty if it was not tried.
func (r *Run) NewestLog(i int) string {
	n := lease.Newest(r.stepDir(i))
	if n == 0 {
		return ""
	}
	return filepath.Join(r.tryDir(i, n), logName)
}

// FolderOf is the path, in the run's folder, of all that there is of step i.
func (r *Run) FolderOf(i int) string { return FolderOf(r.plan.Steps[i].Name) }

// FolderOf is the path, in a run's folder, of all that there is of a step.
func FolderOf(step string) string {
	return path.Join(stepsDir, strings.TrimSuffix(outputs.LogName(step), ".log"))
}

func (r *Run) stepDir(i int) string { return filepath.Join(r.dir, filepath.FromSlash(r.FolderOf(i))) }

// Claim waits until this process may work on step i; it returns nil if the step
// gets done meanwhile.
func (r *Run) Claim(ctx context.Context, i int, h lease.Holder) (*lease.Lease, error) {
	return lease.Acquire(ctx, r.stepDir(i), h, r.Timing, func() (bool, error) {
		s, err := r.Done(i)
		return s != nil, err
	})
}

// IsClaimed reports whether a worker has claimed step i and not given it up,
// and which.
func (r *Run) IsClaimed(i int) (lease.Holder, bool) { return lease.Held(r.stepDir(i)) }

// IsWorkedOn reports whether a worker that lives has claimed step i, as far as w
// has seen.
func (r *Run) IsWorkedOn(i int, w *lease.Watch) bool {
	return w.IsAlive(r.stepDir(i), r.Timing.Patience)
}

// State is what became of a step.
type State struct {
	Version   int                 `json:"version"`
	Key       manifest.Digest     `json:"key"`
	Lease     int                 `json:"lease"` // of the worker; its files lie in try-N
	Status    report.StepStatus   `json:"status"`
	Outputs   []report.OutputFile `json:"outputs,omitempty"`
	Isolation report.Isolation    `json:"isolation"`
	Layer     *Layer              `json:"layer,omitempty"` // absent: no other step needs it
}

// Done returns the state of step i if it is done, else nil.
func (r *Run) Done(i int) (*State, error) { return r.read(i, doneName) }

// Failed returns the state of the last try of step i that failed, or nil.
func (r *Run) Failed(i int) (*State, error) {
	names, err := filepath.Glob(filepath.Join(r.stepDir(i), "failed-*.json"))
	if err != nil {
		return nil, err
	}
	var last *State
	for _, name := range names {
		s, err := r.read(i, filepath.Base(name))
		if err != nil {
			return nil, err
		}
		if s != nil && (last == nil || s.Lease > last.Lease) {
			last = s
		}
	}
	return last, nil
}

// read returns the state in a file, or nil if there is none.
func (r *Run) read(i int, file string) (*State, error) {
	name := filepath.Join(r.stepDir(i), file)
	b, err := readBounded(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := parseState(b, r.plan.Steps[i], r.doc.Steps[i].Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// parseState reads the state of a step with the given key.
func parseState(b []byte, step manifest.Step, key manifest.Digest) (*State, error) {
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	return &s, s.check(step, key)
}

// check refuses states that no worker wrote. Paths in them are used as such.
func (s *State) check(step manifest.Step, key manifest.Digest) error {
	switch {
	case s.Version != version:
		return fmt.Errorf("version %d, this program knows %d", s.Version, version)
	case s.Key != key || s.Status.Name != step.Name:
		return errors.New("is of another step")
	case s.Lease < 1:
		return fmt.Errorf("lease %d", s.Lease)
	case s.Layer != nil && (s.Layer.Size < 0 || s.Layer.Size > maxLayer):
		return fmt.Errorf("a layer of %d bytes", s.Layer.Size)
	}
	for _, o := range s.Outputs {
		if !path.IsAbs(o.Path) || path.Clean(o.Path) != o.Path || !step.Declares(o.Path) {
			return fmt.Errorf("output %q: the step does not declare it", o.Path)
		}
	}
	return nil
}

// Commit makes s the state of step i. It reports false if another worker has done
// the step before: then what this one made counts for nothing.
func (r *Run) Commit(i int, s State) (bool, error) {
	s.Version, s.Key = version, r.doc.Steps[i].Key
	b, err := json.Marshal(s)
	if err != nil {
		return false, err
	}
	name := doneName
	if s.Status.Status != report.StepDone {
		name = fmt.Sprintf("failed-%d.json", s.Lease)
	}
	return atomicfile.WriteNew(filepath.Join(r.stepDir(i), name), append(b, '\n'), 0o644)
}

func readJSON(name string, v any) error {
	b, err := readBounded(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(b) > maxDocument {
		err = fmt.Errorf("%s: more than %d bytes", name, maxDocument)
	}
	return b, err
}
