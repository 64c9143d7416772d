package run

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/pattern"
	"repro/internal/sandbox"
	"repro/report"
)

// What finished steps wrote stays in the scratch directory until the run ends
// well, and the run's own directory says where that is. So a run that was
// interrupted, even by a power cut, or of which a step failed can be gone on
// with (SPEC.md, RUN-30 to RUN-32). Neither place can be seen by a step.
const (
	keptFile    = ".repro-kept" // in the run's directory
	ownerFile   = "run"         // in the scratch directory: the run's directory, so that no other is taken for it
	keptVersion = 1

	scratchPrefix = "repro-run-" // of the scratch directory's name
	maxKept       = 64 << 20     // bytes of the file
)

// DefaultKeepSize bounds what is kept of finished steps after a run.
const DefaultKeepSize = 4 << 30

// kept is what a run leaves for another to go on with.
type kept struct {
	Version int        `json:"version"`
	Scratch string     `json:"scratch"`
	Steps   []keptStep `json:"steps"`
}

// keptStep is a step that is done.
type keptStep struct {
	Key     manifest.Digest     `json:"key"` // of all that what it wrote depends on
	Status  report.StepStatus   `json:"status"`
	Outputs []report.OutputFile `json:"outputs"`
	Upper   string              `json:"upper,omitempty"` // in Scratch; empty: no step to come needed it
	Print   manifest.Digest     `json:"print,omitempty"` // fingerprint of it
}

var upperName = pattern.New(`^step-[0-9a-f]{12}$`)

// scratchName is the directory of step i below the scratch directory: no two
// steps that differ share one, also if they are of several runs.
func (r *runner) scratchName(i int) string { return "step-" + r.stepKeys[i].Short() }

// keys are digests over all that each step's files depend on: the image, the
// machine, how steps are run, the step itself and those that it stands on.
// Limits of time and memory are not among it: they are what is raised before
// another try.
func (r *runner) keys() ([]manifest.Digest, error) {
	m := Machine()
	settings := []any{r.id, r.options.Version, shapeVersion, m.Arch, m.CPU, m.Kernel, r.options.Net, bindTexts(r.options.Binds), r.manifest.Paper.Date, r.options.Change.words(), r.gpuKey()}
	keys := make([]manifest.Digest, len(r.plan.steps))
	var key func(i int) error
	key = func(i int) error {
		if keys[i] != "" {
			return nil
		}
		step := r.plan.steps[i]
		step.Memory, step.Time, step.Takes, step.Quick = 0, 0, 0, nil
		parts := []any{settings, step}
		for _, n := range r.plan.needs[i] {
			if err := key(n); err != nil {
				return err
			}
			parts = append(parts, keys[n])
		}
		b, err := json.Marshal(parts) // a map's keys are sorted
		keys[i] = manifest.DigestOf(b)
		return err
	}
	for i := range keys {
		if err := key(i); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// remember notes that step i is done, so that the run can be gone on with from
// here, whatever happens next.
func (r *runner) remember(i int, st state) error {
	if r.layers.shared || r.second || len(r.plan.steps) == 1 {
		return nil // nothing to go on with, or nothing that stands for itself
	}
	k := keptStep{Key: r.stepKeys[i], Status: st.status}
	for _, f := range r.outputs.sorted() {
		if declares(r.plan.steps[i], f.Path) {
			k.Outputs = append(k.Outputs, f)
		}
	}
	if r.neededBySome(i) {
		if err := atomicfile.FlushTree(st.upper); err != nil { // what a program asks to be flushed is not
			return err
		}
		print, err := fingerprint(st.upper)
		if err == nil {
			k.Upper, k.Print = r.scratchName(i), print
		} // else a directory that nobody may read: the step will run again
	}
	r.keeping.Lock()
	defer r.keeping.Unlock()
	r.kept.Steps = append(r.kept.Steps, k)
	return r.kept.write(r.options.Dir)
}

// neededBySome reports whether any step of the plan stands on step i.
func (r *runner) neededBySome(i int) bool {
	return slices.ContainsFunc(r.plan.needs, func(needs []int) bool { return slices.Contains(needs, i) })
}

func (k *kept) write(dir string) error {
	b, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, keptFile), append(b, '\n'), 0o600)
}

