package rerun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"repro/gateway/store"
	"repro/internal/atomicfile"
)

const (
	pollTime    = 300 * time.Millisecond // between looks into an empty queue
	keepTime    = time.Second            // between signs of life of a run
	leaseTime   = 30 * time.Second       // without a sign of life a run is another worker's
	SeenTime    = 30 * time.Second       // so long after it was seen a worker counts as there
	graceTime   = 30 * time.Second       // for a process that was told to end
	formerTime  = 2 * graceTime          // for what a worker that died left running
	maxAttempts = 30                     // of a run
)

// Options say how a worker runs images. The zero value, with Name and Program
// set, gives a run all that this process may use.
type Options struct {
	Name    string        // of the worker; of two with one name, one waits
	Program []string      // the command line of repro, without arguments
	CPUs    int           // processors of a run; 0: all
	Memory  string        // of a run, as repro run takes it, such as 8GiB; empty: no limit
	Time    time.Duration // of a run at most; 0: no limit

	Engine        string   // as repro run --on takes it; empty: this machine
	EngineOptions []string // for the engine, as they are
}

// Limits says in words what a run gets.
func (o Options) Limits() string {
	words := "all processors"
	if o.CPUs == 1 {
		words = "1 processor"
	} else if o.CPUs > 1 {
		words = fmt.Sprintf("%d processors", o.CPUs)
	}
	if o.Memory != "" {
		words += ", " + o.Memory + " of memory"
	}
	if o.Time > 0 {
		words += fmt.Sprintf(", %s at most", o.Time)
	}
	if o.Engine != "" {
		words += ", on " + o.Engine
	}
	return words
}

// Work takes runs from the queue and runs them until ctx ends, when the present
// one is interrupted and waits again, or stop is closed, when the present one is
// finished first. A worker of the same name that has died leaves its run to it.
func Work(ctx context.Context, s *store.Store, o Options, stop <-chan struct{}, log *slog.Logger) error {
	unlock, err := lockName(ctx, s.Dir(), o.Name)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	defer unlock()
	w := &worker{store: s, options: o, log: log}
	if err := s.ReturnRuns(ctx, o.Name); err != nil {
		return ignoreEnd(ctx, err)
	}
	defer s.ReturnRuns(context.WithoutCancel(ctx), o.Name)
	for {
		if err := s.SeeWorker(ctx, store.Worker{Name: o.Name, Limits: o.Limits()}); err != nil {
			return ignoreEnd(ctx, err)
		}
		r, ok, err := s.TakeRun(ctx, o.Name, leaseTime)
		if err == nil && ok {
			err = w.do(ctx, r)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			log.Error("run failed", "run", r.ID, "error", err.Error())
		}
		wait := pollTime
		if ok {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-stop:
			return nil
		case <-time.After(wait):
		}
	}
}

// ignoreEnd makes no error of the end of ctx.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// lockName waits until no other worker has the name.
func lockName(ctx context.Context, dir, name string) (unlock func(), err error) {
	file := filepath.Join(dir, "workers", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if _, err := atomicfile.WriteNew(file, nil, 0o600); err != nil {
		return nil, err
	}
	return atomicfile.Lock(ctx, file)
}

type worker struct {
	store   *store.Store
	options Options
	log     *slog.Logger
}

// do runs r and writes down what became of it. If ctx ends before, r stays as
// it is.
func (w *worker) do(ctx context.Context, r store.Run) error {
	if r.Attempts > maxAttempts {
		r.State, r.Words = store.RunFailed, fmt.Sprintf("was interrupted %d times", r.Attempts-1)
		return w.store.EndRun(ctx, r)
	}
	sub, err := w.store.Submission(ctx, r.Submission)
	if err != nil {
		return err
	}
	dir := Dir(w.store.Dir(), r.ID)
	if err := w.prepare(ctx, dir, r, sub); err != nil {
		return w.fail(ctx, r, err)
	}
	w.log.Info("run begins", "run", r.ID, "attempt", r.Attempts)
	c, err := start(w.options, dir, r)
	if err != nil {
		return w.fail(ctx, r, err)
	}
	ended, err := w.watch(ctx, c, &r)
	if err != nil || !ended {
		return err
	}
	if r.State == store.RunRunning { // nobody cancelled it, and it had its time
		if err := judge(&r, sub, dir, c.status, c.lastError()); err != nil {
			return w.fail(ctx, r, err)
		}
	}
	if err := atomicfile.FlushTree(dir); err != nil {
		return w.fail(ctx, r, err)
	}
	w.log.Info("run ends", "run", r.ID, "state", string(r.State), "outcome", r.Outcome)
	return w.store.EndRun(ctx, r)
}

// fail ends a run for a reason that is the gateway's own.
func (w *worker) fail(ctx context.Context, r store.Run, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.State, r.Outcome, r.Words = store.RunFailed, "", "the gateway could not do that; its administrator can read why in its log"
	return errors.Join(why, w.store.EndRun(ctx, r))
}

// watch waits until the process of a run ends, keeps the run meanwhile, and ends
// the process when somebody cancels the run, its time is over or ctx ends. Ended
// is false if the run is not this worker's to end.
func (w *worker) watch(ctx context.Context, c *child, r *store.Run) (ended bool, err error) {
	var over <-chan time.Time
	if w.options.Time > 0 {
		timer := time.NewTimer(w.options.Time)
		defer timer.Stop()
		over = timer.C
	}
	tick := time.NewTicker(keepTime)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return true, c.err
		case <-ctx.Done():
			c.end(graceTime)
			return false, nil
		case <-over:
			c.end(graceTime)
			r.State, r.Words = store.RunFailed, fmt.Sprintf("took longer than %s", w.options.Time)
			return true, nil
		case <-tick.C:
			cancelled, err := w.keep(ctx, r.ID)
			if errors.Is(err, store.ErrNotFound) { // it was not heard of for too long, and is another's
				c.end(graceTime)
				return false, err
			}
			if err == nil && cancelled {
				c.end(graceTime)
				r.State, r.Words = store.RunCancelled, ""
				return true, nil
			}
		}
	}
}

// keep gives signs of life of the run and of the worker.
func (w *worker) keep(ctx context.Context, id string) (cancelled bool, err error) {
	if err := w.store.SeeWorker(ctx, store.Worker{Name: w.options.Name, Limits: w.options.Limits()}); err != nil {
		return false, err
	}
	return w.store.KeepRun(ctx, id, w.options.Name, leaseTime)
}

// prepare makes the folder of a run, with the image in it, and waits until what
// a worker that died left running there has ended.
func (w *worker) prepare(ctx context.Context, dir string, r store.Run, sub store.Submission) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	images := map[string]store.Submission{imageName: sub}
	if r.Kind == store.RunDiff {
		former, err := w.store.Submission(ctx, sub.Former)
		if err != nil {
			return err
		}
		images[formerName] = former
	}
	for name, of := range images {
		if err := os.Link(w.store.ImagePath(of), filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	marker := filepath.Join(dir, Record, ".repro-run")
	if _, err := os.Lstat(marker); err != nil {
		return nil // no process has begun there
	}
	ctx, cancel := context.WithTimeout(ctx, formerTime)
	defer cancel()
	unlock, err := atomicfile.Lock(ctx, marker)
	if err != nil {
		return fmt.Errorf("%s: a former process still runs there: %w", marker, err)
	}
	unlock()
	return nil
}
