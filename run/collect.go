package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/engine/local"
	"repro/format"
	"repro/internal/rmtree"
	"repro/report"
	"repro/run/folder"
	"repro/run/shared"
)

// ErrUnfinished is what every error wraps that says that steps of a shared run
// are not done yet.
var ErrUnfinished = errors.New("the run is not finished")

// Collect gathers what workers left in the shared run in o.Dir, compares it with
// the published results and reports, as [Image] does. Steps that no worker has
// finished are skipped (SPEC.md, RUN-37); the error then wraps [ErrUnfinished], unless a step has
// failed. It may be called again, and while workers run.
func Collect(ctx context.Context, im *format.Image, o Options) (*report.Run, error) {
	started := time.Now()
	if !shared.Exists(o.Dir) {
		return nil, fmt.Errorf("%s: no worker has run a step in it", o.Dir)
	}
	x, r, err := openSharedFor(im, &o, o.GPU, 0)
	if err != nil {
		return nil, err
	}
	states, err := gather(ctx, x, r, o.Dir)
	if err != nil {
		return nil, err
	}
	outcomes, open := x.outcomesOf(r, states)
	rep := x.collected(o, outcomes, states, started)
	if err := x.compare(ctx, execution{dir: o.Dir, options: o}, rep); err != nil {
		return rep, err
	}
	rep.Finished = timestamp(time.Now())
	if err := failure(o.Dir, outcomes); err != nil {
		return rep, err
	}
	if len(open) > 0 {
		return rep, fmt.Errorf("%w: %s", ErrUnfinished, strings.Join(open, ", "))
	}
	return rep, nil
}

// gather returns the state of each step that was run to an end, nil for others,
// and puts outputs and logs where runs leave them.
func gather(ctx context.Context, x *experiment, r *shared.Run, dir string) ([]*shared.State, error) {
	next, err := os.MkdirTemp(dir, ".collect-")
	if err != nil {
		return nil, err
	}
	defer rmtree.Remove(next)
	if err := errors.Join(os.Mkdir(filepath.Join(next, folder.Outputs), 0o755), os.Mkdir(filepath.Join(next, folder.Logs), 0o755)); err != nil {
		return nil, err
	}
	states := make([]*shared.State, len(x.plan.Steps))
	for i := range states {
		s, err := r.Done(i)
		if err == nil && s == nil {
			s, err = r.Failed(i)
		}
		if err != nil {
			return nil, err
		}
		if states[i] = s; s != nil {
			if err := r.Deliver(ctx, i, s, next); err != nil {
				return nil, err
			}
		}
	}
	if err := folder.Empty(dir); err != nil {
		return nil, err
	}
	for _, name := range []string{folder.Outputs, folder.Logs} {
		if err := errors.Join(os.Remove(filepath.Join(dir, name)), os.Rename(filepath.Join(next, name), filepath.Join(dir, name))); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// outcomesOf turns states into outcomes. Open names the steps that are yet to be
// done.
func (x *experiment) outcomesOf(r *shared.Run, states []*shared.State) (outcomes []outcome, open []string) {
	outcomes = make([]outcome, len(states))
	for i, s := range states {
		name := x.plan.Steps[i].Name
		if s != nil {
			outcomes[i] = outcome{ended: true, status: s.Status}
			continue
		}
		st := report.StepStatus{Name: name, Status: report.StepSkipped, Problem: "no worker has run it yet"}
		failed := slices.IndexFunc(x.plan.Needs[i], func(n int) bool { return states[n] != nil && states[n].Status.Status != report.StepDone })
		switch h, claimed := r.IsClaimed(i); {
		case claimed:
			st.Problem = fmt.Sprintf("a worker on %s has it", h.Node)
		case failed >= 0:
			st.Problem = fmt.Sprintf("needs step %q, which failed", x.plan.Steps[x.plan.Needs[i][failed]].Name)
		}
		outcomes[i] = outcome{ended: true, status: st}
		open = append(open, fmt.Sprintf("step %q: %s", name, st.Problem))
	}
	return outcomes, open
}

// collected describes a shared run, without what became of the results.
func (x *experiment) collected(o Options, outcomes []outcome, states []*shared.State, started time.Time) *report.Run {
	rep := &report.Run{
		Version: report.Version, Image: x.image.Name(), ContentID: x.id, Paper: x.manifest.Paper,
		Machine: local.Machine(), Started: timestamp(started), Finished: timestamp(time.Now()),
		Quick: o.Quick, LeftOut: x.profile.LeftOut, Changed: o.Change.Lines(),
	}
	rep.Machine.Repro = o.Version
	first := true
	for i, s := range states {
		rep.Steps = append(rep.Steps, outcomes[i].status)
		if s == nil {
			continue
		}
		rep.Outputs = append(rep.Outputs, s.Outputs...)
		if s.Status.Started != "" && (rep.Started > s.Status.Started || first) {
			rep.Started = s.Status.Started
		}
		if first {
			rep.Isolation = s.Isolation
			if s.Status.Place != nil {
				rep.Machine = s.Status.Place.Machine
			}
		} else {
			rep.Isolation = weakest(rep.Isolation, s.Isolation)
		}
		first = false
	}
	slices.SortFunc(rep.Outputs, func(a, b report.OutputFile) int { return strings.Compare(a.Path, b.Path) })
	if note := placesNote(states); note != "" {
		rep.Isolation.Notes = append(rep.Isolation.Notes, note)
	}
	return rep
}

// weakest is the isolation that holds for all of two sets of steps.
func weakest(a, b report.Isolation) report.Isolation {
	if b.Level != string(local.IsolationFull) {
		a.Level = b.Level
	}
	a.Namespaces = slices.DeleteFunc(slices.Clone(a.Namespaces), func(n string) bool { return !slices.Contains(b.Namespaces, n) })
	a.Landlock = min(a.Landlock, b.Landlock)
	for _, by := range []string{"repro", "process"} { // from the stronger to the weaker
		if b.Limits.By == by {
			a.Limits = b.Limits
		}
	}
	if b.Layers != a.Layers && b.Layers == "extracted" {
		a.Layers, a.Reason = b.Layers, "on some machines: "+strings.TrimPrefix(b.Reason, "on some machines: ")
	}
	if a.GPU == nil {
		a.GPU = b.GPU
	}
	if b.Writes.To != a.Writes.To {
		a.Writes.To = "disk"
	}
	notes := slices.Clone(a.Notes)
	for _, n := range b.Notes {
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	a.Notes = notes
	return a
}

// placesNote says whether steps ran on processors, or with kernels, that differ:
// the report's machine is that of the first.
func placesNote(states []*shared.State) string {
	kinds, nodes := map[string]bool{}, map[string]bool{}
	for _, s := range states {
		if s != nil && s.Status.Place != nil {
			p := s.Status.Place
			nodes[p.Node] = true
			kinds[p.Machine.Arch+", "+p.Machine.CPU+", "+p.Machine.Kernel] = true
		}
	}
	switch {
	case len(kinds) > 1:
		return fmt.Sprintf("steps ran on %d machines of %d kinds: each step says on which", len(nodes), len(kinds))
	case len(nodes) > 1:
		return fmt.Sprintf("steps ran on %d machines of one kind: each step says on which", len(nodes))
	}
	return ""
}
