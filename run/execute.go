package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"repro/engine"
	"repro/engine/local"
	"repro/format/manifest"
	"repro/internal/rmtree"
	"repro/report"
	"repro/run/checkpoint"
	"repro/run/folder"
	"repro/run/outputs"
	"repro/run/plan"
)

// execution is what it takes to execute the plan once. It does not change; a
// second run is another one.
type execution struct {
	*experiment
	options Options
	keys    []manifest.Digest // of the plan's steps
	dir     string            // where outputs and logs go
	scratch string            // where steps write
	label   string            // in front of what progress says
	limits  local.Limits

	host      *local.Host
	collector *outputs.Collector
	live      *outputs.Live
	recorder  *checkpoint.Recorder // nil: a later run cannot resume from this one
}

// collect opens what takes the outputs and logs of steps.
func (e *execution) collect() (err error) {
	e.live = outputs.NewLive(e.options.Log)
	e.collector, err = outputs.NewCollector(filepath.Join(e.dir, folder.Outputs), e.options.OutputSize)
	return err
}

func (e *execution) close() {
	if e.collector != nil {
		e.collector.Close()
	}
}

// adopt makes the steps that an earlier run finished those of this one.
func (p *preparation) adopt(found []*checkpoint.Step) {
	for i, s := range found {
		if s == nil {
			continue
		}
		st := s.Status
		st.Kept, st.Log = true, logOf(st.Name)
		p.resumed[i] = outcome{ended: true, status: st}
		if s.Upper != "" {
			p.resumed[i].scratch = filepath.Join(p.scratch, s.Upper)
			p.resumed[i].upper = local.Upper(p.resumed[i].scratch)
		}
		p.collector.Add(s.Outputs)
	}
}

// outcome is what became of one step.
type outcome struct {
	status  report.StepStatus
	ended   bool
	scratch string // its directory; empty until it has run, and where steps share one root
	upper   string // what it wrote
}

// logOf is the path of a step's log in the run's folder.
func logOf(step string) string { return path.Join(folder.Logs, outputs.LogName(step)) }

// execute has the local engine run the steps of e that have not ended before.
// The outcomes are complete. Damage is an error that is no step's fault, of the
// image or the machine; it stops the run.
func execute(ctx context.Context, e execution, before []outcome) (outcomes []outcome, damage error) {
	t := &tracker{execution: e, engine: local.NewEngine(e.limits), outcomes: slices.Clone(before), began: make([]time.Time, len(before))}
	ids, err := t.engine.Submit(ctx, t.jobs())
	if err != nil && ctx.Err() == nil {
		return t.outcomes, err
	}
	t.ids = ids
	over, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { t.tellProgress(over) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
			_ = t.engine.Cancel(over, ids)
		case err := <-e.host.Damaged():
			t.abort(err)
		case <-over.Done():
		}
	})
	states, err := engine.Wait(context.WithoutCancel(ctx), t.engine, ids, time.Second, 0, nil)
	stop()
	helpers.Wait()
	err = errors.Join(err, t.engine.Close())
	t.removing.Wait()
	select {
	case damage := <-e.host.Damaged(): // by the last read of the last step
		t.abort(damage)
	default:
	}
	t.skip(states)
	if t.damage == nil {
		t.damage = err
	}
	return t.outcomes, t.damage
}

// tracker follows the steps of one execution.
type tracker struct {
	execution
	engine *local.Engine
	ids    []engine.ID

	mu       sync.Mutex
	outcomes []outcome
	began    []time.Time // zero: not yet
	damage   error
	removing sync.WaitGroup // of what no step needs any more
}

