//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// confinedName is the argv[0] under which this executable confines itself and
// becomes the program.
const confinedName = "repro-confined"

// Descriptors of that process, above the standard three.
const (
	confinedRules   = 3 + iota // of Landlock
	confinedRequest            // a pipe with what is asked
	confinedReport             // a pipe for why the program could not be executed
)

// confined is what is asked.
type confined struct {
	Program        string // path
	Args, Env      []string
	Dir            string
	Limits         Limits
	CPUs           []int
	Filter         []byte
	FixedAddresses bool
}

// In an ordinary process this does nothing.
func init() {
	if len(os.Args) != 1 || os.Args[0] != confinedName {
		return
	}
	runtime.LockOSThread() // privileges and filters belong to threads
	for fd := confinedRules; fd <= confinedReport; fd++ {
		unix.CloseOnExec(fd)
	}
	err := becomeProgram()
	fmt.Fprint(os.NewFile(confinedReport, "report"), err)
	os.Exit(127)
}

// startPrefix marks, in what that process reports, errors of the program's.
const startPrefix = "execute: "

// becomeProgram returns only if it fails.
func becomeProgram() error {
	request := os.NewFile(confinedRequest, "request")
	var c confined
	if err := json.NewDecoder(request).Decode(&c); err != nil {
		return err
	}
	if len(c.CPUs) > 0 {
		var set unix.CPUSet
		for _, n := range c.CPUs {
			set.Set(n)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("choose processors: %w", err)
		}
	}
	if c.FixedAddresses {
		const noRandomize = 0x0040000 // linux/personality.h
		if _, _, errno := unix.Syscall(unix.SYS_PERSONALITY, noRandomize, 0, 0); errno != 0 {
			return fmt.Errorf("fix addresses: %w", errno)
		}
	}
	if err := unix.Chdir(c.Dir); err != nil {
		return fmt.Errorf("%s%s: %w", startPrefix, c.Dir, err)
	}
	if err := inside.Confine(c.Limits, c.Filter, confinedRules); err != nil {
		return err
	}
	return fmt.Errorf("%s%w", startPrefix, unix.Exec(c.Program, c.Args, c.Env))
}

// CheckContainer reports whether this process may run programs in the container
// that somebody has built around it: nil, or an [*UnavailableError].
func CheckContainer() error {
	switch version := inside.LandlockVersion(); {
	case os.Getpid() != 1:
		return &UnavailableError{What: "run in a container", Err: fmt.Errorf("this is process %d of it, and must be process 1", os.Getpid()),
			Hint: "this isolation is for containers that repro run --on starts"}
	case version < 2:
		return &UnavailableError{What: "hide the published results", Err: errors.New("there is no Landlock 2 (Linux 5.19), or the container's filter of system calls forbids it"),
			Hint: "ask for a newer kernel, or a newer container engine"}
	}
	return nil
}

// Confine runs c in the root that this process has, and waits until it and every
// process that it started is gone. Its errors are those of [Run].
func Confine(ctx context.Context, c Confinement) (result Result, err error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return result, errors.New("sandbox: no program named")
	}
	if err := errors.Join(ctx.Err(), CheckContainer()); err != nil {
		return result, err
	}
	search, home := "", "/"
	for _, e := range c.Env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			search = v
		}
		if v, ok := strings.CutPrefix(e, "HOME="); ok {
			home = v
		}
	}
	if missing := inside.Ready(c.Dir, home, c.Inputs, c.Outputs); len(missing) > 0 {
		return result, &MissingError{missing}
	}
	program, err := inside.LookPath(c.Args[0], c.Dir, search)
	if err != nil {
		return result, &StartError{c.Args[0], err}
	}
	request, err := json.Marshal(confined{
		Program: program, Args: c.Args, Env: c.Env, Dir: c.Dir, Limits: c.Limits, CPUs: c.CPUs,
		Filter: encoded(compile(refused, allowed)), FixedAddresses: c.FixedAddresses,
	})
	if err != nil {
		return result, err
	}
	return confine(ctx, c, request)
}

// confine starts the process that becomes the program and follows it to its end.
func confine(ctx context.Context, c Confinement, request []byte) (result Result, err error) {
	// What stands in /proc of this process is none of the program's business.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return result, &UnavailableError{What: "protect process 1", Err: err}
	}
	rules, err := inside.LandlockWithout(c.Hidden)
	if err != nil {
		return result, &UnavailableError{What: "hide the published results", Err: err}
	}
	defer rules.Close()
	output, err := newPipes(c.Stdout, c.Stderr, identity{})
	if err != nil {
		return result, err
	}
	defer output.wait()
	defer output.release()
	askRead, askWrite, err := os.Pipe()
	if err != nil {
		return result, err
	}
	defer askRead.Close()
	defer askWrite.Close()
	failRead, failWrite, err := os.Pipe()
	if err != nil {
		return result, err
	}
	defer failRead.Close()
	cmd := exec.Cmd{Path: "/proc/self/exe", Args: []string{confinedName}, Env: []string{}, Stdout: output.stdout, Stderr: output.stderr,
		ExtraFiles: []*os.File{rules, askRead, failWrite}, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		failWrite.Close()
		return result, &UnavailableError{What: "start a process", Err: err}
	}
	failWrite.Close()
	late := killAtEnd(ctx, c.Limits.Time)
	exceeded := inside.WatchMemory(memoryOf(c.Limits))
	_, sent := askWrite.Write(request)
	askWrite.Close()
	failed, _ := io.ReadAll(io.LimitReader(failRead, 4096)) // closed by execve
	state, waited := cmd.Process.Wait()
	inside.EndOthers()
	result.TimedOut, result.OutOfMemory, result.Wall = late(), exceeded(), time.Since(began)
	if why := string(failed); why != "" {
		if text, ok := strings.CutPrefix(why, startPrefix); ok {
			return result, &StartError{c.Args[0], errors.New(text)}
		}
		return result, &UnavailableError{What: "confine a program", Err: errors.New(why)}
	}
	if err := errors.Join(sent, waited); err != nil && ctx.Err() == nil {
		return result, err
	}
	result.take(state)
	result.Isolation = Isolation{Proc: true, Pivoted: true, Landlock: inside.LandlockVersion()}
	return result, ctx.Err()
}

// killAtEnd kills everything but this process when ctx ends or the time is over,
// until the function that it returns is called, which reports whether it was.
func killAtEnd(ctx context.Context, limit time.Duration) (stop func() bool) {
	var late atomic.Bool
	var timeout <-chan time.Time
	if limit > 0 {
		timeout = time.After(limit)
	}
	end := make(chan struct{})
	go func() {
		select {
		case <-end:
			return
		case <-ctx.Done():
		case <-timeout:
			late.Store(true)
		}
		_ = syscall.Kill(-1, syscall.SIGKILL)
	}()
	return func() bool {
		close(end)
		return late.Load()
	}
}

// take fills in how the program ended. Only its own processor time, and that of
// processes that it waited for, are known.
func (r *Result) take(state *os.ProcessState) {
	if state == nil {
		return
	}
	r.Exit, r.CPU = state.ExitCode(), state.UserTime()+state.SystemTime()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.signal, r.Signal = int(status.Signal()), unix.SignalName(status.Signal())
	}
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS, r.Written = u.Maxrss<<10, u.Oublock*512
	}
}

// LandlockVersion is what this machine's kernel offers; 0 is none.
func LandlockVersion() int { return inside.LandlockVersion() }
