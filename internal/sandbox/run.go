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
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Run runs c and waits until it and every process that it started is gone.
//
// The error is nil whenever the program ran, however it ended: that is in the
// result. Otherwise it is an [*UnavailableError], a [*MissingError], a
// [*StartError], or ctx's.
func Run(ctx context.Context, c Command) (Result, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return Result{}, errors.New("sandbox: no program named")
	}
	return start(ctx, c)
}

// Check builds the sandbox that c asks for, without running a program in it.
func Check(ctx context.Context, c Command) error {
	c.Args = nil
	_, err := start(ctx, c)
	return err
}

func start(ctx context.Context, c Command) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	type ended struct {
		result Result
		err    error
	}
	done := make(chan ended)
	go func() {
		// A parent death signal is sent when the thread ends, not the
		// process: this thread stays until the sandbox is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		result, err := run(ctx, &c)
		done <- ended{result, err}
	}()
	end := <-done
	return end.result, end.err
}

func run(ctx context.Context, c *Command) (Result, error) {
	requestRead, requestWrite, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer requestWrite.Close()
	defer requestRead.Close()
	outcomeRead, outcomeWrite, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer outcomeRead.Close()
	defer outcomeWrite.Close()

	cmd := initCommand(c)
	cmd.ExtraFiles = []*os.File{requestRead, outcomeWrite} // requestFD, outcomeFD
	req, mounts, err := newRequest(c)
	defer closeAll(mounts)
	if err != nil {
		return Result{}, err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, mounts...)

	timeout := make(<-chan time.Time)
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{}, &UnavailableError{What: "create namespaces", Err: err, Hint: namespaceHint()}
	}
	requestRead.Close()
	outcomeWrite.Close()
	if c.Limits.Time > 0 {
		timer := time.NewTimer(c.Limits.Time)
		defer timer.Stop()
		timeout = timer.C
	}
	timedOut := make(chan bool, 1)
	finished := make(chan struct{})
	go func() {
		late := false
		select {
		case <-finished:
		case <-ctx.Done():
			_ = cmd.Process.Kill()
		case <-timeout:
			late = true
			_ = cmd.Process.Kill()
		}
		timedOut <- late
	}()

	var out outcome
	sent := json.NewEncoder(requestWrite).Encode(req)
	heard := json.NewDecoder(io.LimitReader(outcomeRead, maxMessage)).Decode(&out)
	waited := cmd.Wait() // the kernel lets process 1 end only after all others
	close(finished)
	result := Result{Wall: time.Since(started), TimedOut: <-timedOut}
	if result.TimedOut || heard != nil {
		out = killed(cmd.ProcessState)
	}
	if err := ctx.Err(); err != nil && heard != nil {
		return result, err
	}
	if heard != nil && !result.TimedOut && !signaled(cmd.ProcessState) {
		return result, fmt.Errorf("sandbox ended without a word: %w", errors.Join(sent, heard, waited))
	}
	return result.with(out, c)
}

// signaled reports whether process 1 was killed: the kernel out of memory, or
// the machine's administrator.
func signaled(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// killed describes a sandbox that was killed whole: what the kernel accounted
// to process 1 includes all others.
func killed(state *os.ProcessState) outcome {
	out := outcome{Stage: stageDone, Exit: -1, Signal: int(unix.SIGKILL)}
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		out.CPU = u.Utime.Nano() + u.Stime.Nano()
		out.MaxRSS = u.Maxrss << 10
	}
	return out
}

func (r Result) with(out outcome, c *Command) (Result, error) {
	err := error(syscall.Errno(out.Errno))
	if out.Errno == 0 {
		err = errors.New(out.Text)
	}
	switch out.Stage {
	case stageMissing:
		return r, &MissingError{out.Missing}
	case stageStart:
		return r, &StartError{c.Args[0], err}
	case stageSetup:
		return r, &UnavailableError{What: out.What, Err: err, Hint: setupHint(out.What, err)}
	}
	r.TooBig = out.TooBig
	r.Exit, r.CPU, r.MaxRSS = out.Exit, time.Duration(out.CPU), out.MaxRSS
	if out.Signal != 0 {
		r.Signal = unix.SignalName(syscall.Signal(out.Signal))
	}
	return r, nil
}

// initCommand is this executable as process 1 of new namespaces.
func initCommand(c *Command) *exec.Cmd {
	host := owner()
	flags := unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	if !c.Net {
		flags |= unix.CLONE_NEWNET
	}
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName}, Env: []string{}, Dir: "/",
		Stdout: piped(c.Stdout), Stderr: piped(c.Stderr),
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:                 uintptr(flags),
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: UID, HostID: host.uid, Size: 1}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: GID, HostID: host.gid, Size: 1}},
			GidMappingsEnableSetgroups: host.drop,
			Credential:                 &syscall.Credential{Uid: UID, Gid: GID, NoSetGroups: !host.drop},
			AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP,
				unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER},
			Pdeathsig: unix.SIGKILL,
			Setsid:    true, // away from the caller's terminal
		},
	}
}

// piped keeps exec from handing a file of the caller's, perhaps its terminal,
// to the program: whatever w is, the program gets a pipe.
func piped(w io.Writer) io.Writer {
	if w == nil {
		w = io.Discard
	}
	return struct{ io.Writer }{w}
}

// newRequest opens as root what process 1, an ordinary user, could not reach.
func newRequest(c *Command) (*request, []*os.File, error) {
	req := &request{
		Overlay: c.Scratch != "",
		Args:    c.Args, Dir: c.Dir, Env: c.Env, Inputs: c.Inputs, Outputs: c.Outputs,
		Limits: c.Limits, CPUs: c.CPUs, Net: c.Net,
	}
	dirs := c.Lower
	if req.Overlay {
		dirs = append(dirs[:len(dirs):len(dirs)], c.Scratch)
	}
	var mounts []*os.File
	var sources []source
	for _, dir := range dirs {
		if !owner().drop {
			sources = append(sources, source{Path: dir})
			continue
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, mounts, fmt.Errorf("open layer %s: %w", dir, err)
		}
		sources = append(sources, source{FD: firstMount + len(mounts)})
		mounts = append(mounts, os.NewFile(uintptr(fd), dir))
	}
	req.Lower = sources[:len(c.Lower)]
	if req.Overlay {
		req.Scratch = sources[len(c.Lower)]
	}
	return req, mounts, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
