//go:build !linux || !(amd64 || arm64)

package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"repro/report"
)

// Run fails with an [*UnavailableError].
func Run(context.Context, Command) (Result, error) { return Result{}, Probe(false) }

// Process is never started here.
type Process struct{}

// Begin starts nothing.
func Begin(bool) *Process { return &Process{} }

// Close does nothing.
func (*Process) Close() error { return nil }

// Check fails with an [*UnavailableError].
func Check(context.Context, Command) error { return Probe(false) }

// CheckDisk does nothing.
func CheckDisk(string) error { return nil }

// MachineMemory is not known.
func MachineMemory() int64 { return 0 }

// Probe fails with an [*UnavailableError].
func Probe(bool) error {
	return &UnavailableError{What: "create namespaces", Err: errors.ErrUnsupported,
		Hint: "repro run needs Linux on amd64 or arm64"}
}

// Resize fails: there are no sandboxes here.
func Resize(*os.File, int, int) error { return errors.ErrUnsupported }

// WhoRuns is the caller.
func WhoRuns() Identity {
	return Identity{UID: os.Geteuid(), GID: os.Getegid(), ServedUID: UID, ServedGID: GID}
}

// Prepare fails: there are no sandboxes here.
func Prepare(string) error { return errors.ErrUnsupported }

// Upper is the directory below scratch whose files a program wrote.
func Upper(scratch string) string { return filepath.Join(scratch, "upper") }

// MakePrivate fails: there are no sandboxes here.
func MakePrivate(string) error { return errors.ErrUnsupported }

// ChangeOwner does nothing.
func ChangeOwner(string) error { return nil }

// CPUs returns the numbers of the machine's processors.
func CPUs() []int { return make([]int, runtime.NumCPU()) }

// Survey says that there are no sandboxes here.
func Survey() []report.Feature {
	return []report.Feature{{Name: "sandbox", Needed: true, Detail: Probe(false).Error()}}
}

// OwnerNamespace fails.
func OwnerNamespace() (*os.File, error) { return nil, errors.ErrUnsupported }

// CheckContainer fails with an [*UnavailableError].
func CheckContainer() error { return Probe(false) }

// Confine fails with an [*UnavailableError].
func Confine(context.Context, Confinement) (Result, error) { return Result{}, Probe(false) }

// LandlockVersion is 0.
func LandlockVersion() int { return 0 }
