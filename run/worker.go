package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"repro/engine"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/rmtree"
	"repro/report"
	"repro/run/folder"
	"repro/run/lease"
	"repro/run/outputs"
	"repro/run/plan"
	"repro/run/processor"
	"repro/run/rootfs"
	"repro/run/shared"
)

// Worker is a process that runs one step of a shared run.
type Worker struct {
	Step     string
	Engine   string        // that started it, for the record; empty: none
	Job      string        // what the engine calls it
	Patience time.Duration // as in shared.Open
	Stage    string        // folder on this machine's disk from which the image is read, as shared.Stage puts it there; empty: it is read where it lies
}

// Step runs one step of im in the shared run in o.Dir, which it makes if it is
// not there, and leaves its state, outputs and log there. It waits for the steps
// that this one needs, and for another worker that runs the same step. Ran is
// false if that one did it.
//
// Of o, Steps, Twice, Resume and KeepSize do not count: all workers of a run,
// and [Collect], must have the same Quick, Change, Host.Net, Host.Binds and GPU.
// Errors are those of [Image].
func Step(ctx context.Context, im *format.Image, o Options, w Worker) (status report.StepStatus, ran bool, err error) {
	if w.Stage != "" {
		// The copy is out of the steps' reach; so must be what it is a copy of.
		if err := local.CheckBinds(o.Host.Binds, map[string]string{im.Name(): "the image, with its published results"}); err != nil {
			return status, false, err
		}
		if im, err = shared.Stage(ctx, im, w.Stage, o.Progress); err != nil {
			return status, false, err
		}
		defer im.Close()
	}
	if err := checkContained(im.Name(), &o); err != nil {
		return status, false, err
	}
	x, r, err := openShared(ctx, im, &o, w.Patience)
	if err != nil {
		return status, false, err
	}
	if _, err := plan.New(x.plan.Steps, []string{w.Step}); err != nil {
		return status, false, err
	}
	i := x.plan.Step(w.Step)
	needs, err := waitForNeeds(ctx, x.plan, r, i)
	if err != nil {
		return status, false, err
	}
	place := placeOf(o, w)
	claim, err := r.Claim(ctx, i, lease.Holder{Node: place.Node, PID: os.Getpid(), Engine: w.Engine, Job: w.Job})
	if err != nil {
		return status, false, err
	}
	if claim == nil {
		s, err := r.Done(i)
		if err != nil {
			return status, false, err
		}
		return s.Status, false, nil
	}
	held, stop := claim.Hold(ctx)
	state, err := x.tryStep(held, r, i, claim.Number(), needs, o)
	state.Status.Place = place
	committed := false
	if err == nil {
		committed, err = r.Commit(i, state)
	}
	if cause := context.Cause(held); errors.Is(cause, lease.ErrLost) || err == nil && !committed {
		err = fmt.Errorf("step %q: %w", w.Step, lease.ErrLost)
	}
	stop()
	err = errors.Join(err, claim.Release())
	if err == nil && state.Status.Status != report.StepDone {
		err = &StepError{Step: w.Step, Problem: state.Status.Problem, Log: r.LogOf(i, &state)}
	}
	return state.Status, committed, err
}

// checkContained holds, of a worker in a container, what its step must not see in
// the folder that is hidden from it.
func checkContained(image string, o *Options) error {
	if o.Host.Isolation != local.IsolationContainer {
		return nil
	}
	if o.Scratch == "" {
		o.Scratch = o.Dir
	}
	for what, name := range map[string]string{"the image": image, "the folder of the run": o.Dir, "scratch": o.Scratch} {
		if !strings.HasPrefix(filepath.Clean(name), local.ContainerDir+"/") {
			return &MachineError{Err: fmt.Errorf("container: %s: %s does not lie in %s, where steps cannot look", name, what, local.ContainerDir)}
		}
	}
	if len(o.Host.Binds) > 0 || o.Host.Net || o.GPU {
		return &MachineError{Err: errors.New("container: folders, the network and a GPU are given by its engine")}
	}
	return nil
}

