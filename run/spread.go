package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/engine"
	"repro/format"
	"repro/internal/progress"
	"repro/report"
	"repro/run/folder"
	"repro/run/lease"
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
	if err := w.wait(ctx); err != nil {
		return nil, errors.Join(err, w.cancel(ctx))
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
	states    []engine.State // of jobs
	done      int            // steps that were done before
	trouble   error          // the engine did not answer when it was asked last
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

const (
	// patienceForFiles is how long after the end of a job what its worker wrote
	// may stay out of sight here: clients of NFS keep what they know for a minute.
	patienceForFiles = 90 * time.Second

	// patienceHere is the same for jobs of this process's own.
	patienceHere = 2 * time.Second

	// patienceForEngine is how long an engine may give no answer. Jobs go on
	// meanwhile, and leave their states.
	patienceForEngine = 30 * time.Minute
)

// wait returns when no worker will leave anything any more.
func (w *waiter) wait(ctx context.Context) error {
	f := follower{waiter: w, ended: make([]time.Time, len(w.jobs)), fetched: make([]bool, len(w.jobs)), watches: make([]lease.Watch, len(w.jobs)), answered: time.Now()}
	w.states = make([]engine.State, len(w.jobs))
	for poll := (lease.Poll{}); ; {
		if err := f.ask(ctx); err != nil {
			return err
		}
		over := 0
		for k := range w.jobs {
			ended, err := f.isOver(ctx, k)
			if err != nil {
				return err
			}
			if ended {
				over++
			}
		}
		w.tell(over)
		w.showLogs()
		if over == len(w.jobs) {
			w.endLogs()
			return nil
		}
		if err := poll.Wait(ctx); err != nil {
			return err
		}
	}
}

// follower is what wait knows of each job.
type follower struct {
	*waiter
	ended    []time.Time // since when the engine says that it is no more
	fetched  []bool
	watches  []lease.Watch
	answered time.Time // when the engine answered last
}

// ask asks the engine. If it does not answer, what it said last stays.
func (f *follower) ask(ctx context.Context) error {
	ids := make([]engine.ID, len(f.jobs))
	for k, j := range f.jobs {
		ids[k] = j.ID
	}
	states, err := f.engine.State(ctx, ids)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && len(states) != len(ids) {
		return fmt.Errorf("%s: %d states of %d jobs", f.Engine, len(states), len(ids))
	}
	if f.trouble = err; err != nil {
		if time.Since(f.answered) >= patienceForEngine {
			return fmt.Errorf("no answer for %v: %w", patienceForEngine, err)
		}
		return nil
	}
	f.states, f.answered = states, time.Now()
	return nil
}

// isOver reports whether nothing more is to come of job k.
func (f *follower) isOver(ctx context.Context, k int) (bool, error) {
	i, phase := f.plan.Step(f.jobs[k].Step), f.states[k].Phase
	if phase.Ended() && !f.fetched[k] {
		if err := f.engine.Fetch(ctx, f.jobs[k].ID); err != nil {
			return false, err
		}
		f.fetched[k] = true
	}
	finished, err := f.isFinished(i, phase)
	if finished || err != nil {
		return finished, err
	}
	gone := phase.Ended() || phase == engine.Unknown
	switch {
	case phase == engine.Skipped:
		return true, nil // it never ran
	case !gone, f.run.IsWorkedOn(i, &f.watches[k]): // the engine may be mistaken
		f.ended[k] = time.Time{}
	case f.ended[k].IsZero():
		f.ended[k] = time.Now()
	}
	patience := patienceForFiles
	if _, outlives := f.engine.(engine.Adopter); !outlives {
		patience = patienceHere
	}
	return gone && !f.ended[k].IsZero() && time.Since(f.ended[k]) >= patience, nil
}

// isFinished reports whether step i has a state that counts: it is done, or its
// worker has ended and says that it failed.
func (w *waiter) isFinished(i int, p engine.Phase) (bool, error) {
	s, err := w.run.Done(i)
	if err == nil && s == nil && p.Ended() {
		s, err = w.run.Failed(i)
	}
	return s != nil, err
}

// collect reports what the jobs left, and what the engine says of those that left
// nothing.
func (w *waiter) collect(ctx context.Context, im *format.Image) (*report.Run, error) {
	o := w.options
	o.GPU = w.gpu
	rep, err := Collect(ctx, im, o)
	if rep != nil {
		w.explain(rep)
	}
	if errors.Is(err, ErrUnfinished) { // with what the engine says
		err = unfinished(rep)
	}
	return rep, err
}

// unfinished is the error of a run with steps that have no state.
func unfinished(rep *report.Run) error {
	var open []string
	for _, s := range rep.Steps {
		if s.Status == report.StepSkipped {
			open = append(open, fmt.Sprintf("step %q: %s", s.Name, s.Problem))
		}
	}
	return fmt.Errorf("%w: %s", ErrUnfinished, strings.Join(open, ", "))
}

// tell reports which steps run, or else what the first waits for.
func (w *waiter) tell(over int) {
	var names, waiting []string
	for k, s := range w.states {
		switch name := w.jobs[k].Step; {
		case s.Phase == engine.Running:
			names = append(names, name)
		case s.Phase == engine.Waiting && s.Reason != "" && s.Reason != "None" && s.Reason != "Dependency":
			waiting = append(waiting, fmt.Sprintf("%s waits: %s", name, s.Reason))
		}
	}
	task := "run"
	switch {
	case w.trouble != nil:
		task = fmt.Sprintf("%s does not answer, jobs go on: %v", w.Engine, w.trouble)
	case len(names) > 0:
		task = "run " + strings.Join(names[:min(3, len(names))], ", ")
	case len(waiting) > 0:
		task = waiting[0]
	}
	if n := len(names) - 3; n > 0 && w.trouble == nil {
		task += fmt.Sprintf(" and %d more", n)
	}
	w.options.Progress.Report(progress.Event{Task: task, Done: int64(w.done + over), Total: int64(len(w.plan.Steps))})
}

// showLogs shows to whoever watches what the steps have printed since.
func (w *waiter) showLogs() {
	if w.options.Log == nil {
		return
	}
	if w.tails == nil {
		live := outputs.NewLive(w.options.Log)
		for _, j := range w.jobs {
			w.tails = append(w.tails, outputs.NewTail(j.Step, live))
		}
	}
	for k, j := range w.jobs {
		if name := w.run.NewestLog(w.plan.Step(j.Step)); name != "" {
			w.tails[k].Show(name)
		}
	}
}

func (w *waiter) endLogs() {
	for _, t := range w.tails {
		t.End()
	}
}

// explain adds to steps without a state what the engine says of their jobs.
func (w *waiter) explain(rep *report.Run) {
	for k, s := range w.states {
		st := &rep.Steps[w.plan.Step(w.jobs[k].Step)]
		if st.Status != report.StepSkipped || s.Reason == "" || s.Phase == engine.Skipped {
			continue
		}
		at := ""
		if s.Node != "" {
			at = " on " + s.Node
		}
		st.Problem = fmt.Sprintf("its worker left nothing: %s job %s%s: %s", w.Engine, w.jobs[k].ID, at, s.Reason)
	}
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
