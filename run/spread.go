package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"repro/engine"
	"repro/format"
	"repro/report"
	"repro/run/folder"
	"repro/run/outputs"
	"repro/run/shared"
)

// Spread says where the workers of a run start.
type Spread struct {
	Engine  string   // as CheckEngine takes it
	Options []string // handed to the engine as they are
	Detach  bool     // submit, and do not wait

	Patience time.Duration // as in shared.Open

	// Command returns the command line of a worker that runs the step called
	// name in the run's folder. The machines of the engine execute it.
	Command func(step, folder string) []string

	// Container is for engines that run workers in containers, with which Command
	// does not count; see IsContained.
	Container *Container

	// Apart, if not nil, is the same for machines that do not share the folder:
	// files are named as they lie in the worker's working folder, which gets
	// Files, absolute paths of this machine.
	Apart func(step string) []string
	Files []string
}

// spreadLogs is the folder, in that of the run, for what jobs print that is no
// step's: a worker that cannot start, say.
const spreadLogs = "jobs"

// On runs the steps of im on the machines of an engine, and reports as [Collect]
// does. Steps that are done in o.Dir are not run again, and jobs of an earlier
// call that wait or run are not submitted again. What the workers leave in that
// folder counts; the engine's word only tells that a worker will not leave
// anything any more. When ctx ends, the jobs are cancelled. With s.Detach it
// returns when they are submitted, with a report that is nil. SPEC.md, RUN-38.
func On(ctx context.Context, im *format.Image, o Options, s Spread) (*report.Run, error) {
	w, err := newWaiter(im, &o, s)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.adoptLiving(ctx); err != nil {
		return nil, err
	}
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	if err := w.submit(ctx); err != nil {
		return nil, err
	}
	if s.Detach || s.Container != nil && s.Container.DryRun != nil {
		return nil, nil
	}
	for range 1 + maxRestarts {
		if err := w.wait(ctx); err != nil {
			return nil, errors.Join(err, w.cancel(ctx))
		}
		if again, err := w.restart(ctx); err != nil || !again {
			return w.collectWith(ctx, im, err)
		}
	}
	return w.collect(ctx, im)
}

// waiter follows the jobs of a run that was spread.
type waiter struct {
	*experiment
	Spread
	run    *shared.Run
	engine engine.Engine
	reopen func() (engine.Engine, error)

	contained *contained // nil: its workers are in no containers
	options   Options
	gpu       bool
	jobs      []submitted
	states    []engine.State    // of jobs
	hopeless  []string          // of jobs: why they were given up; empty: they were not
	problems  map[string]string // of steps whose jobs are over: what the engine says of them
	attached  bool              // somebody else submitted the jobs
	done      int               // steps that were done before
	trouble   error             // the engine did not answer when it was asked last
	tails     []*outputs.Tail
}

// newWaiter opens the folder of a run and the engine that s names.
func newWaiter(im *format.Image, o *Options, s Spread) (*waiter, error) {
	row, where, err := findEngine(s.Engine)
	if err != nil {
		return nil, err
	}
	gpu := o.GPU
	o.GPU = false // which is where the steps run
	x, r, err := openSharedFor(im, o, gpu, s.Patience)
	if err != nil {
		return nil, err
	}
	logs := filepath.Join(o.Dir, spreadLogs)
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	w := &waiter{experiment: x, Spread: s, run: r, options: *o, gpu: gpu}
	w.reopen = func() (engine.Engine, error) {
		if row.contain == nil {
			return row.open(where, s.Options, logs)
		}
		image, err := filepath.Abs(im.Name())
		if err != nil {
			return nil, err
		}
		c, err := row.contain(placement{where, s.Options, logs, o.Dir, image, s.Container})
		if err != nil {
			return nil, err
		}
		w.contained = c
		return c.Engine, nil
	}
	w.engine, err = w.reopen()
	return w, err
}

func (w *waiter) close() { _ = w.engine.Close() }

// cancel cancels all jobs. That is not stopped by what stopped the run.
func (w *waiter) cancel(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	ids := make([]engine.ID, len(w.jobs))
	for k, j := range w.jobs {
		ids[k] = j.ID
	}
	return w.engine.Cancel(ctx, ids)
}

// workerMemory is what a worker needs beside its step: the image is read through
// it.
const workerMemory = 256 << 20

// submit submits the steps that are not done and have no job.
func (w *waiter) submit(ctx context.Context) error {
	open := make([]bool, len(w.plan.Steps))
	for i := range open {
		state, err := w.run.Done(i)
		if err != nil {
			return err
		}
		open[i] = state == nil
	}
	var jobs []engine.Job
	for i, step := range w.plan.Steps {
		switch {
		case !open[i]:
			w.done++
		case !w.hasJob(step.Name):
			jobs = append(jobs, w.job(i, open))
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return w.hand(ctx, jobs)
}

// hand hands jobs to the engine, and records them.
func (w *waiter) hand(ctx context.Context, jobs []engine.Job) error {
	ids, err := w.engine.Submit(ctx, jobs)
	if err != nil {
		return err
	}
	for k, id := range ids {
		w.jobs = append(w.jobs, submitted{Step: jobs[k].Name, ID: id, Needs: jobs[k].Needs})
	}
	if w.Container != nil && w.Container.DryRun != nil {
		return nil
	}
	if err := w.record(); err != nil {
		return errors.Join(err, w.cancel(ctx))
	}
	return nil
}

func (w *waiter) hasJob(step string) bool {
	return slices.ContainsFunc(w.jobs, func(j submitted) bool { return j.Step == step })
}

// job is the job of step i. Open says which steps are not done.
func (w *waiter) job(i int, open []bool) engine.Job {
	step := w.plan.Steps[i]
	j := engine.Job{Name: step.Name, Resources: resourcesOf(step, w.gpu), Args: w.Command(step.Name, w.options.Dir)}
	if j.Resources.Memory > 0 {
		j.Resources.Memory += workerMemory
	}
	args := j.Args
	j.Work = func(ctx context.Context, _ engine.Allotment) error { return command(ctx, args) }
	for _, n := range w.plan.Needs[i] {
		if open[n] {
			j.Needs = append(j.Needs, w.plan.Steps[n].Name)
		}
	}
	if w.Apart != nil {
		j.Apart = w.apart(i)
	}
	return j
}

// apart is how the job of step i is done where the folder cannot be seen.
func (w *waiter) apart(i int) *engine.Apart {
	reads := []string{folder.Marker, shared.DocumentName}
	for _, n := range w.plan.Needs[i] {
		reads = append(reads, w.run.FolderOf(n))
	}
	return &engine.Apart{Args: w.Spread.Apart(w.plan.Steps[i].Name), Files: w.Files, Folder: w.options.Dir, Reads: reads, Leaves: []string{w.run.FolderOf(i)}}
}

// command runs a command line within this process's machine, for engines that do
// jobs in this process.
func command(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out[max(0, len(out)-1000):])
	}
	return nil
}
