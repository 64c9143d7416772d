package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"repro/internal/sandbox"
	"repro/report"
)

// Isolation is how steps are kept apart from the machine. SPEC.md, RUN-14.
type Isolation string

// The levels of isolation.
const (
	IsolationFull   Isolation = "namespaces" // also the empty one
	IsolationNoProc Isolation = "no-proc"    // the same without a /proc, where no new one may be mounted
)

// walls are those that stood around every step that ran.
type walls struct {
	mu   sync.Mutex
	some bool
	all  sandbox.Walls
}

func (w *walls) add(one sandbox.Walls) {
	if one.Namespaces == nil {
		return // the step was not started
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.some {
		w.some, w.all = true, one
		return
	}
	w.all.Proc = w.all.Proc && one.Proc
	w.all.Pivoted = w.all.Pivoted && one.Pivoted
	w.all.Clocks = w.all.Clocks && one.Clocks
	w.all.Landlock = min(w.all.Landlock, one.Landlock)
	if w.all.Group && !one.Group {
		w.all.Group, w.all.NoGroup = false, one.NoGroup
	}
}

// isolation says how the steps were kept apart from the machine.
func (r *runner) isolation() report.Isolation {
	notes := slices.Clone(r.layers.notes)
	if r.options.Net {
		notes = append(notes, "steps could use the machine's network, and its /etc/resolv.conf")
	}
	for _, b := range bindTexts(r.options.Binds) {
		notes = append(notes, "steps could see "+b+" of the machine's: their results may depend on it")
	}
	if r.gpu != nil {
		notes = append(notes, fmt.Sprintf("steps could use this machine's NVIDIA driver %s and %d files of it: their results may depend on it", r.gpu.Driver, len(r.gpu.Files)))
	}
	if r.options.Quick {
		notes = append(notes, quickNote(r.profile.leftOut))
	}
	if changed := r.options.Change.words(); len(changed) > 0 {
		notes = append(notes, "steps ran otherwise than the image says: "+strings.Join(changed, ", "))
	}
	i := report.Isolation{
		Level: string(IsolationFull), Layers: r.layers.kind, Reason: r.layers.reason,
		Net: r.options.Net, Binds: bindTexts(r.options.Binds),
		Writes: report.Writes{To: sandbox.ScratchKind(r.scratch), Disk: r.options.Disk, Files: sandbox.DefaultFiles},
	}
	if r.gpu != nil {
		i.GPU = &r.gpu.GPU
	}
	r.walls.mu.Lock()
	defer r.walls.mu.Unlock()
	if w := r.walls.all; r.walls.some {
		i.Namespaces, i.Landlock = w.Namespaces, w.Landlock
		i.Limits = report.Limits{By: "control group"}
		if !w.Group {
			i.Limits = report.Limits{By: "repro", Reason: w.NoGroup}
		}
		if !w.Proc {
			i.Level = string(IsolationNoProc)
			if !w.Group {
				i.Limits.By = "process"
			}
		}
		notes = append(notes, wallNotes(w)...)
	}
	i.Notes = append(append(notes, r.cpuNotes()...), r.fixedNotes()...)
	return i
}

// wallNotes say what this machine did not offer.
func wallNotes(w sandbox.Walls) (notes []string) {
	if !w.Proc {
		notes = append(notes, "this machine allows no /proc of the steps' own: they had none, as was asked for")
	}
	if !w.Pivoted {
		notes = append(notes, "this machine runs from its initial ramdisk: its root lay under that of the steps, out of their reach but mounted")
	}
	if !w.Clocks {
		notes = append(notes, "no time namespace: steps could tell when this machine was started")
	}
	if w.Landlock == 0 {
		notes = append(notes, "no Landlock: no second wall around files")
	}
	return notes
}

// writeLimit says in words what a step may write.
func writeLimit(l sandbox.Limits) string {
	if l.Disk == 0 {
		return fmt.Sprintf("%d files", int64(sandbox.DefaultFiles))
	}
	return fmt.Sprintf("%d MiB in %d files", l.Disk>>20, int64(sandbox.DefaultFiles))
}

// diskError says where there is too little disk, and what to do.
func (r *runner) diskError(err error) error {
	full, ok := errors.AsType[*sandbox.FullError](err)
	if !ok {
		return err
	}
	return &MachineError{Err: fmt.Errorf("scratch directory %s: %w", r.scratch, full),
		Hint: "name another place for what steps write: --scratch, or TMPDIR"}
}
