package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"repro/engine"
	"repro/format"
	"repro/internal/progress"
	"repro/report"
	"repro/run/outputs"
)

// collect reports what the jobs left, and what the engine says of those that left
// nothing.
func (w *waiter) collect(ctx context.Context, im *format.Image) (*report.Run, error) {
	return w.collectWith(ctx, im, nil)
}

// collectWith does so although the jobs could not be followed to the end.
func (w *waiter) collectWith(ctx context.Context, im *format.Image, why error) (*report.Run, error) {
	o := w.options
	o.GPU = w.gpu
	rep, err := Collect(ctx, im, o)
	if rep != nil {
		w.explain(rep)
	}
	if errors.Is(err, ErrUnfinished) { // with what the engine says
		err = unfinished(rep)
	}
	return rep, errors.Join(why, err)
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

// note keeps what the engine says of jobs that are over.
func (w *waiter) note() {
	if w.problems == nil {
		w.problems = map[string]string{}
	}
	for k, s := range w.states {
		step := w.jobs[k].Step
		at := ""
		if s.Node != "" {
			at = " on " + s.Node
		}
		switch job := fmt.Sprintf("%s job %s%s", w.Engine, w.jobs[k].ID, at); {
		case w.hopeless[k] != "":
			w.problems[step] = fmt.Sprintf("it could not start: %s was given up: %s", job, w.hopeless[k])
		case s.Phase == engine.Skipped || s.Reason == "":
			delete(w.problems, step)
		default:
			w.problems[step] = fmt.Sprintf("its worker left nothing: %s: %s", job, s.Reason)
		}
	}
}

// explain adds to steps without a state what the engine says of their jobs, or
// which of the steps that they need is why.
func (w *waiter) explain(rep *report.Run) {
	for i := range rep.Steps {
		st := &rep.Steps[i]
		if st.Status != report.StepSkipped {
			continue
		}
		if why := w.problems[st.Name]; why != "" {
			st.Problem = why
			continue
		}
		for _, n := range w.plan.Needs[i] {
			if rep.Steps[n].Status == report.StepSkipped {
				st.Problem = fmt.Sprintf("needs step %q, which is not done", rep.Steps[n].Name)
				break
			}
		}
	}
}
