package run

import (
	"fmt"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/report"
	"repro/run/processor"
)

// isolation says how the steps were isolated from the machine, and in its notes
// what a reader of the results must know.
func (x *experiment) isolation(e execution, steps []report.StepStatus, answers []processor.Answer) report.Isolation {
	var asked []string
	if e.options.Quick {
		asked = append(asked, x.profile.QuickNote())
	}
	if changed := e.options.Change.Lines(); len(changed) > 0 {
		asked = append(asked, "steps ran otherwise than the image says: "+strings.Join(changed, ", "))
	}
	cores := make([]string, len(steps))
	for i, s := range steps {
		cores[i] = s.Core
	}
	i := e.host.Isolation(asked...)
	i.Notes = append(i.Notes, processor.Notes(x.plan.Steps, x.manifest.Paper.Date, cores, answers)...)
	i.Notes = append(i.Notes, x.clockNotes(e.host.Root().ClockLibrary())...)
	return i
}

// clockNotes says whether the clock stood still for steps that ask for it;
// library is the path of libfaketime in the root.
func (x *experiment) clockNotes(library string) []string {
	i := slices.IndexFunc(x.plan.Steps, func(s manifest.Step) bool { return slices.Contains(s.Fixed, manifest.FixedClock) })
	switch {
	case i < 0:
		return nil
	case library == "":
		return []string{fmt.Sprintf("step %q asks for a clock that stands still, but the image has no libfaketime: it saw the machine's", x.plan.Steps[i].Name)}
	}
	return []string{"the clock stood still for programs that ask the C library; not for static ones, nor for those that ask the kernel or the processor, and files have the times at which they were written"}
}
