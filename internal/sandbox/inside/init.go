//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"repro/internal/sandbox/kernel"
)

// Name is the argv[0] under which this executable is process 1 of a sandbox.
const Name = "repro-sandbox-init"

// socketFD is the one descriptor, but for the standard three, that process 1
// inherits.
const socketFD = 3

// In an ordinary process this does nothing. In process 1 of a sandbox it builds
// the root, runs the program and exits.
func init() {
	if len(os.Args) != 1 || os.Args[0] != Name || os.Getpid() != 1 {
		return
	}
	runtime.LockOSThread() // capabilities and filters belong to threads
	os.Exit(serve())
}

// serve receives one request, carries it out and reports the outcome.
func serve() int {
	defaultSignals()
	closeInherited()
	base := layGroundwork()
	socket := os.NewFile(socketFD, "socket")
	req, err := receiveRequest(socket)
	if err != nil {
		return 1 // the parent died, or has no use for this process
	}
	go dieWithParent(socket)
	result := carryOut(req, base, func(w Isolation) { _ = Send(socket, &Outcome{Stage: StageStarted, Isolation: w}) })
	if Send(socket, &result) != nil {
		return 1
	}
	return 0
}

// maxFiles bounds how many files come with a request: its layers, what is
// bound, and some more.
const maxFiles = 1 << 14

// receiveRequest waits for a request and receives the files that come with it.
func receiveRequest(socket *os.File) (*Request, error) {
	fds, err := ReceiveFiles(socketFD, maxFiles)
	if err != nil {
		return nil, err
	}
	var req Request
	if err := Receive(socket, &req); err != nil {
		return nil, err
	}
	if err := req.resolve(fds); err != nil {
		return nil, err
	}
	for to, fd := range map[int]int{1: req.Stdout, 2: req.Stderr} {
		if err := syscall.Dup3(fd, to, 0); err != nil {
			return nil, err
		}
	}
	return &req, nil
}

// dieWithParent ends the sandbox when the other end of the socket is closed,
// that is when the process that called Run is gone. The parent death signal
// says the same; a kernel forgets it on some changes of credentials.
func dieWithParent(in *os.File) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(1)
}

// carryOut builds the sandbox and runs the program in it. It calls started with
// the isolation as soon as the program runs, since process 1 may be killed before
// it can report the end.
func carryOut(req *Request, base *groundwork, started func(Isolation)) Outcome {
	var isolation Isolation
	if err := base.build(req, &isolation); err != nil {
		return failedSetup(err)
	}
	if missing := prepareFiles(req); len(missing) > 0 {
		return Outcome{Stage: StageMissing, Missing: missing}
	}
	count := openWriteCount()
	if err := protect(req, &isolation); err != nil {
		return failedSetup(err)
	}
	return execute(req, count, isolation, started)
}

// defaultSignals gives every signal its default action, in place of the Go
// runtime's handlers and of what the caller of repro ignored. The program
// inherits that; and the kernel keeps from process 1 of a namespace whatever
// it has no handler for, so that nothing inside can end it.
func defaultSignals() {
	const last, maskSize = 64, 8
	var action [4]uintptr // struct sigaction of the kernel: SIG_DFL, no flags
	for n := uintptr(1); n <= last; n++ {
		_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, n, uintptr(unsafe.Pointer(&action)), 0, maskSize, 0, 0)
	}
}

// closeInherited marks every descriptor but the standard three as not to be
// passed on: those of this package, and whatever the caller's own parent left
// open for its children.
func closeInherited() {
	if kernel.CloseRange(socketFD, ^uint(0)>>1, kernel.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= socketFD {
			syscall.CloseOnExec(fd)
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

func failedSetup(err error) Outcome {
	o := Outcome{Stage: StageSetup, Text: err.Error()}
	if step, ok := errors.AsType[*stepError](err); ok {
		o.What, o.Text = step.what, step.err.Error()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		o.Errno = int(errno)
	}
	return o
}
