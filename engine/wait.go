package engine

import (
	"context"
	"fmt"
	"time"
)

// Wait returns when all jobs have ended, with their states in the order of ids.
// It looks at them every interval, or when e says that something changed. Seen,
// if not nil, is told of each state that differs from the one before.
//
// A job that stays [Unknown] for patience is taken for ended: the engine has
// forgotten it.
func Wait(ctx context.Context, e Engine, ids []ID, interval, patience time.Duration, seen func(i int, s State)) ([]State, error) {
	var changed <-chan struct{}
	if n, ok := e.(Notifier); ok {
		changed = n.Changed()
	}
	last := make([]State, len(ids))
	lost := make([]time.Time, len(ids)) // since when a job is unknown
	for {
		states, err := e.State(ctx, ids)
		if err != nil {
			return last, err
		}
		if len(states) != len(ids) {
			return last, fmt.Errorf("engine: %d states of %d jobs", len(states), len(ids))
		}
		all := true
		for i, s := range states {
			if s != last[i] && seen != nil {
				seen(i, s)
			}
			switch {
			case s.Phase != Unknown:
				lost[i] = time.Time{}
			case lost[i].IsZero():
				lost[i] = time.Now()
			}
			gone := s.Phase == Unknown && time.Since(lost[i]) >= patience
			all = all && (s.Phase.Ended() || gone)
		}
		last = states
		if all {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-changed:
		case <-time.After(interval):
		}
	}
}
