package local

import (
	"fmt"
	"slices"
	"sync"

	"repro/internal/sandbox"
	"repro/report"
)

// Isolation is a level at which steps are isolated from the machine. SPEC.md,
// RUN-14.
type Isolation string

// The levels of isolation.
const (
	IsolationFull   Isolation = "namespaces" // also the empty one
	IsolationNoProc Isolation = "no-proc"    // the same without a /proc, where no new one may be mounted

	// IsolationContainer is for a process 1 of a container that was made of the
	// image: its root is checked and used, and what is in [ContainerDir] is hidden.
	IsolationContainer Isolation = "container"
)

// isolated is the isolation that every step had that ran.
type isolated struct {
	mu   sync.Mutex
	some bool
	all  sandbox.Isolation
}

func (w *isolated) add(one sandbox.Isolation) {
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

// Isolation says how the steps that ran here were isolated from the machine.
// Its notes begin with what they could reach, go on with asked, and end with
// what this machine did not offer.
func (h *Host) Isolation(asked ...string) report.Isolation {
	notes := slices.Clone(h.layers.notes)
	if h.options.Net {
		notes = append(notes, "steps could use the machine's network, and its /etc/resolv.conf")
	}
	for _, b := range BindTexts(h.options.Binds) {
		notes = append(notes, "steps could see "+b+" of the machine's: their results may depend on it")
	}
	gpu := h.options.GPU
	if gpu != nil {
		notes = append(notes, fmt.Sprintf("steps could use this machine's NVIDIA driver %s and %d files of it: their results may depend on it", gpu.Driver, len(gpu.Files)))
	}
	notes = append(notes, asked...)
	i := report.Isolation{
		Level: string(IsolationFull), Layers: h.layers.kind, Reason: h.layers.reason,
		Net: h.options.Net, Binds: BindTexts(h.options.Binds),
		Writes: report.Writes{To: scratchKind(h.scratch), Disk: h.options.Disk, Files: sandbox.DefaultFiles},
	}
	if gpu != nil {
		i.GPU = &gpu.GPU
	}
	if h.layers.container != nil {
		i.Level, i.Landlock = string(IsolationContainer), sandbox.LandlockVersion()
		i.Limits = report.Limits{By: "container", Reason: "what the container's engine sets, and the memory of its processes by repro"}
		i.Writes = report.Writes{To: "container"}
		i.Notes = append(notes, containerNotes()...)
		return i
	}
	h.isolated.mu.Lock()
	defer h.isolated.mu.Unlock()
	if w := h.isolated.all; h.isolated.some {
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
		notes = append(notes, isolationNotes(w)...)
	}
	i.Notes = notes
	return i
}

// isolationNotes says what this machine did not offer.
func isolationNotes(w sandbox.Isolation) (notes []string) {
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
