// Package sandbox runs one program isolated from the machine. The program sees a
// root made of directories that the caller names, an empty network, its own
// processes and the environment that it is given. It sees none of the host's
// files, names, users or processes. This needs no root, no daemon and no setuid
// helper.
//
// [Run] starts this very executable again in new user, mount, PID, IPC, UTS,
// network and cgroup namespaces. There, package inside builds the root, drops
// every capability, installs the system call filter of rules.go and starts the
// program. It remains process 1 of the new namespaces. When it ends, the kernel
// kills all other processes in them. It ends when the program ends, when the time
// is over, when the context is cancelled, or when the process that called Run
// dies in whatever way.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"repro/internal/sandbox/inside"
)

// What every program sees, wherever it runs.
const (
	Hostname = inside.Hostname
	UID      = inside.UID
	GID      = inside.GID
)

// mountPoints are the directories that the layers must have between them.
var mountPoints = []string{"/dev", "/proc", "/run"}

// Bounds on what a caller may ask for.
const (
	maxLayers = 490 // an overlay has room for 500
)

// Command is one program to run and what it is to see.
type Command struct {
	// Lower are directories whose union the program sees, the topmost first.
	// They are never written to.
	Lower []string

	// Serve, if not nil, serves the lowest layer of all: it is called once with
	// a FUSE device that was, or will be, mounted read-only, closes it, and
	// returns when the mount is gone or ctx has ended before there was one.
	// Files in it belong to the user that WhoRuns names for them.
	Serve func(ctx context.Context, device *os.File) error

	// Mounts, if not nil, makes further layers for below those of Lower, the
	// topmost first: mounts that are attached nowhere, which only root can make.
	Mounts func() ([]*os.File, error)

	// Scratch is a directory on the machine's disk in which Prepare has made
	// room for what the program writes. Empty: there is no overlay, the one
	// directory in Lower is the root itself and is written to.
	Scratch string

	Args []string // the first is looked up in Env's PATH, inside the root
	Dir  string   // absolute; made when missing
	Env  []string // the whole environment, NAME=value

	Binds   []Bind   // of the machine's own
	Devices []Device // of the machine's own; with any, /proc/driver is the machine's

	Inputs  []string // absolute paths that must exist before the program starts
	Outputs []string // absolute paths whose parent directories are made

	// WithoutProc allows a sandbox without a /proc, for machines where no new one
	// can be mounted, as in containers that mask theirs. It is weaker: the memory
	// of several processes is not added up then. See [Isolation].Proc.
	WithoutProc bool

	Limits Limits
	CPUs   []int // processors that the program may use; nil: all

	// Processors is how many /sys and /proc/cpuinfo show, whatever the machine
	// has; 0: /proc/cpuinfo is the machine's, and /sys empty.
	Processors     int
	FixedAddresses bool // the address space is not randomised

	Net bool // share the host's network instead of an empty one

	// Process, if not nil, is what [Begin] made for this command, with the same Net.
	Process *Process

	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer // nil: discarded

	// Terminal, if not nil, gives the program a new terminal in place of Stdin,
	// Stdout and Stderr. It is called once with the other end of that terminal,
	// which it closes. Reading from it fails when the program has ended; then
	// Terminal returns. The program never gets the caller's own terminal.
	Terminal func(master *os.File)
}

// Bind shows a file or directory of the machine's to the program.
type Bind struct {
	Source string // absolute, on the machine
	Target string // absolute, in the root; made when missing
	Write  bool   // let the program write there, as far as the caller may
}

// Types of package inside, which documents them.
type (
	Limits    = inside.Limits
	Device    = inside.Device
	Isolation = inside.Isolation
)

// DefaultFiles is how many files a program may write where Limits say nothing.
const DefaultFiles = inside.DefaultFiles

// What an [UnavailableError] says is missing, where a caller can do without:
// without an overlay, with a root that the program may write to; without layers
// that are served, with extracted ones.
const (
	Overlay = inside.Overlay
	Fuse    = inside.Fuse
)

// Result says how the program ended and what it took.
type Result struct {
	Exit        int    // exit status; -1 if a signal ended it
	Signal      string // "SIGKILL", "SIGSEGV", … if a signal ended it
	signal      int
	TimedOut    bool // killed because Limits.Time was over
	OutOfMemory bool // killed because it took more than Limits.Memory

	// MachineOutOfMemory says that the kernel killed a process because the control
	// group that repro is in, which somebody else bounds, had no memory left. It may
	// have been any of the processes that ran in that group meanwhile, and the
	// program may have gone on without it.
	MachineOutOfMemory bool

	OverDisk  bool // it wrote more than Limits.Disk or Limits.Files; it was killed, or had just ended
	Wall      time.Duration
	CPU       time.Duration // user and system, of all processes together
	MaxRSS    int64         // bytes, of the largest single process
	Written   int64         // bytes that its processes wrote, to files and pipes; as far as the kernel counts
	Isolation Isolation     // zero if the program was not started
}

