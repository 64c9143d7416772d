package run

import (
	"context"

	"repro/engine"
)

// maxRestarts is how often steps are submitted again that the engine has skipped by
// mistake.
const maxRestarts = 3

// restart submits again, when no job is left, the steps that the engine skipped
// although all that they need is done: what workers leave counts, and an engine may
// take a job for failed that did its work. Slurm does, of one whose memory was short
// once, or whose node failed right after. Again is false if there are none.
func (w *waiter) restart(ctx context.Context) (again bool, err error) {
	done := make([]bool, len(w.plan.Steps))
	for i := range done {
		state, err := w.run.Done(i)
		if err != nil {
			return false, err
		}
		done[i] = state != nil
	}
	skipped := map[string]bool{}
	for k, s := range w.states {
		skipped[w.jobs[k].Step] = s.Phase == engine.Skipped
	}
	var steps []int
	ready := append([]bool{}, done...) // or about to be
	for i, step := range w.plan.Steps {
		if done[i] || !skipped[step.Name] {
			continue
		}
		ready[i] = true
		for _, n := range w.plan.Needs[i] {
			ready[i] = ready[i] && ready[n]
		}
		if ready[i] {
			steps = append(steps, i)
		}
	}
	if len(steps) == 0 {
		return false, nil
	}
	// A new engine, which does not know the names of jobs that are over.
	if err := w.engine.Close(); err != nil {
		return false, err
	}
	if w.engine, err = w.reopen(); err != nil {
		return false, err
	}
	if err := w.enter(ctx); err != nil {
		return false, err
	}
	open := make([]bool, len(done))
	var jobs []engine.Job
	for _, i := range steps {
		open[i] = true
		jobs = append(jobs, w.job(i, open))
	}
	w.done = len(done) - len(steps)
	w.jobs, w.tails = nil, nil
	return true, w.hand(ctx, jobs)
}