// jobs are the steps that have not ended.
func (t *tracker) jobs() []engine.Job {
	var jobs []engine.Job
	for i, s := range t.plan.Steps {
		if t.outcomes[i].ended {
			continue
		}
		var needs []string
		for _, n := range t.plan.Needs[i] {
			if !t.outcomes[n].ended {
				needs = append(needs, t.plan.Steps[n].Name)
			}
		}
		jobs = append(jobs, engine.Job{
			Name: s.Name, Needs: needs, Resources: resourcesOf(s, t.options.GPU),
			Work: func(ctx context.Context, a engine.Allotment) error { return t.work(ctx, i, a) },
		})
	}
	return jobs
}

// resourcesOf is what a step asks an engine for.
func resourcesOf(s manifest.Step, gpu bool) engine.Resources {
	return engine.Resources{CPUs: plan.CPUs(s), Memory: s.Memory, Time: time.Duration(s.Time) * time.Second, GPU: gpu}
}

// work runs step i and notes what became of it.
func (t *tracker) work(ctx context.Context, i int, a engine.Allotment) error {
	t.mu.Lock()
	t.began[i] = time.Now()
	t.mu.Unlock()
	t.tell()
	out, damage := t.runStep(ctx, i, a)
	t.mu.Lock()
	t.outcomes[i] = out
	t.removeUnneeded()
	t.mu.Unlock()
	if damage != nil {
		t.abort(damage)
	}
	t.tell()
	if out.status.Status != report.StepDone {
		return errors.New(out.status.Problem)
	}
	return damage
}

// abort stops the run because of something that is no step's fault.
func (t *tracker) abort(why error) {
	t.mu.Lock()
	if t.damage == nil {
		t.damage = why
	}
	t.mu.Unlock()
	_ = t.engine.Cancel(context.Background(), t.allIDs())
}

// allIDs names every job. A job's ID in the local engine is its step's name.
func (t *tracker) allIDs() (ids []engine.ID) {
	for _, s := range t.plan.Steps {
		ids = append(ids, engine.ID(s.Name))
	}
	return ids
}

// skip marks the steps that never ran, as the engine says why.
func (t *tracker) skip(states []engine.State) {
	for k, s := range states {
		i := t.plan.Step(string(t.ids[k]))
		if t.outcomes[i].ended {
			continue
		}
		why := "the run was stopped before it"
		if s.Phase == engine.Skipped {
			why = s.Reason
		}
		t.outcomes[i] = outcome{ended: true, status: report.StepStatus{Name: t.plan.Steps[i].Name, Status: report.StepSkipped, Problem: why}}
	}
	for i := range t.outcomes { // none was submitted: the run was stopped first
		if !t.outcomes[i].ended {
			t.outcomes[i] = outcome{ended: true, status: report.StepStatus{Name: t.plan.Steps[i].Name, Status: report.StepSkipped, Problem: "the run was stopped before it"}}
		}
	}
}

// removeUnneeded removes what steps wrote that no step to come needs. The caller
// holds t.mu.
func (t *tracker) removeUnneeded() {
	for i := range t.outcomes {
		dir := t.outcomes[i].scratch
		if dir == "" || !t.outcomes[i].ended || t.isNeededLater(i) {
			continue
		}
		t.outcomes[i].scratch, t.outcomes[i].upper = "", ""
		t.removing.Go(func() { _ = rmtree.Remove(dir) }) // what stays is removed with all else
	}
}

// isNeededLater reports whether a step needs step i that is not done.
func (t *tracker) isNeededLater(i int) bool {
	for j, needs := range t.plan.Needs {
		if slices.Contains(needs, i) && t.outcomes[j].status.Status != report.StepDone {
			return true
		}
	}
	return false
}

