package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/sandbox"
	"repro/recipe"
	"repro/report"
)

// runStep runs step i on the given processors and collects what it declared.
// The error is not nil only if something else than the step failed.
func (r *runner) runStep(ctx context.Context, i int, cpus []int, memory int64) (state, error) {
	step := r.plan.steps[i]
	st := state{ended: true, status: report.StepStatus{
		Name: step.Name, Status: statusFailed, Log: path.Join(logsDir, logName(step.Name)),
	}}
	log, err := newStepLog(filepath.Join(r.options.Dir, logsDir, logName(step.Name)), step.Name, r.options.LogSize, r.live)
	if err != nil {
		return st, err
	}
	damage := r.execute(ctx, i, cpus, memory, &st, log)
	if err := log.close(); err != nil && damage == nil {
		damage = fmt.Errorf("log of step %q: %w", step.Name, err)
	}
	if st.status.Status == statusDone && damage == nil {
		damage = r.remember(i, st)
	}
	return st, damage
}

func (r *runner) execute(ctx context.Context, i int, cpus []int, memory int64, st *state, log *stepLog) error {
	step := r.plan.steps[i]
	c, upper, err := r.command(i)
	if err != nil {
		return err
	}
	c.CPUs, c.Stdout, c.Stderr = cpus, log, log
	c.Limits.Memory, c.Limits.Disk = memory, r.options.Disk
	c.WithoutProc = r.options.Isolation == IsolationNoProc
	c.Limits.Time = time.Duration(step.Time) * time.Second

	st.status.Started = time.Now().UTC().Format(time.RFC3339)
	stop := r.warm(ctx, &c)
	result, err := sandbox.Run(ctx, c)
	stop()
	r.walls.add(result.Walls)
	st.upper, st.scratch = upper, c.Scratch
	st.status.WallMS, st.status.CPUMS = result.Wall.Milliseconds(), result.CPU.Milliseconds()
	st.status.MaxRSS, st.status.Exit, st.status.Signal = result.MaxRSS, result.Exit, result.Signal
	st.status.Written = result.Written
	if cleaned := clearTemporary(upper); cleaned != nil && err == nil {
		err = cleaned
	}
	if err := describe(ctx, &st.status, &c, result, err); err != nil {
		return r.diskError(err)
	}
	if ctx.Err() != nil {
		return r.salvage(ctx, upper, step.Outputs)
	}
	missing, err := r.outputs.collect(ctx, upper, step.Outputs)
	switch refused := (*outputError)(nil); {
	case errors.As(err, &refused):
		fail(&st.status, refused.Error())
	case err != nil:
		return err
	case len(missing) > 0:
		fail(&st.status, fmt.Sprintf("did not leave its output %s%s", quoteList(missing), linkHint(r.root, missing)))
	}
	return nil
}

// salvage keeps what a step that was stopped has left of its outputs so far:
// perhaps the work of days. Nothing is kept that was made of damaged layers.
func (r *runner) salvage(ctx context.Context, upper string, outputs []string) error {
	if why := context.Cause(ctx); !errors.Is(why, context.Canceled) && !errors.Is(why, ErrMachine) {
		return nil
	}
	_, err := r.outputs.collect(context.WithoutCancel(ctx), upper, outputs)
	if refused := (*outputError)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}

// linkHint explains outputs that are missing because a layer has a symbolic
// link on the way to them: what was written through it lies elsewhere.
func linkHint(root *tree.View, missing []string) string {
	for _, name := range missing {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if seen, err := root.Find(dir); err == nil && seen.Node.Mode&fs.ModeSymlink != 0 {
				return fmt.Sprintf(" (%q is a symbolic link; declare the place that it points to)", dir)
			}
		}
	}
	return ""
}

// exact leaves out patterns: that they match something was checked when the
// image was built, and what they match is the program's business.
func exact(inputs []string) []string {
	return slices.DeleteFunc(slices.Clone(inputs), recipe.IsGlob)
}

