// Package local runs steps on this machine, each in a sandbox of its own. It is
// the one engine that needs no other program, and what a worker on a node of
// another engine runs its step with.
//
// It has two parts that can be used apart. [Engine] decides when a job starts:
// it knows processors, memory and order, and nothing of steps. [Host] knows how
// to run one step of one image, isolated from this machine.
package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"repro/engine"
)

// Engine starts jobs within this process, as soon as those that they need are
// done and processors and memory are free. Among those that could start, the
// order in which they were submitted decides.
type Engine struct {
	limits Limits

	mu      sync.Mutex
	jobs    []*job
	byName  map[string]*job
	cpus    *pool
	memory  int64 // free, where Limits bound it
	running int
	work    sync.WaitGroup
	changed chan struct{}
}

// Limits are what all jobs that run side by side may use.
type Limits struct {
	CPUs     []int // numbers of the processors
	Memory   int64 // bytes; 0: no limit
	OneByOne bool  // never two jobs at once
}

// job is one that was submitted.
type job struct {
	engine.Job
	state  engine.State
	cancel context.CancelFunc // of its work; nil: it does not run
}

// NewEngine returns an engine without jobs.
func NewEngine(l Limits) *Engine {
	return &Engine{limits: l, byName: map[string]*job{}, cpus: newPool(l.CPUs), memory: l.Memory, changed: make(chan struct{}, 1)}
}

// Submit implements [engine.Engine]. A job's ID is its name.
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := engine.Order(jobs, func(name string) bool { return e.byName[name] != nil }); err != nil {
		return nil, fmt.Errorf("local engine: %w", err)
	}
	ids := make([]engine.ID, len(jobs))
	for i, j := range jobs {
		if j.Work == nil {
			return nil, fmt.Errorf("local engine: job %q: has no work for this process", j.Name)
		}
		ids[i] = engine.ID(j.Name)
	}
	for _, j := range jobs {
		added := &job{Job: j, state: engine.State{Phase: engine.Waiting}}
		e.jobs, e.byName[j.Name] = append(e.jobs, added), added
	}
	e.startReady()
	return ids, nil
}

// State implements [engine.Engine].
func (e *Engine) State(_ context.Context, ids []engine.ID) ([]engine.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	states := make([]engine.State, len(ids))
	for i, id := range ids {
		states[i] = engine.State{Phase: engine.Unknown}
		if j := e.byName[string(id)]; j != nil {
			states[i] = j.state
		}
	}
	return states, nil
}

// Cancel implements [engine.Engine].
func (e *Engine) Cancel(_ context.Context, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		j := e.byName[string(id)]
		switch {
		case j == nil:
		case j.state.Phase == engine.Waiting:
			j.state = engine.State{Phase: engine.Cancelled, Reason: "cancelled before it started"}
		case j.cancel != nil:
			j.cancel()
		}
	}
	e.startReady()
	e.notify()
	return nil
}

// Fetch implements [engine.Engine]: everything is here.
func (e *Engine) Fetch(context.Context, engine.ID) error { return nil }

// Changed implements [engine.Notifier].
func (e *Engine) Changed() <-chan struct{} { return e.changed }

// Close cancels what waits or runs, and waits for its end.
func (e *Engine) Close() error {
	e.mu.Lock()
	ids := make([]engine.ID, 0, len(e.jobs))
	for _, j := range e.jobs {
		ids = append(ids, engine.ID(j.Name))
	}
	e.mu.Unlock()
	err := e.Cancel(context.Background(), ids)
	e.work.Wait()
	return err
}

func (e *Engine) notify() {
	select {
	case e.changed <- struct{}{}:
	default: // it has not been received yet
	}
}

// startReady starts every job that can start now, and skips those that never
// will. The caller holds e.mu.
func (e *Engine) startReady() {
	for _, j := range e.jobs {
		if j.state.Phase != engine.Waiting {
			continue
		}
		switch failed, ready := e.ready(j); {
		case failed != "":
			j.state = engine.State{Phase: engine.Skipped, Reason: fmt.Sprintf("needs step %q, which failed", failed)}
		case ready && e.fits(j):
			e.start(j)
		}
	}
}

// ready reports whether all that j needs is done, or which of it failed.
func (e *Engine) ready(j *job) (failed string, ready bool) {
	ready = true
	for _, name := range j.Needs {
		switch p := e.byName[name].state.Phase; {
		case !p.Ended():
			ready = false
		case p != engine.Done:
			return name, false
		}
	}
	return "", ready
}

// fits reports whether there is room for j beside those that run. A job that
// asks for more than there is at all runs alone.
func (e *Engine) fits(j *job) bool {
	switch {
	case e.running == 0:
		return true
	case e.limits.OneByOne || !e.cpus.has(j.Resources.CPUs):
		return false
	}
	return e.limits.Memory == 0 || e.memoryOf(j) <= e.memory
}

// memoryOf is what j may take: what it asks for, at most what there is for all.
func (e *Engine) memoryOf(j *job) int64 {
	own, all := j.Resources.Memory, e.limits.Memory
	if own == 0 || all != 0 && own > all {
		return all
	}
	return own
}

// start runs j. The caller holds e.mu.
func (e *Engine) start(j *job) {
	ctx, cancel := context.WithCancel(context.Background())
	j.state, j.cancel = engine.State{Phase: engine.Running}, cancel
	a := engine.Allotment{CPUs: e.cpus.take(j.Resources.CPUs), Memory: e.memoryOf(j)}
	e.running++
	e.memory -= a.Memory
	e.work.Go(func() {
		err := j.Work(ctx, a)
		cancelled := ctx.Err() != nil
		cancel()
		e.mu.Lock()
		defer e.mu.Unlock()
		j.state, j.cancel = ended(err, cancelled), nil
		e.running--
		e.memory += a.Memory
		e.cpus.put(a.CPUs)
		e.startReady()
		e.notify()
	})
}

// ended is the state of a job whose work returned err.
func ended(err error, cancelled bool) engine.State {
	switch {
	case err == nil:
		return engine.State{Phase: engine.Done}
	case cancelled && errors.Is(err, context.Canceled):
		return engine.State{Phase: engine.Cancelled, Reason: err.Error()}
	}
	return engine.State{Phase: engine.Failed, Reason: err.Error()}
}

// pool hands out processors.
type pool struct{ free []int }

func newPool(cpus []int) *pool { return &pool{free: slices.Clone(cpus)} }

func (p *pool) has(n int) bool { return len(p.free) >= n }

// take returns n processors, or as many as there are.
func (p *pool) take(n int) []int {
	n = min(n, len(p.free))
	taken := slices.Clone(p.free[:n])
	p.free = p.free[n:]
	return taken
}

// put takes processors back.
func (p *pool) put(cpus []int) { p.free = append(p.free, cpus...) }
