package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"repro/engine"
	"repro/format"
	"repro/internal/progress"
	"repro/report"
	"repro/run/lease"
	"repro/run/shared"
)

// Spread says where the workers of a run start.
type Spread struct {
	Engine  string   // as CheckEngine takes it
	Options []string // handed to the engine as they are

	Patience time.Duration // as in shared.Open

	// Command returns the command line of a worker that runs the step called
	// name in the run's folder. The machines of the engine execute it.
	Command func(step, folder string) []string
}

// spreadLogs is the folder, in that of the run, for what jobs print that is no
// step's: a worker that cannot start, say.
const spreadLogs = "jobs"

// On runs the steps of im on the machines of an engine, and reports as [Collect]
// does. Steps that are done in o.Dir are not run again. What the workers leave in
// that folder counts; the engine's word only tells that a worker will not leave
// anything any more. When ctx ends, what was submitted is cancelled. SPEC.md,
// RUN-38.
func On(ctx context.Context, im *format.Image, o Options, s Spread) (*report.Run, error) {
	row, where, err := findEngine(s.Engine)
	if err != nil {
		return nil, err
	}
	gpu := o.GPU
	o.GPU = false // which is where the steps run
	x, r, err := openSharedFor(im, &o, gpu, s.Patience)
	if err != nil {
		return nil, err
	}
	logs := filepath.Join(o.Dir, spreadLogs)
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	e, err := row.open(where, s.Options, logs)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	w := &waiter{experiment: x, run: r, engine: e, options: o}
	if err := w.submit(ctx, s, gpu); err != nil {
		return nil, err
	}
	if err := w.wait(ctx); err != nil {
		return nil, errors.Join(err, e.Cancel(context.WithoutCancel(ctx), w.ids))
	}
	for _, id := range w.ids {
		if err := e.Fetch(ctx, id); err != nil {
			return nil, err
		}
	}
	o.GPU = gpu
	rep, err := Collect(ctx, im, o)
	w.explain(rep)
	return rep, err
}

// waiter follows the jobs of a run that was spread.
type waiter struct {
	*experiment
	run     *shared.Run
	engine  engine.Engine
	options Options
	steps   []int // of the plan, that were submitted
	ids     []engine.ID
	states  []engine.State
	done    int // steps that were done before
}

// submit submits the steps that are not done.
func (w *waiter) submit(ctx context.Context, s Spread, gpu bool) error {
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
		if !open[i] {
			w.done++
			continue
		}
		j := engine.Job{Name: step.Name, Resources: resourcesOf(step, gpu), Args: s.Command(step.Name, w.options.Dir)}
		for _, n := range w.plan.Needs[i] {
			if open[n] {
				j.Needs = append(j.Needs, w.plan.Steps[n].Name)
			}
		}
		args := j.Args
		j.Work = func(ctx context.Context, _ engine.Allotment) error { return command(ctx, args) }
		jobs, w.steps = append(jobs, j), append(w.steps, i)
	}
	if len(jobs) == 0 {
		return nil
	}
	var err error
	w.ids, err = w.engine.Submit(ctx, jobs)
	w.states = make([]engine.State, len(w.ids))
	return err
}

// patienceForFiles is how long after the end of a job what its worker wrote may
// stay out of sight here: clients of NFS keep what they know for a minute.
const patienceForFiles = 90 * time.Second

// wait returns when no worker will leave anything any more.
func (w *waiter) wait(ctx context.Context) error {
	ended := make([]time.Time, len(w.ids)) // since when the engine says that a job is no more
	for poll := (lease.Poll{}); ; {
		states, err := w.engine.State(ctx, w.ids)
		if err != nil {
			return err
		}
		w.states = states
		over := 0
		for k, i := range w.steps {
			finished, err := w.isFinished(i, states[k].Phase)
			if err != nil {
				return err
			}
			gone := states[k].Phase.Ended() || states[k].Phase == engine.Unknown
			switch {
			case !gone:
				ended[k] = time.Time{}
			case ended[k].IsZero():
				ended[k] = time.Now()
			}
			neverRan := states[k].Phase == engine.Skipped
			if finished || neverRan || gone && time.Since(ended[k]) >= patienceForFiles {
				over++
			}
		}
		w.tell(over)
		if over == len(w.ids) {
			return nil
		}
		if err := poll.Wait(ctx); err != nil {
			return err
		}
	}
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

// tell reports which steps run.
func (w *waiter) tell(over int) {
	var names []string
	for k, s := range w.states {
		if s.Phase == engine.Running {
			names = append(names, w.plan.Steps[w.steps[k]].Name)
		}
	}
	task := "run"
	if len(names) > 0 {
		task += " " + strings.Join(names[:min(3, len(names))], ", ")
	}
	if n := len(names) - 3; n > 0 {
		task += fmt.Sprintf(" and %d more", n)
	}
	w.options.Progress.Report(progress.Event{Task: task, Done: int64(w.done + over), Total: int64(len(w.plan.Steps))})
}

// explain adds to steps without a state what the engine says of their jobs.
func (w *waiter) explain(rep *report.Run) {
	if rep == nil {
		return
	}
	for k, s := range w.states {
		st := &rep.Steps[w.steps[k]]
		if st.Status != report.StepSkipped || s.Reason == "" || s.Phase == engine.Skipped {
			continue
		}
		st.Problem = fmt.Sprintf("its worker left nothing: the engine says %q of job %s", s.Reason, w.ids[k])
		if at := s.Node; at != "" {
			st.Problem += " on " + at
		}
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
