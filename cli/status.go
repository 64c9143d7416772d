package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"repro/archive"
	"repro/attest"
	"repro/attest/statement"
	"repro/capture/observe"
	"repro/format"
	"repro/format/squashfs"
	"repro/internal/mount"
	"repro/key/store"
	"repro/publish/registry"
	"repro/publish/repository"
	"repro/report/view"
	"repro/run"
	"repro/sign"
	"repro/verify"
)

// The exit statuses of every command.
const (
	statusDone        = 0
	statusFailed      = 1
	statusUsage       = 2
	statusNotSigned   = 3
	statusAltered     = 4
	statusDiffers     = 5
	statusStepFailed  = 6
	statusMachine     = 7
	statusInterrupted = 130
)

// usageError says that the command line is wrong.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errDiffers says that a comparison found differences. The report, already
// printed, says which.
var errDiffers = errors.New("results differ from the published ones")

// exitStatus is the one place that turns an error into an exit status.
func exitStatus(ctx context.Context, err error) int {
	var usage usageError
	var demo demoError
	var program programStatus
	switch {
	case err == nil:
		return statusDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return statusInterrupted
	case errors.As(err, &demo):
		return demo.exitStatus()
	case errors.As(err, &program):
		return int(program)
	case errors.As(err, &usage), errors.Is(err, run.ErrAsked):
		return statusUsage
	case errors.Is(err, format.ErrMalformed), errors.Is(err, format.ErrForeign), errors.Is(err, format.ErrAltered),
		errors.Is(err, squashfs.ErrMalformed), errors.Is(err, archive.ErrDamaged),
		errors.Is(err, attest.ErrReport), errors.Is(err, attest.ErrMalformed), errors.Is(err, statement.ErrAnother):
		return statusAltered
	case errors.Is(err, verify.ErrNotSigned):
		return statusNotSigned
	case errors.Is(err, run.ErrStep):
		return statusStepFailed
	case errors.Is(err, run.ErrMachine), errors.Is(err, mount.ErrUnavailable), errors.Is(err, observe.ErrUnavailable):
		return statusMachine
	case errors.Is(err, errDiffers), errors.Is(err, errTwoBuilds):
		return statusDiffers
	}
	return statusFailed
}

// errTold is a failure that the answer itself has told of.
var errTold = errors.New("see what was printed")

// foreignHint is for who has a SIF file that is no image.
const foreignHint = "repro did not make this SIF file: repro verify --foreign checks its signatures, Apptainer runs it, and environment: {sif: FILE} in a repro.yaml builds an experiment on it"

// hintFor says what may help, or nothing.
func hintFor(err error, status int) string {
	var program programStatus
	var machine *run.MachineError
	var unverified *verify.Error
	var adoptable adoptableError
	switch {
	case errors.As(err, &program):
		return ""
	case errors.As(err, &unverified) && unverified.Foreign, errors.Is(err, format.ErrForeign):
		return foreignHint
	case errors.As(err, &adoptable):
		return "if it was signed with another program, such as apptainer sign, take that over with: repro sign --adopt --key SIGNER.pub " + view.Clean(adoptable.image)
	case errors.Is(err, sign.ErrDraft):
		return "fill in what `repro check` names in the recipe, then build again without --draft"
	case errors.Is(err, run.ErrAsked):
		return "repro inspect IMAGE lists its steps"
	case errors.Is(err, attest.ErrReport):
		return "run the image again with repro run, and attest what that leaves"
	case errors.Is(err, statement.ErrAnother), errors.Is(err, attest.ErrMalformed), errors.Is(err, store.ErrOlder):
		return ""
	case status == statusUsage:
		return "see repro COMMAND --help"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full: nothing was left half-written; choose another place with -o, or another TMPDIR"
	case errors.Is(err, fs.ErrPermission) && status == statusFailed:
		return "check who owns the file and the folder around it"
	case errors.Is(err, run.ErrData):
		return "bring the data with repro fetch IMAGE -o FOLDER, then name the folder with --data FOLDER"
	case errors.Is(err, repository.ErrToken):
		return "make a new token in the settings of your account there, with leave to write deposits; the draft stays, and the same command goes on with it"
	case errors.Is(err, registry.ErrLogin):
		return "log in with docker login HOST or podman login HOST, as who may do this there"
	case errors.Is(err, repository.ErrUnsure):
		return "look at the record there, or type the same command again: it looks first"
	case errors.Is(err, archive.ErrMissing):
		return "nothing was written; each line above says what would help"
	case status == statusNotSigned && unverified != nil && unverified.Unmet:
		return "the rules that are not met are listed under policy: ask those persons for their word (repro sign, repro attest), or say whose a key is (repro key trust)"
	case status == statusNotSigned:
		return "name whose signature you ask for with --key FILE.pub, --by WHOM or --policy FILE; ask the author for the public key if you have none"
	case status == statusAltered:
		return "get the image again from where it was published; nothing of this one should be run"
	case errors.As(err, &machine) && machine.Hint != "":
		return machine.Hint
	case status == statusMachine:
		return "repro doctor says what this machine lacks, and what to ask its administrator for"
	}
	return ""
}

// flatten splits errors joined by errors.Join, each of which stands for itself.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var lines []string
	var all []error
	for _, e := range joined.Unwrap() {
		lines = append(lines, e.Error())
		all = append(all, flatten(e)...)
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err} // several causes in one sentence
	}
	return all
}