// readKept returns what an earlier run left in dir, or nil. What does not
// read, or names a scratch directory that is not of a run in dir, is as good
// as nothing.
func readKept(dir string) *kept {
	info, err := os.Lstat(filepath.Join(dir, keptFile))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxKept {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(dir, keptFile))
	if err != nil {
		return nil
	}
	var k kept
	if json.Unmarshal(b, &k) != nil || k.Version != keptVersion || !ownScratch(k.Scratch, dir) {
		return nil
	}
	return &k
}

// ownScratch reports whether scratch is a private directory of this user's
// that a run in dir made.
func ownScratch(scratch, dir string) bool {
	info, err := os.Lstat(scratch)
	if err != nil || !info.IsDir() || !ownedByUs(info) || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	owner, err := os.ReadFile(filepath.Join(scratch, ownerFile))
	return err == nil && string(owner) == dir
}

// forget removes what an earlier run left to be gone on with.
func forget(dir string) error {
	k := readKept(dir)
	if k == nil {
		return os.RemoveAll(filepath.Join(dir, keptFile))
	}
	return errors.Join(sandbox.Remove(k.Scratch), os.Remove(filepath.Join(dir, keptFile)))
}

// settle removes what finished steps wrote, or keeps as much of it as steps
// need that are not done, for a later run to go on with. It returns the names
// of the steps that such a run would not have to run again.
func (r *runner) settle() []string {
	undone := func(s state) bool { return s.status.Status != statusDone }
	needed := map[string]bool{}
	for i, needs := range r.plan.needs {
		for _, n := range needs {
			if undone(r.states[i]) && !undone(r.states[n]) {
				needed[filepath.Base(r.states[n].scratch)] = true
			}
		}
	}
	if r.damage != nil || len(r.kept.Steps) == 0 || r.options.KeepSize < 0 ||
		!slices.ContainsFunc(r.states, undone) {
		_ = os.Remove(filepath.Join(r.options.Dir, keptFile))
		r.left = false
		return nil
	}
	r.withinBound(needed)
	if removeBut(r.scratch, func(name string) bool { return name == ownerFile || needed[name] }) != nil || r.kept.write(r.options.Dir) != nil {
		return nil
	}
	r.left = true
	names := make([]string, len(r.kept.Steps))
	for i, s := range r.kept.Steps {
		names[i] = s.Status.Name
	}
	return names
}

// withinBound drops of the needed directories the largest until the rest is
// within what may be kept, and of the steps to remember those that would have
// to run again for that, or for want of their files.
func (r *runner) withinBound(needed map[string]bool) {
	limit := r.options.KeepSize
	if limit == 0 {
		limit = DefaultKeepSize
	}
	sizes := map[string]int64{}
	var total int64
	for name := range needed {
		sizes[name] = sizeOf(filepath.Join(r.scratch, name))
		total += sizes[name]
	}
	for total > limit {
		largest := ""
		for name, size := range sizes {
			if largest == "" || size > sizes[largest] || size == sizes[largest] && name < largest {
				largest = name
			}
		}
		total -= sizes[largest]
		delete(sizes, largest)
		delete(needed, largest)
	}
	found := make([]*keptStep, len(r.plan.steps))
	for i := range found {
		for j := range r.kept.Steps {
			s := &r.kept.Steps[j]
			if s.Key == r.stepKeys[i] {
				if found[i] = s; !needed[s.Upper] {
					s.Upper, s.Print = "", ""
				}
			}
		}
	}
	r.onlyFirm(&r.kept, found)
	var steps []keptStep
	for _, s := range found {
		if s != nil {
			steps = append(steps, *s)
		}
	}
	r.kept.Steps = steps
}

// sizeOf is how many bytes the files below dir have.
func sizeOf(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
