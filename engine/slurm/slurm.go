// Package slurm runs jobs on a Slurm cluster, through its own programs: sbatch,
// squeue, scancel and scontrol (slurm.schedmd.com, releases 22.05 and later).
//
// Each job is one batch job that executes its command line and nothing else.
// Dependencies are Slurm's: a job starts after those that it needs have ended
// with status 0 (afterok), and Slurm cancels it if they did not. Nodes must share
// the folder of the run. Accounting (sacct) is not needed; Slurm forgets jobs some
// minutes after their end, so that states which were seen are remembered here.
package slurm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	submitted int // calls of Submit
}

// job is one that this engine submitted.
type job struct {
	needs     []engine.ID
	state     engine.State
	cancelled bool // by Cancel
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

// Submit implements [engine.Engine]. Jobs are held until all are there.
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	order, err := engine.Order(jobs, func(name string) bool { _, ok := e.byName[name]; return ok })
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	for _, j := range jobs {
		if len(j.Args) == 0 {
			return nil, fmt.Errorf("slurm: job %q: has no command line", j.Name)
		}
	}
	if err := e.refresh(ctx); err != nil { // of those that these may need
		return nil, err
	}
	names := map[string]engine.ID{}
	ids := make([]engine.ID, len(jobs))
	made := map[engine.ID]*job{}
	for _, i := range order {
		id, j, err := e.submit(ctx, jobs[i], func(name string) engine.ID {
			if id, ok := names[name]; ok {
				return id
			}
			return e.byName[name]
		})
		if err != nil {
			cancelErr := scancel(context.WithoutCancel(ctx), made)
			return nil, errors.Join(fmt.Errorf("slurm: job %q: %w", jobs[i].Name, err), cancelErr)
		}
		ids[i], names[jobs[i].Name], made[id] = id, id, j
	}
	if err := release(ctx, made); err != nil {
		return nil, errors.Join(fmt.Errorf("slurm: %w", err), scancel(context.WithoutCancel(ctx), made))
	}
	for name, id := range names {
		e.byName[name], e.jobs[id] = id, made[id]
	}
	return ids, nil
}

// submit submits one job, held. One whose needs have failed already is not
// submitted: it is skipped.
func (e *Engine) submit(ctx context.Context, j engine.Job, idOf func(name string) engine.ID) (engine.ID, *job, error) {
	made := &job{state: engine.State{Phase: engine.Waiting}}
	var after []string
	for _, name := range j.Needs {
		id := idOf(name)
		made.needs = append(made.needs, id)
		switch need := e.jobs[id]; {
		case need == nil || !need.state.Phase.Ended():
			after = append(after, string(id))
		case need.state.Phase != engine.Done:
			e.submitted++
			made.state = engine.State{Phase: engine.Skipped, Reason: fmt.Sprintf("needs %q, which did not get done", name)}
			return engine.ID(fmt.Sprintf("skipped-%d", e.submitted)), made, nil
		}
	}
	cmd := exec.CommandContext(ctx, "sbatch", append(e.arguments(j, after), e.options.Extra...)...)
	cmd.Stdin = strings.NewReader(script(j.Args))
	out, err := output(cmd)
	if err != nil {
		return "", nil, err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // ID;cluster
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "", nil, fmt.Errorf("sbatch answers %q, which is no job", out)
	}
	return engine.ID(id), made, nil
}

// arguments are those of sbatch for j, which starts after the jobs in after.
func (e *Engine) arguments(j engine.Job, after []string) []string {
	r := j.Resources
	args := []string{"--parsable", "--hold", "--job-name=" + j.Name, "--ntasks=1", fmt.Sprintf("--cpus-per-task=%d", max(1, r.CPUs)), "--input=/dev/null"}
	if e.options.Logs != "" {
		args = append(args, "--output="+filepath.Join(strings.ReplaceAll(e.options.Logs, "%", "%%"), "slurm-%j.log"))
	} else {
		args = append(args, "--output=/dev/null")
	}
	if e.options.Partition != "" {
		args = append(args, "--partition="+e.options.Partition)
	}
	if r.Memory > 0 {
		args = append(args, fmt.Sprintf("--mem=%dM", (r.Memory+1<<20-1)>>20))
	}
	if r.Time > 0 { // Slurm counts minutes; the step's own limit is stricter
		args = append(args, fmt.Sprintf("--time=%d", int64((r.Time+time.Minute-1)/time.Minute)+5))
	}
	if r.GPU {
		args = append(args, "--gres=gpu:1")
	}
	if len(after) > 0 {
		args = append(args, "--dependency=afterok:"+strings.Join(after, ":"), "--kill-on-invalid-dep=yes")
	}
	return args
}

