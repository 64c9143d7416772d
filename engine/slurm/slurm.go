// Package slurm runs jobs on a Slurm cluster, through its own programs: sbatch,
// squeue, scancel and scontrol (slurm.schedmd.com, releases 22.05 and later).
//
// Each job is one batch job that executes its command line and nothing else; jobs
// that ask for the same and need the same are the elements of one array.
// Dependencies are Slurm's: a job starts after those that it needs have ended
// with status 0 (afterok), and Slurm cancels it if they did not. Nodes must share
// the folder of the run. Accounting (sacct) is not needed; Slurm forgets jobs some
// minutes after their end, so that states which were seen are remembered here.
package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"repro/engine"
)

// Options say how jobs are submitted.
type Options struct {
	Partition string   // empty: the cluster's default
	Extra     []string // further arguments of sbatch, such as --account=physics
	Logs      string   // existing folder for what jobs print; empty: nowhere
}

// Engine submits to the cluster that the programs in PATH, and SLURM_CONF, know.
type Engine struct {
	options Options

	mu      sync.Mutex
	jobs    engine.Table[own]
	skipped int // jobs that were never submitted
}

// own is what else is known of a job.
type own struct {
	back bool // it has ended, but Slurm may put it back into its queue
}

type job = engine.Entry[own]

// New returns an engine, or an [*engine.MachineError] if there is no Slurm here.
func New(o Options) (*Engine, error) {
	for _, program := range []string{"sbatch", "squeue", "scancel", "scontrol"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &engine.MachineError{Err: fmt.Errorf("slurm: %w", err), Hint: "run where Slurm's programs are, such as a login node of the cluster"}
		}
	}
	return &Engine{options: o}, nil
}

// Job returns what Slurm calls the job in which this process runs, as Submit
// does; empty if it runs in none.
func Job() string {
	if array, index := os.Getenv("SLURM_ARRAY_JOB_ID"), os.Getenv("SLURM_ARRAY_TASK_ID"); array != "" && index != "" {
		return array + "_" + index
	}
	return os.Getenv("SLURM_JOB_ID")
}

// Submit implements [engine.Engine]. Jobs are held until all are there.
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	order, err := e.jobs.Check(jobs)
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	if err := e.refresh(ctx); err != nil { // of those that these may need
		return nil, err
	}
	b := batch{Engine: e, had: e.jobs.Len(), whole: map[string]int{}}
	// What has begun is brought to an end, so that no job is in Slurm's queue
	// that nobody here knows of.
	calm, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	for _, g := range groups(jobs, order, maxArray(calm)) {
		if err = ctx.Err(); err == nil {
			err = b.submit(calm, g)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("slurm: job %q: %w", g[0].Name, err), b.undo(ctx))
		}
	}
	if err := release(calm, arrays(numbers(b.made()))); err != nil {
		return nil, errors.Join(fmt.Errorf("slurm: %w", err), b.undo(ctx))
	}
	ids := make([]engine.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = e.jobs.Named(j.Name).ID
	}
	return ids, nil
}

// patience is how long Slurm may take to accept what is submitted.
const patience = 10 * time.Minute

// Adopt implements [engine.Adopter].
func (e *Engine) Adopt(jobs []engine.Job, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.jobs.Adopt(jobs, ids, func(id engine.ID) error {
		if !isID(id) {
			return fmt.Errorf("%q is no job of Slurm's", id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("slurm: %w", err)
	}
	for _, id := range ids {
		if isSkipped(id) {
			e.jobs.Get(id).State = engine.State{Phase: engine.Skipped, Reason: neverSatisfied}
		}
	}
	return nil
}

// State implements [engine.Engine].
func (e *Engine) State(ctx context.Context, ids []engine.ID) ([]engine.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refresh(ctx); err != nil {
		return nil, err
	}
	return e.jobs.States(ids), nil
}

// Cancel implements [engine.Engine].
func (e *Engine) Cancel(ctx context.Context, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var running []*job
	for _, id := range ids {
		if j := e.jobs.Get(id); j != nil && mayRun(j) {
			j.Cancelled = true
			running = append(running, j)
		}
	}
	return scancel(ctx, numbers(running))
}

// Fetch implements [engine.Engine]: nodes share the folder.
func (e *Engine) Fetch(context.Context, engine.ID) error { return nil }

// Close implements [engine.Engine]. Jobs go on.
func (e *Engine) Close() error { return nil }

// release lets jobs that are held start.
func release(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(ids, atOnce) {
		if _, err := output(exec.CommandContext(ctx, "scontrol", "release", strings.Join(some, ","))); err != nil {
			return err
		}
	}
	return nil
}

// scancel cancels jobs. That one has ended meanwhile is no error.
func scancel(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(ids, atOnce) {
		if _, err := output(exec.CommandContext(ctx, "scancel", append([]string{"--quiet"}, some...)...)); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many jobs are named in one command line.
const atOnce = 500

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

// output runs one of Slurm's programs. Its messages become the error.
func output(cmd *exec.Cmd) (string, error) {
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SLURM_TIME_FORMAT=standard")
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if err != nil {
		text := strings.TrimSpace(controls.ReplaceAllString(messages.String(), " "))
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[:min(len(text), 1000)])
	}
	if out.Len() > maxOutput {
		return "", fmt.Errorf("%s: printed more than %d bytes", filepath.Base(cmd.Path), maxOutput)
	}
	return out.String(), nil
}