// command is what the sandbox runs for step i, and the directory that will
// hold what it writes.
func (r *runner) command(i int) (c sandbox.Command, upper string, err error) {
	step := r.plan.steps[i]
	c = sandbox.Command{
		Args: step.Arguments(), Dir: step.Dir, Env: environ(step, r.manifest.Paper.Date, r.clockLibrary()),
		Inputs: exact(step.Inputs), Outputs: step.Outputs, Net: r.options.Net, Binds: sandboxBinds(r.options.Binds),
		Processors: cpusOf(step), FixedAddresses: slices.Contains(step.Fixed, manifest.FixedAddresses),
	}
	r.gpu.give(&c)
	if r.layers.shared {
		c.Lower = []string{r.layers.root}
		return c, r.layers.root, nil
	}
	for _, n := range slices.Backward(r.plan.needs[i]) {
		c.Lower = append(c.Lower, r.states[n].upper)
	}
	if r.layers.root != "" {
		c.Lower = append(c.Lower, r.layers.root)
	}
	c.Serve, c.Mounts = r.layers.serve, r.layers.mounts
	c.Scratch = filepath.Join(r.scratch, r.scratchName(i))
	if err := sandbox.Prepare(c.Scratch); err != nil {
		return c, "", fmt.Errorf("scratch directory: %w", err)
	}
	upper = sandbox.Upper(c.Scratch)
	if r.options.Net {
		if err := addResolver(upper); err != nil {
			return c, "", err
		}
	}
	return c, upper, nil
}

// addResolver lets a step that may use the machine's network find names as the
// machine does.
func addResolver(upper string) error {
	b, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil // names cannot be found here either
	}
	etc := filepath.Join(upper, "etc")
	if err := os.Mkdir(etc, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(etc, "resolv.conf"), b, 0o644); err != nil {
		return err
	}
	return sandbox.GiveAway(etc)
}

// describe turns how the program ended into the step's status. It returns the
// error if it is not the step's.
func describe(ctx context.Context, st *report.StepStatus, c *sandbox.Command, result sandbox.Result, err error) error {
	missing, isMissing := errors.AsType[*sandbox.MissingError](err)
	start, isStart := errors.AsType[*sandbox.StartError](err)
	switch {
	case isMissing:
		st.Exit = -1
		fail(st, fmt.Sprintf("its input %s does not exist", quoteList(missing.Paths)))
	case isStart:
		st.Exit = -1
		fail(st, start.Error())
	case err != nil && ctx.Err() != nil:
		st.Status, st.Problem, st.Exit = statusKilled, "the run was stopped", -1
	case err != nil:
		st.Exit = -1
		fail(st, err.Error())
		return machineError(err)
	case result.TimedOut:
		st.Status, st.Problem = statusTimedOut, fmt.Sprintf("still ran after %s, its time limit", c.Limits.Time)
	case result.TooBig:
		memory := c.Limits.Memory
		if memory == 0 {
			memory = sandbox.MachineMemory()
		}
		st.Status, st.Problem = statusKilled, fmt.Sprintf("its processes took more memory than the %d MiB it may have", memory>>20)
	case result.TooMuch:
		st.Status, st.Problem = statusKilled, "it wrote more than it may: "+writeLimit(c.Limits)
	case result.Signal != "":
		st.Status, st.Problem = statusKilled, "killed by "+result.Signal
	case result.Exit != 0:
		fail(st, fmt.Sprintf("exit status %d", result.Exit))
	default:
		st.Status = statusDone
	}
	return nil
}

// fail marks a step as failed, unless something graver was said of it.
func fail(st *report.StepStatus, problem string) {
	if st.Problem == "" {
		st.Status, st.Problem = statusFailed, problem
	}
}

// temporary are the directories whose files no step inherits from another.
var temporary = []string{"tmp", "var/tmp"}

// clearTemporary removes what a step left there, so that the steps which stand
// on it start like the first one.
func clearTemporary(upper string) error {
	for _, name := range temporary {
		if !realDir(upper, path.Dir(name)) {
			continue // not there, or a link that may lead anywhere on the machine
		}
		if err := sandbox.Remove(filepath.Join(upper, name)); err != nil {
			return fmt.Errorf("clean up after a step: %w", err)
		}
	}
	return nil
}

// realDir reports whether name is a directory below dir and can be reached
// without following a link. Nothing else may be at work below dir.
func realDir(dir, name string) bool {
	for elem := range strings.SplitSeq(name, "/") {
		dir = filepath.Join(dir, elem)
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// logName is a file name for a step's log. Names of steps are words by the
// rules of recipes; a hostile manifest may hold any.
func logName(step string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c) {
			return c
		}
		return '_'
	}, step)
	if safe == "" || safe != step || strings.HasPrefix(safe, ".") || len(safe) > 100 {
		safe = safe[:min(len(safe), 60)] + "-" + manifest.DigestOf([]byte(step)).Short()
	}
	return strings.TrimLeft(safe, ".-") + ".log"
}

func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ")
}