// openShared opens the shared run that o and im belong to, and finds this
// machine's GPU if o asks for it.
func openShared(ctx context.Context, im *format.Image, o *Options, patience time.Duration) (x *experiment, r *shared.Run, err error) {
	if o.Host.Layers == local.LayersKernel || o.Host.Layers == local.LayersCopy {
		return nil, nil, fmt.Errorf("run: layers: %s: cannot be shared by workers: they are served or extracted", o.Host.Layers)
	}
	if o.GPU {
		if o.Host.GPU, err = findGPU(ctx, *o); err != nil {
			return nil, nil, err
		}
	}
	return openSharedFor(im, o, o.GPU, patience)
}

// openSharedFor opens the shared run that o and im belong to, whose steps use a
// GPU where they run if gpu says so.
func openSharedFor(im *format.Image, o *Options, gpu bool, patience time.Duration) (*experiment, *shared.Run, error) {
	o.Steps, o.Host.NoCache = nil, true // the cache knows images, not what steps wrote
	x, err := decide(im, *o)
	if err != nil {
		return nil, nil, err
	}
	if o.Dir == "" {
		return nil, nil, errors.New("run: no directory that workers share")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, nil, err
	}
	if err := folder.Mark(o.Dir, o.Replace); err != nil {
		return nil, nil, err
	}
	keys, err := x.sharedKeys(*o, gpu)
	if err != nil {
		return nil, nil, err
	}
	r, err := shared.Open(o.Dir, x.id, x.plan, keys, patience)
	return x, r, err
}

// sharedKeys returns the keys of the plan's steps on whatever machine.
func (x *experiment) sharedKeys(o Options, gpu bool) ([]manifest.Digest, error) {
	s := plan.Settings{
		Image: x.id, Program: o.Version, Root: rootfs.Version, Net: o.Host.Net, Binds: local.BindTexts(o.Host.Binds),
		Date: x.manifest.Paper.Date, Changed: o.Change.Lines(),
	}
	if gpu {
		s.GPU.Driver = "any"
	}
	return x.plan.Keys(s)
}

func placeOf(o Options, w Worker) *report.Place {
	node, err := os.Hostname()
	if err != nil {
		node = "unknown"
	}
	p := &report.Place{Node: node, Machine: local.Machine(), Engine: w.Engine, Job: w.Job}
	p.Machine.Repro = o.Version
	return p
}

