package run

import (
	"errors"
	"fmt"

	"repro/engine"
	"repro/run/plan"
	"repro/run/rootfs"
)

// ErrStep is what every error wraps that says that a step of the image failed.
var ErrStep = errors.New("a step failed")

// What other errors of a run wrap; the packages that they come from describe
// them.
var (
	ErrMachine = engine.ErrMachine
	ErrAsked   = plan.ErrAsked
	ErrData    = rootfs.ErrData
)

// MachineError says what this machine lacks, and what to ask for.
type MachineError = engine.MachineError

// StepError names the first step, in the image's order, that failed.
type StepError struct {
	Step    string
	Problem string
	Log     string // file that holds what it printed
	Others  int    // further steps that failed
}

func (e *StepError) Error() string {
	more := ""
	if e.Others > 0 {
		more = fmt.Sprintf(" (and %d more)", e.Others)
	}
	return fmt.Sprintf("step %q: %s%s; its output is in %s", e.Step, e.Problem, more, e.Log)
}

func (e *StepError) Unwrap() error { return ErrStep }
