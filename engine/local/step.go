package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/engine"
	"repro/format/manifest"
	"repro/internal/rmtree"
	"repro/internal/sandbox"
	"repro/recipe"
	"repro/report"
	"repro/run/plan"
	"repro/run/processor"
)

// Task is one step to run, and what it runs with.
type Task struct {
	Step      manifest.Step
	Lower     []string // directories with what the steps that it needs wrote, the topmost first
	Scratch   string   // a directory to be made for what it writes; not used if steps share one root
	Allotment engine.Allotment
	Output    io.Writer // gets what it prints
}

// Outcome is what became of a step.
type Outcome struct {
	Status  report.StepStatus
	Upper   string // directory with what it wrote
	Scratch string // directory that can be removed with it; empty if steps share one root
}

// Run runs one step. That the step fails is in the outcome; an error says that
// something else failed: this machine, or the image.
func (h *Host) Run(ctx context.Context, t Task) (Outcome, error) {
	if h.layers.container != nil {
		return h.runContained(ctx, t)
	}
	out := Outcome{Status: report.StepStatus{Name: t.Step.Name, Status: report.StepFailed}}
	c, upper, err := h.command(t)
	if err != nil {
		return out, err
	}
	out.Status.Started = time.Now().UTC().Format(time.RFC3339)
	stop := h.readAhead(ctx, &c)
	result, err := sandbox.Run(ctx, c)
	stop()
	h.isolated.add(result.Isolation)
	out.Upper, out.Scratch = upper, c.Scratch
	st := &out.Status
	st.WallMS, st.CPUMS = result.Wall.Milliseconds(), result.CPU.Milliseconds()
	st.MaxRSS, st.Exit, st.Signal = result.MaxRSS, result.Exit, result.Signal
	st.Written = result.Written
	if cleaned := clearTemporary(upper); cleaned != nil && err == nil {
		err = cleaned
	}
	return out, diskError(h.scratch, describe(ctx, st, &c, result, err))
}

// askTime is how long a program may take to answer.
const askTime = 20 * time.Second

// Ask runs a program of the image under the variables of step s and some more,
// in the root that steps see, and returns the first [processor.MaxAnswer] bytes
// of what it printed; nothing if it could not be run.
func (h *Host) Ask(ctx context.Context, s manifest.Step, more []string, args ...string) []byte {
	if h.layers.shared {
		return nil // there is one root, and it belongs to the steps
	}
	if h.layers.container != nil {
		return h.askContained(ctx, append(environ(s, h.manifest.Paper.Date, ""), more...), args)
	}
	c := sandbox.Command{Args: args, Dir: "/", Env: append(environ(s, h.manifest.Paper.Date, ""), more...),
		Serve: h.layers.serve, Mounts: h.layers.mounts, WithoutProc: h.options.Isolation == IsolationNoProc,
		Scratch: filepath.Join(h.scratch, "ask"), Limits: sandbox.Limits{Time: askTime}}
	if h.layers.dir != "" {
		c.Lower = []string{h.layers.dir}
	}
	var out bounded
	c.Stdout, c.Stderr = &out, &out
	if sandbox.Prepare(c.Scratch) != nil {
		return nil
	}
	_, err := sandbox.Run(ctx, c)
	if removed := rmtree.Remove(c.Scratch); err != nil || removed != nil {
		return nil
	}
	return out.Bytes()
}

// bounded keeps the start of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, processor.MaxAnswer-b.Len()))])
	return len(p), nil
}

// withoutPatterns leaves out the inputs that are patterns: that they match
// something was checked when the image was built.
func withoutPatterns(inputs []string) []string {
	return slices.DeleteFunc(slices.Clone(inputs), recipe.IsGlob)
}