// waitForNeeds waits until the steps that step i needs are done, and returns
// their states. It fails if one of them has failed, or nobody works on it for as
// long as patience lasts.
func waitForNeeds(ctx context.Context, p *plan.Plan, r *shared.Run, i int) ([]*shared.State, error) {
	needs := p.Needs[i]
	states := make([]*shared.State, len(needs))
	watches := make([]lease.Watch, len(needs))
	idle := time.Now()
	for poll := (lease.Poll{Max: r.Timing.Beat}); ; {
		all, idleNeed := true, -1
		for k, n := range needs {
			if states[k] != nil {
				continue
			}
			s, err := r.Done(n)
			if err != nil {
				return nil, err
			}
			if states[k] = s; s != nil {
				idle = time.Now()
				continue
			}
			all = false
			if r.IsWorkedOn(n, &watches[k]) {
				idle = time.Now()
				continue
			}
			if idleNeed < 0 {
				idleNeed = n
			}
			if failed, err := r.Failed(n); err != nil {
				return nil, err
			} else if failed != nil {
				return nil, &StepError{Step: p.Steps[i].Name, Problem: fmt.Sprintf("needs step %q, which failed", p.Steps[n].Name), Log: r.LogOf(n, failed)}
			}
		}
		if all {
			return states, nil
		}
		if idleNeed >= 0 && time.Since(idle) >= r.Timing.Patience {
			return nil, fmt.Errorf("step %q: needs step %q, which nobody runs in %s", p.Steps[i].Name, p.Steps[idleNeed].Name, r.Dir())
		}
		if err := poll.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// tryStep runs step i and leaves what it made in the folder of its try.
func (x *experiment) tryStep(ctx context.Context, r *shared.Run, i, number int, needs []*shared.State, o Options) (state shared.State, err error) {
	step := x.plan.Steps[i]
	state = shared.State{Lease: number, Status: report.StepStatus{Name: step.Name}}
	scratch, err := os.MkdirTemp(o.Scratch, "repro-step-")
	if err != nil {
		return state, engine.NoScratch(o.Scratch, err)
	}
	defer rmtree.Remove(scratch)
	var below []tree.Layer
	for k, n := range x.plan.Needs[i] {
		layer, file, err := r.OpenLayer(n, needs[k])
		if err != nil {
			return state, err
		}
		defer file.Close()
		below = append(below, layer)
	}
	host, err := open(ctx, x, o.Dir, scratch, o, below...)
	if err != nil {
		return state, err
	}
	defer host.Close()
	if host.SharesRoot() {
		return state, &MachineError{Err: errors.New("without overlays a step cannot be run apart from others"), Hint: "run the whole image in one process, without --only"}
	}
	try, err := r.NewTry(i, number)
	if err != nil {
		return state, err
	}
	one := *x // as if it had no other step
	one.plan = &plan.Plan{Steps: []manifest.Step{step}, Needs: [][]int{{}}}
	err = one.runIn(ctx, host, try, scratch, o, &state)
	if err == nil {
		err = x.pack(ctx, i, try, filepath.Join(scratch, "step"), &state)
	}
	if err != nil { // nobody will name these files, and a disk may be full of them
		return state, errors.Join(err, try.Discard())
	}
	return state, nil
}

// runIn runs the only step of x and takes its outputs into try.
func (x *experiment) runIn(ctx context.Context, host *local.Host, try *shared.Try, scratch string, o Options, state *shared.State) error {
	step := x.plan.Steps[0]
	log, err := outputs.NewLog(try.Log(), step.Name, o.LogSize, outputs.NewLive(o.Log))
	if err != nil {
		return err
	}
	collector, err := outputs.NewCollector(try.Outputs(), o.OutputSize)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	defer collector.Close()
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case err := <-host.Damaged():
			abort(err)
		case <-over:
		}
	})
	have := limits(o)
	cpus, free := claimCPUs(have.CPUs, plan.CPUs(step), cpuLocks())
	defer free()
	have.CPUs = cpus
	out, err := host.Run(ctx, local.Task{Step: step, Scratch: filepath.Join(scratch, "step"), Allotment: allot(have, step), Output: log})
	close(over)
	watching.Wait()
	select {
	case err := <-host.Damaged(): // by its last read
		abort(err)
	default:
	}
	state.Status = out.Status
	if err == nil && ctx.Err() == nil {
		missing, collectErr := collector.Collect(ctx, out.Upper, step.Outputs)
		err = failedOutputs(host, &state.Status, missing, collectErr)
	}
	if logErr := log.Close(); logErr != nil && err == nil {
		err = fmt.Errorf("log of step %q: %w", step.Name, logErr)
	}
	if err != nil || ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	answers := processor.Ask(ctx, x.plan.Steps, []bool{true}, x.manifest.Paper.Date, host.Root().View, host.Ask)
	state.Status.CPU, state.Status.Log = step.CPU, logOf(step.Name)
	if state.Status.Core = processor.CoreInLog(try.Log()); state.Status.Core == "" {
		state.Status.Core = answers[0].Core
	}
	state.Outputs = collector.Files()
	state.Isolation = x.isolation(execution{options: o, host: host}, []report.StepStatus{state.Status}, answers)
	return nil
}

// pack writes what step i wrote for the steps that need it, and has all of the
// try reach the disk. A step whose files cannot be handed on has failed.
func (x *experiment) pack(ctx context.Context, i int, try *shared.Try, scratch string, state *shared.State) error {
	if state.Status.Status == report.StepDone && x.plan.IsNeeded(i) {
		layer, err := try.Pack(ctx, local.Upper(scratch))
		switch {
		case errors.Is(err, os.ErrPermission):
			local.Fail(&state.Status, fmt.Sprintf("left files that steps which need it cannot read: %v", err))
		case err != nil:
			return err
		}
		state.Layer = layer
	}
	return try.Flush()
}

// allot gives a step its processors and its memory of all that there are.
func allot(l local.Limits, step manifest.Step) engine.Allotment {
	a := engine.Allotment{CPUs: slices.Clone(l.CPUs[:min(plan.CPUs(step), len(l.CPUs))]), Memory: step.Memory}
	if l.Memory > 0 && (a.Memory == 0 || a.Memory > l.Memory) {
		a.Memory = l.Memory
	}
	return a
}
