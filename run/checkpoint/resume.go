package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/internal/rmtree"
	"repro/report"
	"repro/run/folder"
	"repro/run/outputs"
	"repro/run/plan"
)

// Found is what a run can resume from.
type Found struct {
	Scratch string  // directory of the earlier run
	Steps   []*Step // of the plan's steps, those that need not run again; nil: the step runs
}

// Find finds, in what an earlier run left in the folder dir, the steps of the
// plan that need not run again: their keys are the same, nobody touched what
// they left, and their predecessors are there too. It returns nil if there are
// none. It changes nothing that a run can resume from.
func Find(ctx context.Context, dir string, p *plan.Plan, keys []manifest.Digest, progress progress.Func) (*Found, error) {
	d := read(dir)
	if d == nil {
		return nil, nil
	}
	found := make([]*Step, len(p.Steps))
	for i, key := range keys {
		for j := range d.Steps {
			s := &d.Steps[j]
			if s.Key != key || s.Status.Status != report.StepDone || s.Status.Name != p.Steps[i].Name {
				continue
			}
			ok, err := outputsIntact(ctx, dir, s, progress)
			if err != nil {
				return nil, err
			}
			if ok {
				found[i] = s
			}
		}
	}
	onlyUsable(d.Scratch, p, found)
	if !slices.ContainsFunc(found, func(s *Step) bool { return s != nil }) {
		return nil, nil
	}
	return &Found{Scratch: d.Scratch, Steps: found}, removeExcept(d.Scratch, isStepOrOwner) // a run that was killed left more
}

// outputsIntact reports whether the outputs that step s left are as they were.
func outputsIntact(ctx context.Context, dir string, s *Step, p progress.Func) (bool, error) {
	root, err := os.OpenRoot(filepath.Join(dir, folder.Outputs))
	if err != nil {
		return false, nil
	}
	defer root.Close()
	for i, o := range s.Outputs {
		p.Report(progress.Event{Task: "check what step " + s.Status.Name + " left", Done: int64(i), Total: int64(len(s.Outputs))})
		sum, size, err := outputs.Digest(ctx, root, strings.TrimPrefix(o.Path, "/"))
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil || sum != o.Digest || size != o.Size {
			return false, nil
		}
	}
	return true, nil
}

// onlyUsable removes from found the steps whose predecessors are missing, and
// those which a step to run needs and whose directories were touched.
func onlyUsable(scratch string, p *plan.Plan, found []*Step) {
	for changed := true; changed; {
		changed = false
		for i, needs := range p.Needs {
			for _, n := range needs {
				switch {
				case found[i] != nil && found[n] == nil:
					found[i], changed = nil, true
				case found[i] == nil && found[n] != nil && !upperIntact(scratch, found[n]):
					found[n], changed = nil, true
				}
			}
		}
	}
}

// upperIntact reports whether what step s wrote is as it left it.
func upperIntact(scratch string, s *Step) bool {
	if !stepName.MatchString(s.Upper) {
		return false
	}
	sum, err := fingerprint(filepath.Join(scratch, s.Upper, upperDir))
	return err == nil && sum == s.Print
}

// RemoveAbandoned removes the scratch directories that killed runs in the folder
// dir left below parent, except for the one called keep. The caller has claimed
// the folder, so that no other run uses it. What cannot be removed stays.
func RemoveAbandoned(parent, dir, keep string) {
	all, _ := filepath.Glob(filepath.Join(cmp.Or(parent, os.TempDir()), scratchPrefix+"*"))
	for _, name := range all {
		if name != keep && isScratchOf(name, dir) {
			_ = rmtree.Remove(name)
		}
	}
}

// Restart removes from the folder dir all that an earlier run left.
func Restart(dir string) error { return errors.Join(Remove(dir), folder.Empty(dir)) }
