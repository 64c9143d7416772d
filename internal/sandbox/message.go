package sandbox

import "errors"

// A socket joins Run and process 1. It brings the request in, with the files
// that belong to it, and the outcome out and, by staying open, tells process 1
// that its parent is alive.

// request is what Run asks of process 1. Files are given by their place among
// those that come with it, from 1 on; see resolve.
type request struct {
	Lower   []source
	Scratch source
	Overlay bool // false: the one lower directory itself is the root, writable

	Args    []string
	Dir     string
	Env     []string
	Inputs  []string
	Outputs []string
	Limits  Limits
	Memory  int64 // that Limits come to
	CPUs    []int
	Net     bool

	WithoutProc bool `json:",omitempty"` // where there can be none

	Processors     int  `json:",omitempty"`
	FixedAddresses bool `json:",omitempty"`

	Devices  []Device `json:",omitempty"`
	Binds    []bind   `json:",omitempty"`
	Group    int      `json:",omitempty"` // file that moves whoever writes to it into the control group; 0: none
	Stdin    int      `json:",omitempty"` // 0: empty
	Stdout   int
	Stderr   int
	hostProc int // process 1's: the machine's /proc, where there can be no other; 0: there is one
	firstPID int // process 1's: sets the number of the next process; -1: nothing does
	upper    int // process 1's: where the program's files come to lie
	Terminal int `json:",omitempty"` // socket on which the caller waits for a terminal's other end; 0: none
}

// bind is where a source is shown.
type bind struct {
	source
	Target string
	Write  bool `json:",omitempty"`
	Dir    bool `json:",omitempty"` // else a file,
	Plain  bool `json:",omitempty"` // a regular one or a device
}

// source is a directory of the host: a path where process 1 may walk it, or
// the file of a detached mount where only the caller (root) may.
type source struct {
	Path string `json:",omitempty"`
	File int    `json:",omitempty"`

	// Device: File is a socket on which the caller waits for the device of a
	// FUSE mount that process 1 makes.
	Device bool `json:",omitempty"`
}

// resolve puts the descriptors that files have here in place of their numbers.
func (r *request) resolve(fds []int) error {
	numbers := []*int{&r.Group, &r.Stdin, &r.Stdout, &r.Stderr, &r.Terminal, &r.Scratch.File}
	for i := range r.Lower {
		numbers = append(numbers, &r.Lower[i].File)
	}
	for i := range r.Binds {
		numbers = append(numbers, &r.Binds[i].File)
	}
	for _, n := range numbers {
		switch {
		case *n < 0 || *n > len(fds):
			return errors.New("the request names a file that did not come with it")
		case *n > 0:
			*n = fds[*n-1]
		}
	}
	return nil
}

// Stages at which a sandbox can fail.
const (
	stageSetup   = "setup"   // the machine's fault
	stageMissing = "missing" // an input is not there
	stageStart   = "start"   // the program cannot be executed
	stageStarted = "started" // the program runs; another outcome follows
	stageDone    = "done"
)

// outcome is what process 1 found.
type outcome struct {
	Stage   string
	What    string   `json:",omitempty"` // the part of the setup that failed
	Errno   int      `json:",omitempty"`
	Text    string   `json:",omitempty"` // error without an errno
	Missing []string `json:",omitempty"`
	Exit    int
	Signal  int
	TooBig  bool
	TooMuch bool
	Full    string `json:",omitempty"` // why the disk is
	CPU     int64  // nanoseconds
	MaxRSS  int64  // bytes
	Written int64  // bytes
	Walls   *Walls `json:",omitempty"` // of stageStarted
}
