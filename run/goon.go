package run

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"repro/internal/progress"
	"repro/internal/sandbox"
)

// findKept finds, in what an earlier run left, the steps that need not run
// again. It changes none of it.
func (r *runner) findKept(ctx context.Context) error {
	k := readKept(r.options.Dir)
	if k == nil {
		return nil
	}
	found := make([]*keptStep, len(r.plan.steps))
	for i, key := range r.stepKeys {
		for j := range k.Steps {
			s := &k.Steps[j]
			if s.Key != key || s.Status.Status != statusDone || s.Status.Name != r.plan.steps[i].Name {
				continue
			}
			whole, err := r.whole(ctx, s)
			if err != nil {
				return err
			}
			if whole {
				found[i] = s
			}
		}
	}
	r.onlyFirm(k, found)
	if !slices.ContainsFunc(found, func(s *keptStep) bool { return s != nil }) {
		return nil
	}
	r.found, r.kept = found, kept{Version: keptVersion, Scratch: k.Scratch}
	r.scratch, r.resumed, r.left = k.Scratch, true, true
	return removeBut(r.scratch, ofKept) // a run that was killed left more
}

// ofKept reports whether name is that of a step's files, or of the owner's, in
// the scratch directory.
func ofKept(name string) bool { return name == ownerFile || upperName.MatchString(name) }

// clearDir removes from the run's directory what this run does not go on with.
func (r *runner) clearDir() error {
	clear := r.takeOver
	if !r.resumed {
		clear = func() error { return errors.Join(forget(r.options.Dir), emptyDir(r.options.Dir)) }
	}
	if err := clear(); err != nil {
		return err
	}
	r.sweep()
	return nil
}

// sweep removes the scratch directories that runs in this directory left which
// were killed: no other run is at work in it. What cannot be removed stays.
func (r *runner) sweep() {
	all, _ := filepath.Glob(filepath.Join(cmp.Or(r.options.Scratch, os.TempDir()), scratchPrefix+"*"))
	for _, name := range all {
		if name != r.scratch && ownScratch(name, r.options.Dir) {
			_ = sandbox.Remove(name)
		}
	}
}

// whole reports whether the outputs that step s left are as they were.
func (r *runner) whole(ctx context.Context, s *keptStep) (bool, error) {
	root, err := os.OpenRoot(filepath.Join(r.options.Dir, outputsDir))
	if err != nil {
		return false, nil
	}
	defer root.Close()
	for i, o := range s.Outputs {
		r.options.Progress.Report(progress.Event{Task: "check what step " + s.Status.Name + " left", Done: int64(i), Total: int64(len(s.Outputs))})
		sum, size, err := digestFile(ctx, root, strings.TrimPrefix(o.Path, "/"))
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil || sum != o.Digest || size != o.Size {
			return false, nil
		}
	}
	return true, nil
}

// onlyFirm drops the steps that do not stand on steps which are there too, and
// those whose files a step to come needs and that are not as they were.
func (r *runner) onlyFirm(k *kept, found []*keptStep) {
	for changed := true; changed; {
		changed = false
		for i, needs := range r.plan.needs {
			for _, n := range needs {
				switch {
				case found[i] != nil && found[n] == nil:
					found[i], changed = nil, true
				case found[i] == nil && found[n] != nil && !k.sound(found[n]):
					found[n], changed = nil, true
				}
			}
		}
	}
}

// sound reports whether what step s wrote is as it left it.
func (k *kept) sound(s *keptStep) bool {
	if !upperName.MatchString(s.Upper) {
		return false
	}
	print, err := fingerprint(sandbox.Upper(filepath.Join(k.Scratch, s.Upper)))
	return err == nil && print == s.Print
}

// takeOver makes the steps found those of this run, and removes all else that
// earlier ones left.
func (r *runner) takeOver() error {
	var keep []string
	uppers := map[string]bool{}
	for i, s := range r.found {
		if s == nil {
			continue
		}
		st := s.Status
		st.Kept, st.Log = true, logsDir+"/"+logName(st.Name)
		r.states[i] = state{ended: true, status: st}
		if s.Upper != "" {
			// Where a step of this plan stood and where one stands now may differ.
			r.states[i].scratch = filepath.Join(r.scratch, s.Upper)
			r.states[i].upper = sandbox.Upper(r.states[i].scratch)
			uppers[s.Upper] = true
		}
		for _, o := range s.Outputs {
			keep = append(keep, outputsDir+o.Path)
			r.taken = append(r.taken, o)
		}
		keep = append(keep, st.Log)
		r.kept.Steps = append(r.kept.Steps, *s)
	}
	if err := removeBut(r.scratch, func(name string) bool { return uppers[name] || !upperName.MatchString(name) }); err != nil {
		return err
	}
	if err := keepFiles(r.options.Dir, keep); err != nil {
		return err
	}
	return r.kept.write(r.options.Dir)
}

// removeBut removes all entries of dir but those that keep names.
func removeBut(dir string, keep func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if keep(e.Name()) {
			continue
		}
		if err := sandbox.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// keepFiles empties a run's directory of all that runs leave, but for the
// files called names, relative to it.
func keepFiles(dir string, names []string) error {
	const aside = ".repro-before"
	if err := sandbox.Remove(filepath.Join(dir, aside)); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mkdir(aside, 0o700); err != nil {
		return err
	}
	for _, name := range []string{outputsDir, logsDir} {
		if err := root.Rename(name, aside+"/"+name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := emptyDir(dir); err != nil {
		return err
	}
	for _, name := range names {
		name = filepath.FromSlash(name)
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := root.Rename(filepath.Join(aside, name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // a log that is gone is no reason to run the step again
		}
	}
	return sandbox.Remove(filepath.Join(dir, aside))
}
