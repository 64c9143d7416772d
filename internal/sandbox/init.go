//go:build linux && (amd64 || arm64)

package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// initName is the argv[0] under which Run starts this executable as process 1
// of a sandbox.
const initName = "repro-sandbox-init"

// Descriptors that process 1 inherits; those of detached mounts follow.
const (
	requestFD  = 3
	outcomeFD  = 4
	firstMount = 5
)

// In an ordinary process this does nothing. In process 1 of a sandbox it builds
// the root, runs the program and exits. It stands here and not in a function
// that every main calls, because what is initialised after this package, two
// fifths of the whole program, would be initialised for nothing.
func init() {
	if len(os.Args) != 1 || os.Args[0] != initName || os.Getpid() != 1 {
		return
	}
	runtime.LockOSThread() // capabilities and filters belong to threads
	os.Exit(serve())
}

// serve takes one request, obeys it and reports.
func serve() int {
	out := os.NewFile(outcomeFD, "outcome")
	in := os.NewFile(requestFD, "request")
	var req request
	if err := json.NewDecoder(io.LimitReader(in, maxMessage)).Decode(&req); err != nil {
		return 1 // the parent died while it spoke
	}
	go dieWithParent(in)
	say := json.NewEncoder(out)
	result := obey(&req, func(w Walls) { _ = say.Encode(outcome{Stage: stageStarted, Walls: &w}) })
	if say.Encode(result) != nil {
		return 1
	}
	return 0
}

// dieWithParent ends the sandbox when the other end of the request pipe is
// closed, that is when the process that called Run is gone. The parent death
// signal says the same; a kernel forgets it on some changes of credentials.
func dieWithParent(in *os.File) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(1)
}

// obey builds the sandbox and runs the program in it. Once that is under way,
// started is told what stands around it: the end may come without a word.
func obey(req *request, started func(Walls)) outcome {
	defaultSignals()
	closeInherited()
	var walls Walls
	if err := build(req, &walls); err != nil {
		return failedSetup(err)
	}
	if missing := prepareFiles(req); len(missing) > 0 {
		return outcome{Stage: stageMissing, Missing: missing}
	}
	count := openWriteCount()
	if err := protect(req, &walls); err != nil {
		return failedSetup(err)
	}
	return execute(req, count, walls, started)
}

// defaultSignals gives every signal its default action, in place of the Go
// runtime's handlers and of what the caller of repro ignored. The program
// inherits that; and the kernel keeps from process 1 of a namespace whatever
// it has no handler for, so that nothing inside can end it.
func defaultSignals() {
	const last, maskSize = 64, 8
	var action [4]uintptr // struct sigaction of the kernel: SIG_DFL, no flags
	for n := uintptr(1); n <= last; n++ {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, n, uintptr(unsafe.Pointer(&action)), 0, maskSize, 0, 0)
	}
}

// closeInherited marks every descriptor but the standard three as not to be
// passed on: those of this package, and whatever the caller's own parent left
// open for its children.
func closeInherited() {
	if unix.CloseRange(requestFD, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= requestFD {
			unix.CloseOnExec(fd)
		}
	}
}

// stepError names the part of the setup that the kernel refused.
type stepError struct {
	what string
	err  error
}

func (e *stepError) Error() string { return e.what + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func failedSetup(err error) outcome {
	o := outcome{Stage: stageSetup, Text: err.Error()}
	if step, ok := errors.AsType[*stepError](err); ok {
		o.What, o.Text = step.what, step.err.Error()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		o.Errno = int(errno)
	}
	return o
}
