package plan

import (
	"slices"
	"time"
)

// Progress is how far one step has come.
type Progress struct {
	Running time.Duration // since it started; 0: it does not run
	Ended   bool
	Wall    time.Duration // how long it took, if it ran here to a good end; else 0
}

// Remaining estimates how much longer the plan takes on so many processors. It
// scales the times of the author's run by how much quicker or slower the steps
// that ended have been here; 0 if the author's time of a step to come is
// unknown. One element of steps belongs to each step of the plan.
func (p *Plan) Remaining(steps []Progress, cpus int) time.Duration {
	jobs := make([]job, len(p.Steps))
	var here, author time.Duration
	for i, step := range p.Steps {
		takes := time.Duration(step.Takes) * time.Second
		jobs[i] = job{needs: p.Needs[i], cpus: CPUs(step), left: takes}
		switch s := steps[i]; {
		case s.Ended:
			jobs[i].ended = true
			if s.Wall > 0 {
				here += s.Wall
				author += takes
			}
		case takes == 0:
			return 0
		case s.Running > 0:
			jobs[i].running = s.Running
		}
	}
	pace := 1.0
	if author > 0 && here > 0 {
		pace = float64(here) / float64(author)
	}
	for i := range jobs {
		jobs[i].left = time.Duration(float64(jobs[i].left)*pace) - jobs[i].running
	}
	return makespan(jobs, cpus)
}

// job is a step of which only its time and its processors matter.
type job struct {
	needs   []int
	cpus    int
	left    time.Duration
	running time.Duration // so far; 0: not started
	ended   bool
}

// makespan simulates how jobs run side by side on so many processors, started
// as the local engine starts them, and returns how long that takes. A job that
// already took longer than expected ends at once.
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
