package run

import (
	"context"
	"fmt"
	"time"

	"repro/engine"
	"repro/run/lease"
)

const (
	// patienceForFiles is how long after the end of a job what its worker wrote
	// may stay out of sight here: clients of NFS keep what they know for a minute.
	patienceForFiles = 90 * time.Second

	// patienceHere is the same for jobs of this process's own.
	patienceHere = 2 * time.Second

	// patienceForEngine is how long an engine may give no answer. Jobs go on
	// meanwhile, and leave their states.
	patienceForEngine = 30 * time.Minute

	// patienceForStuck is how long a job may wait for what does not come by itself:
	// a registry that does not answer may do so at the second try.
	patienceForStuck = time.Minute
)

// wait returns when no worker will leave anything any more.
func (w *waiter) wait(ctx context.Context) error {
	f := w.follow()
	for poll := (lease.Poll{}); ; {
		if err := f.ask(ctx); err != nil {
			return err
		}
		if err := f.giveUp(ctx, time.Now()); err != nil {
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
			w.note()
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
	stuck    []time.Time // since when it waits for what does not come by itself
	told     map[string]bool
	fetched  []bool
	watches  []lease.Watch
	answered time.Time // when the engine answered last
}

func (w *waiter) follow() *follower {
	n := len(w.jobs)
	w.states, w.hopeless = make([]engine.State, n), make([]string, n)
	return &follower{waiter: w, ended: make([]time.Time, n), stuck: make([]time.Time, n), told: map[string]bool{}, fetched: make([]bool, n), watches: make([]lease.Watch, n), answered: time.Now()}
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

// giveUp cancels jobs that have waited for long enough for what does not come by
// itself, so that the run ends and says what that is. Whoever only waits for jobs of
// somebody else's is told, and waits on.
func (f *follower) giveUp(ctx context.Context, now time.Time) error {
	var ids []engine.ID
	for k, s := range f.states {
		switch {
		case !s.Stuck || s.Phase != engine.Waiting:
			f.stuck[k] = time.Time{}
		case f.stuck[k].IsZero():
			f.stuck[k] = now
			if f.options.Notice != nil && !f.told[s.Reason] { // once, of steps that are alike
				f.told[s.Reason] = true
				f.options.Notice(fmt.Sprintf("step %q waits for what does not come by itself: %s", f.jobs[k].Step, s.Reason))
			}
		case !f.attached && f.hopeless[k] == "" && now.Sub(f.stuck[k]) >= patienceForStuck:
			f.hopeless[k] = s.Reason
			ids = append(ids, f.jobs[k].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return f.engine.Cancel(ctx, ids)
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
	case phase == engine.Skipped, gone && f.hopeless[k] != "":
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