// runStep runs step i, collects its outputs and records that it is done.
func (t *tracker) runStep(ctx context.Context, i int, a engine.Allotment) (outcome, error) {
	step := t.plan.Steps[i]
	out := outcome{ended: true, status: report.StepStatus{Name: step.Name, Status: report.StepFailed, Log: logOf(step.Name)}}
	log, err := outputs.NewLog(filepath.Join(t.dir, filepath.FromSlash(out.status.Log)), step.Name, t.options.LogSize, t.live)
	if err != nil {
		return out, err
	}
	ran, damage := t.host.Run(ctx, local.Task{
		Step: step, Lower: t.lower(i), Scratch: filepath.Join(t.scratch, checkpoint.StepDir(t.keys[i])), Allotment: a, Output: log,
	})
	out.upper, out.scratch = ran.Upper, ran.Scratch
	ran.Status.Log = out.status.Log
	out.status = ran.Status
	if damage == nil {
		damage = t.takeOutputs(ctx, step, &out)
	}
	if err := log.Close(); err != nil && damage == nil {
		damage = fmt.Errorf("log of step %q: %w", step.Name, err)
	}
	if out.status.Status == report.StepDone && damage == nil && t.recorder != nil {
		damage = t.recorder.Add(i, out.status, t.outputsOf(step), out.upper)
	}
	return out, damage
}

// lower is what the steps wrote that step i needs, the latest first.
func (t *tracker) lower(i int) (dirs []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range slices.Backward(t.plan.Needs[i]) {
		dirs = append(dirs, t.outcomes[n].upper)
	}
	return dirs
}

// takeOutputs collects what a step declared. One that lacks an output has failed.
func (t *tracker) takeOutputs(ctx context.Context, step manifest.Step, out *outcome) error {
	if ctx.Err() != nil {
		return t.salvage(ctx, step, out.upper)
	}
	missing, err := t.collector.Collect(ctx, out.upper, step.Outputs)
	return failedOutputs(t.host, &out.status, missing, err)
}

// failedOutputs notes in a step's status what is wrong with its outputs. It
// returns err unless that is the step's own fault.
func failedOutputs(host *local.Host, st *report.StepStatus, missing []string, err error) error {
	switch refused := (*outputs.RefusedError)(nil); {
	case errors.As(err, &refused):
		local.Fail(st, refused.Error())
	case err != nil:
		return err
	case len(missing) > 0:
		local.Fail(st, fmt.Sprintf("did not leave its output %s%s", local.Quoted(missing), linkHint(host, missing)))
	}
	return nil
}

// salvage collects what a step that was stopped has left of its outputs so far:
// perhaps the work of days. Nothing is collected that was made of damaged
// layers.
func (t *tracker) salvage(ctx context.Context, step manifest.Step, upper string) error {
	t.mu.Lock()
	damage := t.damage
	t.mu.Unlock()
	if damage != nil && !errors.Is(damage, ErrMachine) {
		return nil
	}
	_, err := t.collector.Collect(context.WithoutCancel(ctx), upper, step.Outputs)
	if refused := (*outputs.RefusedError)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}

// outputsOf are the files that were collected of a step.
func (t *tracker) outputsOf(step manifest.Step) (files []report.OutputFile) {
	for _, f := range t.collector.Files() {
		if step.Declares(f.Path) {
			files = append(files, f)
		}
	}
	return files
}

// linkHint explains outputs that are missing because a layer has a symbolic
// link on the way to them: what was written through it lies elsewhere.
func linkHint(host *local.Host, missing []string) string {
	for _, name := range missing {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if seen, err := host.Root().View.Find(dir); err == nil && seen.Node.Mode&fs.ModeSymlink != 0 {
				return fmt.Sprintf(" (%q is a symbolic link; declare the place that it points to)", dir)
			}
		}
	}
	return ""
}

// failure returns the error for the first step that failed.
func failure(dir string, outcomes []outcome) error {
	var first *StepError
	for _, o := range outcomes {
		if s := o.status; s.Status == report.StepDone || s.Status == report.StepSkipped {
			continue
		} else if first == nil {
			first = &StepError{Step: s.Name, Problem: s.Problem, Log: filepath.Join(dir, filepath.FromSlash(s.Log))}
		} else {
			first.Others++
		}
	}
	if first == nil {
		return nil
	}
	return first
}
