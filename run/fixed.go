package run

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// stillClock is the variables through which libfaketime, preloaded, shows
// programs the date of the paper, at which the clock stands still. Clocks that
// measure how long something takes go on: a loop that waits would not end.
func stillClock(library, date, preload string) map[string]string {
	t, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return nil
	}
	return map[string]string{
		"LD_PRELOAD":                   strings.TrimSuffix(library+":"+preload, ":"),
		"FAKETIME":                     t.UTC().Format(time.DateTime),
		"FAKETIME_DONT_FAKE_MONOTONIC": "1",
		"FAKETIME_NO_CACHE":            "1",
		"NO_FAKE_STAT":                 "1", // times of files are those of the layers, or of the run
	}
}

// clockLibrary returns the path of libfaketime in the root, or "".
func (r *runner) clockLibrary() string {
	return format.ClockLibrary(func(name string) *tree.Node {
		seen, err := r.root.Find(name)
		if err != nil {
			return nil
		}
		return seen.Node
	})
}

// fixedNotes says what could not be held still, or not wholly.
func (r *runner) fixedNotes() []string {
	var notes []string
	still := func(s manifest.Step) bool { return slices.Contains(s.Fixed, manifest.FixedClock) }
	switch i := slices.IndexFunc(r.plan.steps, still); {
	case i < 0:
	case r.clockLibrary() == "":
		notes = append(notes, fmt.Sprintf("step %q asks for a clock that stands still, but the image has no libfaketime: it saw the machine's", r.plan.steps[i].Name))
	default:
		notes = append(notes, "the clock stood still for programs that ask the C library; not for static ones, nor for those that ask the kernel or the processor, and files have the times at which they were written")
	}
	return notes
}
