package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/internal/progress"
)

// tellInterval is how often whoever watches is told how much longer it takes.
const tellInterval = time.Second

// tellTime keeps the time left up to date. It returns when ctx ends.
func (s *schedule) tellTime(ctx context.Context) {
	if s.options.Progress == nil {
		return
	}
	tick := time.NewTicker(tellInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.mu.Lock()
			s.tell()
			s.mu.Unlock()
		}
	}
}

// tell reports what runs and how much longer it takes. The caller holds s.mu.
func (s *schedule) tell() {
	if s.options.Progress == nil {
		return
	}
	var names []string
	for i, step := range s.plan.steps {
		if s.started[i] && !s.states[i].ended {
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
	s.options.Progress.Report(progress.Event{
		Task: s.label + task, Done: s.done, Total: int64(len(s.plan.steps)), Left: s.left(time.Now()),
	})
}

// left is how much longer the run takes, by the times that the author's run
// took and how much quicker or slower this machine has been so far; 0 if the
// author's times of steps to come are not known.
func (s *schedule) left(now time.Time) time.Duration {
	jobs := make([]job, len(s.plan.steps))
	var ours, theirs time.Duration
	for i, step := range s.plan.steps {
		takes := time.Duration(step.Takes) * time.Second
		jobs[i] = job{needs: s.plan.needs[i], cpus: cpusOf(step), left: takes}
		switch st := &s.states[i]; {
		case st.ended:
			jobs[i].ended = true
			if st.status.Status == statusDone && !st.status.Kept {
				ours += time.Duration(st.status.WallMS) * time.Millisecond
				theirs += takes
			}
		case takes == 0:
			return 0
		case s.started[i]:
			jobs[i].running = max(1, now.Sub(s.began[i]))
		}
	}
	pace := 1.0
	if theirs > 0 && ours > 0 {
		pace = float64(ours) / float64(theirs)
	}
	for i := range jobs {
		jobs[i].left = time.Duration(float64(jobs[i].left)*pace) - jobs[i].running
	}
	return makespan(jobs, len(s.runner.cpus))
}

// job is a step in the eyes of whoever plans.
type job struct {
	needs   []int
	cpus    int
	left    time.Duration
	running time.Duration // so far; 0: not started
	ended   bool
}

// makespan plays through how jobs run beside each other on so many processors,
// as the schedule would start them, and returns how long that takes. A job
// that has taken longer than thought ends now.
func makespan(jobs []job, cpus int) time.Duration {
	jobs = slices.Clone(jobs)
	var passed time.Duration
	started := make([]bool, len(jobs))
	free := cpus
	for i := range jobs {
		if jobs[i].running > 0 && !jobs[i].ended {
			started[i] = true
			free -= min(jobs[i].cpus, cpus)
		}
	}
	for {
		next, busy := time.Duration(0), false
		for i := range jobs {
			j := &jobs[i]
			idle := !slices.ContainsFunc(jobs, func(j job) bool { return j.running > 0 && !j.ended })
			ready := !j.ended && !started[i] && !slices.ContainsFunc(j.needs, func(n int) bool { return !jobs[n].ended })
			if ready && (idle || min(j.cpus, cpus) <= free) {
				started[i], j.running = true, 1
				free -= min(j.cpus, cpus)
			}
			if started[i] && !j.ended && (!busy || j.left < next) {
				next, busy = max(0, j.left), true
			}
		}
		if !busy {
			return passed
		}
		passed += next
		for i := range jobs {
			if j := &jobs[i]; started[i] && !j.ended {
				if j.left -= next; j.left <= 0 {
					j.ended = true
					free += min(j.cpus, cpus)
				}
			}
		}
	}
}
