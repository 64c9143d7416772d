// Package observe runs a command as it is and says what it touched: which files
// it read and looked at, what it changed, which programs it executed and whom it
// contacted.
//
// There are two ways. [View] puts the command into a mount namespace whose root
// is a FUSE view of this machine, served by this process, with overlays over the
// places that can be written: whatever the command reads, by whichever system
// call, was served here, and what it writes lands in the overlays' upper layers.
// [Calls] lets the command run where it is and has the kernel report its system
// calls (seccomp_unotify(2)). In both, execve, execveat and connect are reported
// by the kernel, and io_uring is answered with ENOSYS, so that nothing is done
// behind a filter.
//
// Nothing here judges what it sees: package capture does.
package observe

import (
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Way is how a command is observed.
type Way string

// The two ways.
const (
	View  Way = "view"  // a FUSE view of the machine
	Calls Way = "calls" // notification of system calls
)

// ErrUnavailable is wrapped by errors about a machine that offers neither way,
// or not the one that was asked for.
var ErrUnavailable = errors.New("this machine cannot observe a command")

// StartError says that the command could not be started.
type StartError struct {
	Program string
	Err     error
}

func (e *StartError) Error() string { return "start " + e.Program + ": " + e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Command is what is to be run and observed.
type Command struct {
	Args []string // the first is looked up in the PATH of Env
	Dir  string   // absolute, without symbolic links
	Env  []string // "NAME=value"

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	Way      Way      // empty: View if this machine offers it, else Calls
	Own      string   // folder of the experiment, absolute: what its files held before is kept
	Scratch  string   // an existing folder for this observation alone
	Writable []string // further folders that the command may write to; with View only
}

// Observation is what was seen.
type Observation struct {
	Way     Way
	Refused string   // why the View was not possible; empty if it was, or was not wanted
	Blind   []string // what this way cannot see

	Started     time.Time
	Wall        time.Duration
	Exit        int    // exit status; -1 if a signal ended the command
	Signal      string // "SIGKILL", … if one did
	Interrupted bool   // the context ended first
	signal      int

	Files    []File // in byte order of paths
	Changes  []Change
	Folders  []string // that the command made; with View, they are not on the machine yet
	Programs []Program
	Contacts []Contact
	Denied   []string // places where the command wanted to write and the View does not let it
	Left     []string // programs that outlived the command and were ended
}

// Status is how the command ended, as shells say it: 128 and the number of the
// signal, if one ended it. It is not 0 if the command was interrupted.
func (o *Observation) Status() int {
	const interrupted = 130
	switch {
	case o.signal > 0:
		return 128 + o.signal
	case o.Interrupted && o.Exit == 0:
		return interrupted
	}
	return o.Exit
}

// Access says what was done to a file; the bits add up.
type Access uint8

// Kinds of access.
const (
	Looked   Access = 1 << iota // its name was found: stat, access, open
	Read                        // content was read, mapped or executed; of Calls: it was opened for that
	Listed                      // a folder's names were read
	Executed                    // it was started as a program
	Updated                     // it was opened to be changed in place, unread before: whether what it held mattered was not seen
)

// File is a file, folder or symbolic link that was there before the command
// changed anything.
type File struct {
	Path   string
	Mode   os.FileMode // type and permissions
	Size   int64
	Target string // of a symbolic link
	Access Access
	ID     Identity // when it was first seen
}

// Identity tells one content of one file from every other: none may change
// without one of these.
type Identity struct {
	Device, Inode     uint64
	Size              int64
	Modified, Changed int64 // nanoseconds since 1970
}

// Change is one regular file or symbolic link that the command made, changed or
// removed. Until Keep or Undo is called, both states are kept, and which of them
// stands at Path depends on the way of observing.
type Change struct {
	Path   string
	Before string // file that holds what was there; empty: nothing was
	After  string // file that holds what the command left; empty: nothing
	Link   bool   // what the command left is a symbolic link
}

// Program is one that was executed.
type Program struct {
	Parent int    // index of the program that started this one; -1 for the first
	Path   string // as it was asked for, made absolute
	Args   []string
	Dir    string
	Start  time.Duration // since the beginning
}

// Contact is an address to which a socket was connected, or datagrams sent.
type Contact struct {
	Kind    string // "ip" or "unix"
	Address string // "192.0.2.7:443", or a path
	Program int    // index of the first program that did; -1: not known
}

// inside reports whether name is dir or lies below it.
func inside(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

// outermost drops the folders that lie in others, and doubles.
func outermost(dirs []string) []string {
	var all []string
	for _, d := range dirs {
		all = append(all, path.Clean(d))
	}
	slices.Sort(all)
	var out []string
	for _, d := range slices.Compact(all) {
		if !slices.ContainsFunc(out, func(o string) bool { return inside(d, o) }) {
			out = append(out, d)
		}
	}
	return out
}