// command is what the sandbox runs for t, and the directory that will hold what
// it writes.
func (h *Host) command(t Task) (c sandbox.Command, upper string, err error) {
	step := t.Step
	c = sandbox.Command{
		Args: step.Arguments(), Dir: step.Dir, Env: environ(step, h.manifest.Paper.Date, h.root.ClockLibrary()),
		Inputs: withoutPatterns(step.Inputs), Outputs: step.Outputs, Net: h.options.Net, Binds: sandboxBinds(h.options.Binds),
		Processors: plan.CPUs(step), FixedAddresses: slices.Contains(step.Fixed, manifest.FixedAddresses),
		CPUs: t.Allotment.CPUs, Stdout: t.Output, Stderr: t.Output, WithoutProc: h.options.Isolation == IsolationNoProc,
		Limits: sandbox.Limits{Memory: t.Allotment.Memory, Disk: h.options.Disk, Time: time.Duration(step.Time) * time.Second},
	}
	h.options.GPU.addTo(&c)
	if h.layers.shared {
		c.Lower = []string{h.layers.dir}
		return c, h.layers.dir, nil
	}
	c.Lower = slices.Clone(t.Lower)
	if h.layers.dir != "" {
		c.Lower = append(c.Lower, h.layers.dir)
	}
	c.Serve, c.Mounts = h.layers.serve, h.layers.mounts
	c.Scratch = t.Scratch
	if err := sandbox.Prepare(c.Scratch); err != nil {
		return c, "", fmt.Errorf("scratch directory: %w", err)
	}
	upper = sandbox.Upper(c.Scratch)
	if h.options.Net {
		err = addResolver(upper)
	}
	return c, upper, err
}

// Upper is the directory below a task's Scratch that holds what it wrote.
func Upper(scratch string) string { return sandbox.Upper(scratch) }

// describe turns how the program ended into the step's status. It returns the
// error if it is not the step's.
func describe(ctx context.Context, st *report.StepStatus, c *sandbox.Command, result sandbox.Result, err error) error {
	missing, isMissing := errors.AsType[*sandbox.MissingError](err)
	start, isStart := errors.AsType[*sandbox.StartError](err)
	switch {
	case isMissing:
		st.Exit = -1
		Fail(st, fmt.Sprintf("its input %s does not exist", Quoted(missing.Paths)))
	case isStart:
		st.Exit = -1
		Fail(st, start.Error())
	case err != nil && ctx.Err() != nil:
		st.Status, st.Problem, st.Exit = report.StepKilled, "the run was stopped", -1
	case err != nil:
		st.Exit = -1
		Fail(st, err.Error())
		return machineError(err)
	case result.TimedOut:
		st.Status, st.Problem = report.StepTimedOut, fmt.Sprintf("still ran after %s, its time limit", c.Limits.Time)
	case result.OutOfMemory:
		memory := c.Limits.Memory
		if memory == 0 {
			memory = sandbox.MachineMemory()
		}
		st.Status, st.Problem = report.StepKilled, fmt.Sprintf("its processes took more memory than the %d MiB it may have", memory>>20)
	case result.MachineOutOfMemory:
		st.Status = report.StepKilled
		st.Problem = "the kernel killed a process for want of memory: the control group that the run was started in, such as a batch system's job, has too little"
	case result.OverDisk:
		st.Status, st.Problem = report.StepKilled, "it wrote more than it may: "+writeLimit(c.Limits)
	case result.Signal != "":
		st.Status, st.Problem = report.StepKilled, "killed by "+result.Signal
	case result.Exit != 0:
		Fail(st, fmt.Sprintf("exit status %d", result.Exit))
	default:
		st.Status = report.StepDone
	}
	return nil
}

// Fail marks a step as failed, unless it has a problem already.
func Fail(st *report.StepStatus, problem string) {
	if st.Problem == "" {
		st.Status, st.Problem = report.StepFailed, problem
	}
}

// temporary are the directories whose files no step gets from another.
var temporary = []string{"tmp", "var/tmp"}

// clearTemporary removes what a step left in temporary directories, so that the
// steps which need it start like the first one.
func clearTemporary(upper string) error {
	for _, name := range temporary {
		if !realDir(upper, path.Dir(name)) {
			continue // not there, or a link that may lead anywhere on the machine
		}
		if err := rmtree.Remove(filepath.Join(upper, name)); err != nil {
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

// Quoted lists names in quotes.
func Quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ")
}
