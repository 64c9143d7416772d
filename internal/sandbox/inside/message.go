//go:build linux && (amd64 || arm64)

package inside

import "errors"

// A socket connects the two sides. The request comes in on it, with its files, and
// outcomes go out. While it is open, process 1 knows that its parent is alive.

// Request is what process 1 is asked to do. A file is given by its number among
// those that come with the request, from 1 on; see resolve.
type Request struct {
	Lower   []Source
	Scratch Source
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
	Filter  []byte // of system calls, for seccomp(2)

	WithoutProc    bool // where there can be none
	Processors     int
	FixedAddresses bool

	Devices  []Device
	Binds    []Bind
	Group    int // file that moves whoever writes to it into the control group; 0: none
	Stdin    int // 0: empty
	Stdout   int
	Stderr   int
	Terminal int // socket on which the caller waits for a terminal's other end; 0: none

	hostProc int // the machine's /proc, where there can be no other; 0: there is one
	files    procFiles
	upper    int // where the program's files come to lie
}

func (r *Request) visit(w *wire) {
	list(w, &r.Lower, visitSource)
	visitSource(w, &r.Scratch)
	flag(w, &r.Overlay)
	for _, texts := range []*[]string{&r.Args, &r.Env, &r.Inputs, &r.Outputs} {
		list(w, texts, text)
	}
	text(w, &r.Dir)
	number(w, &r.Limits.Time)
	for _, n := range []*int64{&r.Limits.Memory, &r.Limits.FileSize, &r.Limits.Disk, &r.Limits.Files,
		&r.Limits.Processes, &r.Limits.OpenFiles, &r.Memory} {
		number(w, n)
	}
	list(w, &r.CPUs, number)
	text(w, &r.Filter)
	for _, f := range []*bool{&r.Net, &r.WithoutProc, &r.FixedAddresses} {
		flag(w, f)
	}
	list(w, &r.Devices, func(w *wire, d *Device) { text(w, &d.Source); text(w, &d.Name) })
	list(w, &r.Binds, func(w *wire, b *Bind) {
		visitSource(w, &b.Source)
		text(w, &b.Target)
		flag(w, &b.Write)
		flag(w, &b.Dir)
	})
	for _, n := range []*int{&r.Processors, &r.Group, &r.Stdin, &r.Stdout, &r.Stderr, &r.Terminal} {
		number(w, n)
	}
}

// Bind is where a source is shown.
type Bind struct {
	Source
	Target string
	Write  bool
	Dir    bool // else a file
}

// Source is a directory of the host: a path where process 1 may walk it, or
// the file of a detached mount where only the caller (root) may.
type Source struct {
	Path string
	File int

	// Device: File is a socket on which the caller waits for the device of a
	// FUSE mount that process 1 makes.
	Device bool
}

func visitSource(w *wire, s *Source) {
	text(w, &s.Path)
	number(w, &s.File)
	flag(w, &s.Device)
}

// resolve replaces the numbers of files by their descriptors in this process.
func (r *Request) resolve(fds []int) error {
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

// Stage says how far a sandbox got.
type Stage int

// The stages at which it can end, and one more.
const (
	StageSetup   Stage = iota + 1 // the machine's fault
	StageMissing                  // an input is not there
	StageStart                    // the program cannot be executed
	StageStarted                  // the program runs; another outcome follows
	StageDone
)

// Outcome is what process 1 found.
type Outcome struct {
	Stage       Stage
	What        string   // the part of the setup that failed
	Errno       int      // 0: see Text
	Text        string   // error without an errno
	Missing     []string // inputs
	Exit        int
	Signal      int
	OutOfMemory bool
	OverDisk    bool
	Full        string    // why the disk is
	CPU         int64     // nanoseconds
	MaxRSS      int64     // bytes
	Written     int64     // bytes
	Isolation   Isolation // of StageStarted
}

func (o *Outcome) visit(w *wire) {
	number(w, &o.Stage)
	for _, t := range []*string{&o.What, &o.Text, &o.Full, &o.Isolation.NoGroup} {
		text(w, t)
	}
	list(w, &o.Missing, text)
	for _, n := range []*int{&o.Errno, &o.Exit, &o.Signal, &o.Isolation.Landlock} {
		number(w, n)
	}
	for _, n := range []*int64{&o.CPU, &o.MaxRSS, &o.Written} {
		number(w, n)
	}
	for _, f := range []*bool{&o.OutOfMemory, &o.OverDisk, &o.Isolation.Proc, &o.Isolation.Pivoted, &o.Isolation.Clocks, &o.Isolation.Group} {
		flag(w, f)
	}
}
