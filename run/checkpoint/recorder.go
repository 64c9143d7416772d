package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"sync"

	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/filestat"
	"repro/report"
	"repro/run/folder"
	"repro/run/plan"
)

// Recorder keeps the checkpoint of a run up to date, so that whatever happens
// next, a later run can resume from it. Goroutines may share it.
type Recorder struct {
	dir  string // of the run
	plan *plan.Plan
	keys []manifest.Digest

	mu  sync.Mutex
	doc document
}

// NewRecorder records a run in the folder dir of the plan's steps, whose keys
// are given in the same order. Scratch is where they write.
func NewRecorder(dir, scratch string, p *plan.Plan, keys []manifest.Digest) *Recorder {
	return &Recorder{dir: dir, plan: p, keys: keys, doc: document{Version: version, Scratch: scratch}}
}

// Resume makes the steps found those of this run, one element for each step of
// the plan, and removes all else that earlier runs left, here and in the run's
// folder.
func (r *Recorder) Resume(found []*Step) error {
	var files []string
	uppers := map[string]bool{}
	for _, s := range found {
		if s == nil {
			continue
		}
		if s.Upper != "" {
			uppers[s.Upper] = true
		}
		for _, o := range s.Outputs {
			files = append(files, folder.Outputs+o.Path)
		}
		files = append(files, s.Status.Log)
		r.doc.Steps = append(r.doc.Steps, *s)
	}
	if err := removeExcept(r.doc.Scratch, func(name string) bool { return uppers[name] || !stepName.MatchString(name) }); err != nil {
		return err
	}
	if err := folder.Retain(r.dir, files); err != nil {
		return err
	}
	return r.doc.write(r.dir)
}

// Add records that step i is done. Outputs are those that it left; upper is the
// directory that holds what it wrote.
func (r *Recorder) Add(i int, st report.StepStatus, outputs []report.OutputFile, upper string) error {
	if len(r.plan.Steps) == 1 {
		return nil // there is nothing to resume
	}
	s := Step{Key: r.keys[i], Status: st, Outputs: outputs}
	if r.plan.IsNeeded(i) {
		if err := atomicfile.FlushTree(upper); err != nil { // a program's own fsync need not reach a disk
			return err
		}
		if sum, err := fingerprint(upper); err == nil {
			s.Upper, s.Print = StepDir(r.keys[i]), sum
		} // else it has a directory that nobody may read: the step will run again
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doc.Steps = append(r.doc.Steps, s)
	return r.doc.write(r.dir)
}

// Discard removes the checkpoint. The scratch directory is left to the caller.
func (r *Recorder) Discard() { _ = os.Remove(filepath.Join(r.dir, fileName)) }

// Finish ends the recording. If steps are not done, it keeps as much as they
// need of what finished steps wrote, at most limit bytes (0 stands for
// [DefaultSize], less for nothing), and returns the names of the steps that a
// later run would not have to run again. Otherwise it discards the checkpoint and
// returns none.
func (r *Recorder) Finish(done []bool, limit int64) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.doc.Steps) == 0 || limit < 0 || !slices.Contains(done, false) {
		r.Discard()
		return nil
	}
	needed := map[string]bool{} // directories that a step needs which is not done
	for i, needs := range r.plan.Needs {
		for _, n := range needs {
			if !done[i] && done[n] {
				needed[StepDir(r.keys[n])] = true
			}
		}
	}
	if limit == 0 {
		limit = DefaultSize
	}
	r.dropLargest(needed, limit)
	r.dropUnusable(needed)
	if removeExcept(r.doc.Scratch, func(name string) bool { return name == ownerFile || needed[name] }) != nil || r.doc.write(r.dir) != nil {
		return nil
	}
	names := make([]string, len(r.doc.Steps))
	for i, s := range r.doc.Steps {
		names[i] = s.Status.Name
	}
	return names
}

// dropLargest removes the largest directories from needed until the rest has at
// most limit bytes.
func (r *Recorder) dropLargest(needed map[string]bool, limit int64) {
	sizes := map[string]int64{}
	var total int64
	for name := range needed {
		sizes[name] = filestat.Size(filepath.Join(r.doc.Scratch, name))
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
}

// dropUnusable removes the steps that would run again anyway, for want of the
// directories that are not in needed.
func (r *Recorder) dropUnusable(needed map[string]bool) {
	found := make([]*Step, len(r.plan.Steps))
	for i := range found {
		for j := range r.doc.Steps {
			s := &r.doc.Steps[j]
			if s.Key == r.keys[i] {
				if found[i] = s; !needed[s.Upper] {
					s.Upper, s.Print = "", ""
				}
			}
		}
	}
	onlyUsable(r.doc.Scratch, r.plan, found)
	var steps []Step
	for _, s := range found {
		if s != nil {
			steps = append(steps, *s)
		}
	}
	r.doc.Steps = steps
}
