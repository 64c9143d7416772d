package run

import (
	"errors"
	"fmt"

	"repro/internal/sandbox"
)

// ErrStep is what every error wraps that says that a step of the image failed.
var ErrStep = errors.New("a step failed")

// ErrMachine is what every error wraps that says that this machine cannot run
// the image.
var ErrMachine = errors.New("this machine cannot run the image")

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

// ErrAsked is what every error wraps that says that something was asked for
// which the image does not have: a step, or a quick profile.
var ErrAsked = errors.New("the image does not have what was asked for")

// askedError is one.
type askedError struct{ error }

func (askedError) Is(target error) bool { return target == ErrAsked }

// ErrData is what every error wraps that says that data which the image only
// names are not there, or are not those that it names.
var ErrData = errors.New("data that the image names are missing or differ")

// MachineError says what this machine lacks, and what to ask for.
type MachineError struct {
	Err  error
	Hint string
}

func (e *MachineError) Error() string   { return e.Err.Error() }
func (e *MachineError) Unwrap() []error { return []error{ErrMachine, e.Err} }

// machineError turns what the sandbox says of the machine into the error that
// this package promises.
func machineError(err error) error {
	if u, ok := errors.AsType[*sandbox.UnavailableError](err); ok {
		return &MachineError{Err: err, Hint: u.Hint}
	}
	return err
}
