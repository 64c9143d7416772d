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

	mu        sync.Mutex
	jobs      map[engine.ID]*job
	byName    map[string]engine.ID
	submitted int // jobs that were skipped before they were submitted
}

// job is one that an engine submitted.
type job struct {
	needs     []engine.ID
	state     engine.State
	cancelled bool // by Cancel
	back      bool // it has ended, but Slurm may put it back into its queue
}

// New returns an engine, or an [*engine.MachineError] if there is no Slurm here.
func New(o Options) (*Engine, error) {
	for _, program := range []string{"sbatch", "squeue", "scancel", "scontrol"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &engine.MachineError{Err: fmt.Errorf("slurm: %w", err), Hint: "run where Slurm's programs are, such as a login node of the cluster"}
		}
	}
	return &Engine{options: o, jobs: map[engine.ID]*job{}, byName: map[string]engine.ID{}}, nil
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
	order, err := e.check(jobs)
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	if err := e.refresh(ctx); err != nil { // of those that these may need
		return nil, err
	}
	b := batch{Engine: e, ids: map[string]engine.ID{}, made: map[engine.ID]*job{}, whole: map[string]int{}}
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
	if err := release(calm, arrays(numbers(b.made))); err != nil {
		return nil, errors.Join(fmt.Errorf("slurm: %w", err), b.undo(ctx))
	}
	ids := make([]engine.ID, len(jobs))
	for i, j := range jobs {
		id := b.ids[j.Name]
		ids[i], e.byName[j.Name], e.jobs[id] = id, id, b.made[id]
	}
	return ids, nil
}

// patience is how long Slurm may take to accept what is submitted.
const patience = 10 * time.Minute

// check refuses jobs that cannot be, and returns their order.
func (e *Engine) check(jobs []engine.Job) ([]int, error) {
	for _, j := range jobs {
		if len(j.Args) == 0 {
			return nil, fmt.Errorf("job %q: has no command line", j.Name)
		}
	}
	return engine.Order(jobs, func(name string) bool { _, ok := e.byName[name]; return ok })
}

// Adopt implements [engine.Adopter].
func (e *Engine) Adopt(jobs []engine.Job, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(jobs) != len(ids) {
		return fmt.Errorf("slurm: %d jobs have %d names", len(jobs), len(ids))
	}
	if _, err := engine.Order(jobs, func(name string) bool { _, ok := e.byName[name]; return ok }); err != nil {
		return fmt.Errorf("slurm: %w", err)
	}
	for i, id := range ids {
		if !isID(id) {
			return fmt.Errorf("slurm: job %q: %q is no job of Slurm's", jobs[i].Name, id)
		}
		e.byName[jobs[i].Name] = id
	}
	for i, id := range ids {
		j := &job{state: engine.State{Phase: engine.Waiting}}
		if strings.HasPrefix(string(id), skippedPrefix) {
			j.state = engine.State{Phase: engine.Skipped, Reason: "a job that it needs did not get done"}
		}
		for _, name := range jobs[i].Needs {
			j.needs = append(j.needs, e.byName[name])
		}
		e.jobs[id] = j
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
	states := make([]engine.State, len(ids))
	for i, id := range ids {
		states[i] = engine.State{Phase: engine.Unknown}
		if j := e.jobs[id]; j != nil {
			states[i] = j.state
		}
	}
	return states, nil
}

// Cancel implements [engine.Engine].
func (e *Engine) Cancel(ctx context.Context, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	running := map[engine.ID]*job{}
	for _, id := range ids {
		if j := e.jobs[id]; j != nil && (j.back || !j.state.Phase.Ended()) {
			running[id], j.cancelled = j, true
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