// script is a batch script that executes args.
func script(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return "#!/bin/sh\nexec " + strings.Join(quoted, " ") + "\n"
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
		if j := e.jobs[id]; j != nil && !j.state.Phase.Ended() {
			running[id], j.cancelled = j, true
		}
	}
	return scancel(ctx, running)
}

// Fetch implements [engine.Engine]: nodes share the folder.
func (e *Engine) Fetch(context.Context, engine.ID) error { return nil }

// Close implements [engine.Engine]. Jobs go on.
func (e *Engine) Close() error { return nil }

// refresh asks squeue about all jobs that have not ended. The caller holds e.mu.
func (e *Engine) refresh(ctx context.Context) error {
	if len(e.open()) == 0 {
		return nil
	}
	// Not by --jobs: squeue refuses a list with a job that it has forgotten.
	out, err := output(exec.CommandContext(ctx, "squeue", "--noheader", "--states=all", "--me", "--format=%i|%T|%r|%N"))
	if err != nil {
		return fmt.Errorf("slurm: %w", err)
	}
	listed := parseQueue(out)
	for _, id := range e.open() {
		l, ok := listed[id]
		if !ok {
			e.jobs[id].state = engine.State{Phase: engine.Unknown, Reason: "Slurm does not know it any more"}
			continue
		}
		e.jobs[id].state = e.stateOf(e.jobs[id], l)
	}
	return nil
}

// open are the jobs that have not ended, as far as is known, those that others
// need first.
func (e *Engine) open() (ids []engine.ID) {
	for id, j := range e.jobs {
		if !j.state.Phase.Ended() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b engine.ID) int { // numbers ascend as jobs are submitted
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return ids
}

// line is what squeue says of a job.
type line struct{ state, reason, node string }

// maxQueue bounds what squeue may print of this user's jobs, in bytes.
const maxQueue = 64 << 20

// parseQueue reads the lines ID|STATE|REASON|NODES of squeue. It ignores what has
// another form.
func parseQueue(out string) map[engine.ID]line {
	listed := map[engine.ID]line{}
	for l := range strings.Lines(out) {
		if f := strings.SplitN(strings.TrimRight(l, "\n"), "|", 4); len(f) == 4 {
			listed[engine.ID(f[0])] = line{strings.ToUpper(strings.TrimSpace(f[1])), f[2], f[3]}
		}
	}
	return listed
}

// stateOf turns Slurm's words (squeue(1), JOB STATE CODES) into a state.
func (e *Engine) stateOf(j *job, l line) engine.State {
	s := engine.State{Phase: engine.Failed, Reason: strings.ToLower(l.state), Node: l.node}
	neverStarts := strings.HasPrefix(l.reason, "DependencyNeverSatisfied")
	switch l.state {
	case "PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT":
		s.Phase, s.Reason = engine.Waiting, l.reason
		if neverStarts { // it is about to be cancelled
			s.Phase, s.Reason = engine.Skipped, "a job that it needs did not get done"
		}
	case "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING":
		s.Phase, s.Reason = engine.Running, ""
	case "COMPLETED":
		s.Phase, s.Reason = engine.Done, ""
	case "CANCELLED":
		s.Phase, s.Reason = engine.Cancelled, "cancelled"
		if !j.cancelled && (neverStarts || slices.ContainsFunc(j.needs, e.notDone)) {
			s.Phase, s.Reason = engine.Skipped, "a job that it needs did not get done"
		}
	}
	if j.cancelled && s.Phase == engine.Failed {
		s.Phase = engine.Cancelled
	}
	return s
}

// notDone reports whether a job has ended otherwise than well.
func (e *Engine) notDone(id engine.ID) bool {
	j := e.jobs[id]
	return j != nil && j.state.Phase.Ended() && j.state.Phase != engine.Done
}

// release lets jobs that are held start.
func release(ctx context.Context, jobs map[engine.ID]*job) error {
	for _, id := range numbers(jobs) {
		if _, err := output(exec.CommandContext(ctx, "scontrol", "release", id)); err != nil {
			return err
		}
	}
	return nil
}

// scancel cancels jobs. That one has ended meanwhile is no error.
func scancel(ctx context.Context, jobs map[engine.ID]*job) error {
	all := numbers(jobs)
	if len(all) == 0 {
		return nil
	}
	_, err := output(exec.CommandContext(ctx, "scancel", append([]string{"--quiet"}, all...)...))
	return err
}

// numbers are the jobs that Slurm has a number for, ascending.
func numbers(jobs map[engine.ID]*job) (ids []string) {
	for id, j := range jobs {
		if j.state.Phase != engine.Skipped {
			ids = append(ids, string(id))
		}
	}
	slices.Sort(ids)
	return ids
}

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
	if out.Len() > maxQueue {
		return "", fmt.Errorf("%s: printed more than %d bytes", filepath.Base(cmd.Path), maxQueue)
	}
	return out.String(), nil
}
