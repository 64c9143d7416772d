// Package calibrate finds out how far the results of an experiment move when
// nothing that should matter is changed: it runs the steps of an image some
// ten times over kinds of processor, numbers of threads, the hash seed, the
// locale, the clock and the order of directories, compares what each run left
// to what the first did, and says which of these moved what.
//
// The outcome is a spread document (SPEC.md, CMP-37): the evidence for what a
// recipe accepts, by which package compare judges. SPEC.md, part CAL.
package calibrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"repro/compare"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/progress"
	"repro/report"
	"repro/run"
)

// Options choose how often an image is run, and with how much of the machine.
// The zero value, with Dir set, makes every run of the plan.
type Options struct {
	Dir  string // where runs leave their outputs; what an earlier call finished there is taken as it is
	Runs int    // at most; if more than the plan has, the rest change nothing. 0: as many as the plan has

	Data     string // as in run.Options, as are these:
	CPUs     int
	Memory   int64
	Layers   local.Layers
	Scratch  string
	Version  string
	Progress progress.Func
}

// MinRuns are needed to tell chance from causes; MaxRuns is a bound on typing
// errors.
const (
	MinRuns = 2
	MaxRuns = 1000
)

// Image runs the steps of im and returns how far its results moved. Errors are
// those of [run.Image]; a step that fails in the first run, with nothing
// changed, is one, and in any other run a note.
func Image(ctx context.Context, im *format.Image, o Options) (*report.Spread, error) {
	c, err := newCalibration(im, o)
	if err != nil {
		return nil, err
	}
	for i := range c.runs {
		o.Progress.Report(progress.Event{Task: "calibrate", Done: int64(i), Total: int64(len(c.runs))})
		if err := c.run(ctx, i); err != nil {
			return nil, err
		}
	}
	o.Progress.Report(progress.Event{Task: "calibrate", Done: int64(len(c.runs)), Total: int64(len(c.runs))})
	if err := c.sum(ctx); err != nil {
		return nil, err
	}
	return &c.spread, nil
}

// calibration is one call of [Image].
type calibration struct {
	image     *format.Image
	manifest  *manifest.Manifest
	published fs.FS
	options   Options
	runs      []attempt
	done      []finished // in the order of runs; those that failed are left out
	spread    report.Spread
}

// finished is a run whose outputs are there.
type finished struct {
	attempt
	dir string
}

func newCalibration(im *format.Image, o Options) (*calibration, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	if len(m.Results) == 0 {
		return nil, fmt.Errorf("%s: it has no published results: there is nothing to calibrate", im.Name())
	}
	published, err := im.Published()
	if err != nil {
		return nil, err
	}
	root, err := im.Root()
	if err != nil {
		return nil, err
	}
	c := &calibration{image: im, manifest: m, published: published, options: o}
	machine := local.Machine()
	cpus := machine.CPUs
	if o.CPUs > 0 {
		cpus = min(cpus, o.CPUs)
	}
	c.runs, c.spread.Notes = attempts(m, root, cpus)
	for len(c.runs) < o.Runs {
		c.runs = append(c.runs, attempt{cause: Nothing})
	}
	if o.Runs > 0 {
		c.runs = c.runs[:o.Runs]
	}
	c.spread.Version = report.Version
	c.spread.Machine = &report.Machine{Arch: machine.Arch, CPUs: machine.CPUs, CPU: machine.CPU, Repro: o.Version}
	c.spread.Experiment, err = m.Experiment()
	return c, err
}

// note says something that the document's reader should know, once.
func (c *calibration) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.spread.Notes, text) {
		c.spread.Notes = append(c.spread.Notes, text)
	}
}

// run makes run i, unless an earlier call did.
func (c *calibration) run(ctx context.Context, i int) error {
	r := c.runs[i]
	dir := runDir(c.options.Dir, i)
	if rep, ok := c.resume(dir, r); ok {
		c.add(r, dir, rep)
		return nil
	}
	rep, err := run.Image(ctx, c.image, run.Options{
		Dir: dir, Data: c.options.Data, CPUs: c.options.CPUs, Memory: c.options.Memory, Scratch: c.options.Scratch,
		Host: local.Options{Layers: c.options.Layers, Cache: filepath.Join(c.options.Dir, "cache")}, Change: r.Change,
		Version: c.options.Version,
	})
	step, failed := errors.AsType[*run.StepError](err)
	switch {
	case failed && i > 0:
		c.note("with another %s step %q: %s; that run does not count", r.cause, step.Step, step.Problem)
		return nil
	case err != nil && rep == nil, err != nil && ctx.Err() != nil, failed, errors.Is(err, run.ErrMachine):
		return err
	case err != nil && len(rep.Findings) == 0:
		return err // what was published can be unreadable by its rule, the outputs are there
	}
	if r.Reversed && rep.Isolation.Layers != string(local.LayersFUSE) {
		c.note("layers were not served through FUSE: the order of directories was not varied")
	}
	if err := keep(dir, c.state(r), rep); err != nil {
		return err
	}
	c.add(r, dir, rep)
	return nil
}

func (c *calibration) add(r attempt, dir string, rep *report.Run) {
	c.done = append(c.done, finished{r, dir})
	out := report.SpreadRun{Cause: r.cause, Env: r.Default, Threads: r.Threads, Held: held(r.cause)}
	for _, s := range rep.Steps {
		if out.Core == "" {
			out.Core = s.Core
		}
	}
	c.spread.Runs = append(c.spread.Runs, out)
}

// Files that a finished run has beside what it left.
const (
	stateFile  = "calibrate.json"
	reportFile = "report.json"
)

// state says what a run was, so that a later call knows whether it is one of
// its own.
type state struct {
	Experiment manifest.Digest   `json:"experiment"`
	Cause      string            `json:"cause"`
	Env        map[string]string `json:"env,omitempty"`
	Threads    int               `json:"threads,omitempty"`
	Reversed   bool              `json:"reversed,omitempty"`
	Fixed      []string          `json:"fixed,omitempty"`
	CPUs       int               `json:"cpus,omitempty"`
}

func (c *calibration) state(r attempt) state {
	return state{c.spread.Experiment, r.cause, r.Default, r.Threads, r.Reversed, r.Fixed, c.options.CPUs}
}

// keep marks a run as finished.
func keep(dir string, s state, rep *report.Run) error {
	for name, v := range map[string]any{reportFile: rep, stateFile: s} {
		b, err := manifest.Marshal(v)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(dir, name), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// resume returns the report of a run that an earlier call finished.
func (c *calibration) resume(dir string, r attempt) (*report.Run, bool) {
	want, err := manifest.Marshal(c.state(r))
	if err != nil {
		return nil, false
	}
	if got, err := os.ReadFile(filepath.Join(dir, stateFile)); err != nil || !bytes.Equal(got, want) {
		return nil, false
	}
	var rep report.Run
	b, err := os.ReadFile(filepath.Join(dir, reportFile))
	if err != nil || manifest.Unmarshal(b, &rep) != nil {
		return nil, false
	}
	return &rep, true
}

// outputs is what a run left.
func (f finished) outputs() fs.FS { return os.DirFS(filepath.Join(f.dir, "outputs")) }

// file is what a run left of a result.
func (f finished) file(r manifest.Result) compare.File {
	return compare.File{FS: f.outputs(), Name: place(r.Output)}
}