// Status is the exit status as shells give it: 128 and the number of the
// signal, if one ended the program.
func (r Result) Status() int {
	if r.Signal != "" {
		return 128 + r.signal
	}
	return r.Exit
}

// errUnavailable begins the text of every error that says what the machine does
// not offer.
var errUnavailable = errors.New("this machine cannot isolate a program")

const fuseHint = "the administrator can load the fuse module and make /dev/fuse readable and writable for all"

// UnavailableError says what the machine refused.
type UnavailableError struct {
	What string // the part of the sandbox that could not be made
	Err  error
	Hint string // what to ask the administrator for; may be empty
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%v: %s: %v", errUnavailable, e.What, e.Err)
}

func (e *UnavailableError) Unwrap() []error { return []error{errUnavailable, e.Err} }

// StartError says that the program could not be started, for a reason that
// lies in the image or the recipe and not in the machine.
type StartError struct {
	Program string
	Err     error
}

func (e *StartError) Error() string { return fmt.Sprintf("start %q: %v", e.Program, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// errStuck says that a program was killed but its processes do not end, because
// the kernel waits for a disk to answer one of their reads. They run no code any
// more, and end when the disk answers or this process ends.
var errStuck = errors.New("what was killed does not end: a read of the image, or of a file that is bound, does not come back")

// FullError says that the disk of the scratch directory was nearly full, so that
// the program was killed, or not started.
type FullError struct{ Err error }

func (e *FullError) Error() string { return e.Err.Error() }
func (e *FullError) Unwrap() error { return e.Err }

// MissingError lists inputs that do not exist in the root.
type MissingError struct{ Paths []string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("missing input: %q", e.Paths)
}

// Identity is the user of the machine whom programs in a sandbox really are.
type Identity struct {
	UID, GID             int    // to whom every directory must belong that a program is to write in or read privately
	IsOther              bool   // it is another user than the caller
	ServedUID, ServedGID uint32 // to whom files of a layer that is served belong
}

// check refuses commands that could not mean anything.
func (c *Command) check() error {
	switch {
	case c.Scratch == "" && (len(c.Lower) != 1 || c.Serve != nil || c.Mounts != nil):
		return errors.New("sandbox: several layers, or one that is served, need a scratch directory")
	case len(c.Lower) == 0 && c.Serve == nil || len(c.Lower) > maxLayers:
		return fmt.Errorf("sandbox: %d layers: from 1 to %d are possible", len(c.Lower), maxLayers)
	case !strings.HasPrefix(c.Dir, "/"):
		return fmt.Errorf("sandbox: working directory %q is not absolute", c.Dir)
	}
	for _, b := range c.Binds {
		if err := b.check(); err != nil {
			return err
		}
	}
	for _, d := range c.Devices {
		if !path.IsAbs(d.Source) || !fs.ValidPath(d.Name) || d.Name == "." {
			return fmt.Errorf("sandbox: device %q as %q: want an absolute path and a name below /dev", d.Source, d.Name)
		}
	}
	for _, list := range [][]string{c.Inputs, c.Outputs} {
		for _, name := range list {
			if !strings.HasPrefix(name, "/") {
				return fmt.Errorf("sandbox: %q is not absolute", name)
			}
		}
	}
	for _, text := range append(append([]string{c.Dir}, c.Args...), c.Env...) {
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("sandbox: %q holds a zero byte", text)
		}
	}
	return nil
}

// check refuses targets that belong to the sandbox itself, and paths that are not
// clean.
func (b Bind) check() error {
	for _, name := range []string{b.Source, b.Target} {
		if !path.IsAbs(name) || path.Clean(name) != name || strings.ContainsRune(name, 0) {
			return fmt.Errorf("sandbox: bind: %q is not a clean absolute path", name)
		}
	}
	for _, own := range []string{"/dev", "/proc", "/sys", "/"} {
		if b.Target == own || own != "/" && strings.HasPrefix(b.Target, own+"/") {
			return fmt.Errorf("sandbox: bind: %q cannot be covered", b.Target)
		}
	}
	return nil
}
