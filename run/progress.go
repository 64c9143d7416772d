package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"repro/internal/progress"
	"repro/report"
	"repro/run/plan"
)

// tellInterval is how often whoever watches is told how much longer it takes.
const tellInterval = time.Second

// tellProgress keeps the time left up to date. It returns when ctx ends.
func (t *tracker) tellProgress(ctx context.Context) {
	if t.options.Progress == nil {
		return
	}
	tick := time.NewTicker(tellInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.tell()
		}
	}
}

// tell reports which steps run and how much longer they take.
func (t *tracker) tell() {
	if t.options.Progress == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	var done int64
	for i, step := range t.plan.Steps {
		switch {
		case t.outcomes[i].ended:
			done++
		case !t.began[i].IsZero():
			names = append(names, step.Name)
		}
	}
	task := "run"
	if len(names) > 0 {
		task = "run " + strings.Join(names[:min(3, len(names))], ", ")
	}
	if n := len(names) - 3; n > 0 {
		task += fmt.Sprintf(" and %d more", n)
	}
	t.options.Progress.Report(progress.Event{
		Task: t.label + task, Done: done, Total: int64(len(t.plan.Steps)), Left: t.remaining(time.Now()),
	})
}

// remaining estimates how much longer the run takes. The caller holds t.mu.
func (t *tracker) remaining(now time.Time) time.Duration {
	steps := make([]plan.Progress, len(t.plan.Steps))
	for i, o := range t.outcomes {
		switch p := &steps[i]; {
		case o.ended:
			p.Ended = true
			if o.status.Status == report.StepDone && !o.status.Kept {
				p.Wall = time.Duration(o.status.WallMS) * time.Millisecond
			}
		case !t.began[i].IsZero():
			p.Running = max(1, now.Sub(t.began[i]))
		}
	}
	return t.plan.Remaining(steps, len(t.limits.CPUs))
}
