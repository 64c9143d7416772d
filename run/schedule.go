package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"repro/format/manifest"
	"repro/internal/sandbox"
	"repro/report"
)

// What a step's status can be. SPEC.md, RUN-20.
const (
	statusDone     = "done"
	statusFailed   = "failed"
	statusTimedOut = "timed out"
	statusKilled   = "killed"
	statusSkipped  = "skipped"
)

// state is what became of one step.
type state struct {
	status  report.StepStatus
	scratch string // its directory; empty until it has run, and where there are no overlays
	upper   string // what it wrote
	ended   bool
}

// runAll runs the steps of the plan: each as soon as those that it needs are
// done and processors and memory for it are free. Among those that could
// start, the image's order decides. A step that fails keeps only those from
// running that need it.
func (r *runner) runAll(ctx context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &schedule{
		runner: r, stop: stop, started: make([]bool, len(r.plan.steps)), began: make([]time.Time, len(r.plan.steps)),
		cpus: newPool(r.cpus), memory: r.options.Memory,
	}
	s.changed = sync.NewCond(&s.mu)
	for i := range r.states {
		if r.states[i].ended { // in the run that this one goes on with
			s.started[i] = true
			s.done++
		}
	}
	var helpers sync.WaitGroup
	helpers.Go(func() { // wakes the loop below when the context ends
		<-ctx.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	helpers.Go(func() { s.tellTime(ctx) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
		case err := <-r.damaged:
			s.abort(err)
		}
	})
	s.loop(ctx)
	stop(nil)
	helpers.Wait()
	s.removing.Wait()
	select {
	case err := <-r.damaged: // met by the last read of the last step
		s.abort(err)
	default:
	}
}

// abort stops the run because of something that is no step's fault.
func (s *schedule) abort(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage == nil {
		s.damage = why
	}
	s.stop(why)
}

type schedule struct {
	*runner
	stop    context.CancelCauseFunc
	mu      sync.Mutex
	changed *sync.Cond
	started []bool
	began   []time.Time
	running int
	done    int64

	removing sync.WaitGroup // of what is not needed any more
	cpus     *pool
	memory   int64 // free, where Options bound it
}

func (s *schedule) loop(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		waiting := false
		for i := range s.plan.steps {
			if s.started[i] {
				continue
			}
			switch failed, ready := s.ready(i); {
			case ctx.Err() != nil:
				s.skip(i, "the run was stopped before it")
			case failed != "":
				s.skip(i, fmt.Sprintf("needs step %q, which failed", failed))
			case ready && s.fits(i):
				s.begin(ctx, i)
			default:
				waiting = true
			}
		}
		if !waiting && s.running == 0 {
			return
		}
		s.changed.Wait()
	}
}

// ready reports whether all that step i needs is done, or which of it failed.
func (s *schedule) ready(i int) (failed string, ready bool) {
	ready = true
	for _, n := range s.plan.needs[i] {
		switch {
		case !s.states[n].ended:
			ready = false
		case s.states[n].status.Status != statusDone:
			return s.plan.steps[n].Name, false
		}
	}
	return "", ready
}

// skip marks step i without running it.
func (s *schedule) skip(i int, why string) {
	s.started[i] = true
	s.states[i] = state{ended: true, status: report.StepStatus{
		Name: s.plan.steps[i].Name, Status: statusSkipped, Problem: why,
	}}
}

// fits reports whether there is room for step i beside those that run. A step
// that asks for more than there is at all runs alone.
func (s *schedule) fits(i int) bool {
	if s.running == 0 {
		return true
	}
	if s.layers.shared || !s.cpus.has(cpusOf(s.plan.steps[i])) {
		return false
	}
	return s.options.Memory == 0 || s.memoryOf(i) <= s.memory
}

// memoryOf is what step i may take: its own limit, at most that of the run.
func (s *schedule) memoryOf(i int) int64 {
	own, all := s.plan.steps[i].Memory, s.options.Memory
	if own == 0 || all != 0 && own > all {
		return all
	}
	return own
}

// release removes what steps wrote on which none stands that is still to come.
// The caller holds s.mu.
func (s *schedule) release() {
	for i := range s.states {
		dir := s.states[i].scratch
		if dir == "" || !s.states[i].ended || s.neededLater(i) {
			continue
		}
		s.states[i].scratch, s.states[i].upper = "", ""
		s.removing.Go(func() { _ = sandbox.Remove(dir) }) // what stays is removed with all else
	}
}

// neededLater reports whether a step stands on step i that is not done.
func (s *schedule) neededLater(i int) bool {
	for j, needs := range s.plan.needs {
		if slices.Contains(needs, i) && s.states[j].status.Status != statusDone {
			return true
		}
	}
	return false
}

func (s *schedule) begin(ctx context.Context, i int) {
	s.started[i] = true
	s.running++
	cpus := s.cpus.take(cpusOf(s.plan.steps[i]))
	s.memory -= s.memoryOf(i)
	s.began[i] = time.Now()
	s.tell()
	go func() {
		st, damage := s.runStep(ctx, i, cpus, s.memoryOf(i))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.states[i] = st
		s.release()
		s.running--
		s.done++
		s.memory += s.memoryOf(i)
		s.cpus.give(cpus)
		if damage != nil && s.damage == nil {
			s.damage = damage
			s.stop(damage)
		}
		s.tell()
		s.changed.Broadcast()
	}()
}

// cpusOf is how many processors a step uses: each of its ranks so many as it says.
func cpusOf(s manifest.Step) int { return max(1, s.CPUs) * max(1, s.Ranks) }

// pool hands out processors.
type pool struct{ free []int }

func newPool(cpus []int) *pool { return &pool{free: append([]int(nil), cpus...)} }

func (p *pool) has(n int) bool { return len(p.free) >= n }

// take returns n processors, or as many as there are.
func (p *pool) take(n int) []int {
	n = min(n, len(p.free))
	taken := append([]int(nil), p.free[:n]...)
	p.free = p.free[n:]
	return taken
}

func (p *pool) give(cpus []int) { p.free = append(p.free, cpus...) }
