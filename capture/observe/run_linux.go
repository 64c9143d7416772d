//go:build linux && (amd64 || arm64)

package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"repro/internal/rmtree"
)

const (
	maxRead       = 1 << 20 // bytes that the kernel asks for at once
	maxBackground = 64      // requests for what it reads ahead
)

// How long a command may take to end that was interrupted, or was asked to, and
// what it left running to finish.
const (
	finishPatience    = time.Second
	interruptPatience = 2 * time.Second
	endPatience       = 5 * time.Second
)

// Run runs the command and returns what was seen once it, and what it left
// running, has ended. When ctx ends, the command is interrupted, later killed,
// and what was seen until then is returned.
//
// The error is nil whenever the command ran, however it ended. Else it is a
// [*StartError], or wraps [ErrUnavailable].
func Run(ctx context.Context, c Command) (*Observation, error) {
	var refused string
	if c.Way != Calls {
		o, err := run(ctx, c, View)
		if !errors.Is(err, ErrUnavailable) || c.Way == View {
			return o, err
		}
		refused = strings.TrimPrefix(err.Error(), ErrUnavailable.Error()+": ")
	}
	o, err := run(ctx, c, Calls)
	if o != nil {
		o.Refused = refused
	}
	return o, err
}

// observer observes one command.
type observer struct {
	c      Command
	way    Way
	places []place
	view   *view
	server *fuse.Server
	trace  *trace
	listen *listener
	served chan struct{}
}

func run(ctx context.Context, c Command, way Way) (*Observation, error) {
	o := &observer{c: c, way: way, served: make(chan struct{})}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, unavailable("adopt what the command leaves", err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	runtime.LockOSThread() // the command is killed when the thread ends that starts it
	defer runtime.UnlockOSThread()
	before := children()
	cmd, socket, err := o.command()
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	out := &Observation{Way: way, Started: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, unavailable("start in namespaces of its own", err)
	}
	closeExtra(cmd)
	if err := o.makeReady(socket); err != nil {
		_ = cmd.Wait()
		o.end()
		return nil, err
	}
	out.wait(ctx, cmd)
	out.Left = endLeft(before)
	o.listen.file.Close()
	<-o.served
	o.end()
	return out, o.report(out)
}

func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
}

// command is this executable, which will become the command.
func (o *observer) command() (*exec.Cmd, int, error) {
	r := request{Dir: o.c.Dir, Files: o.way == Calls}
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if o.way == View {
		if err := o.prepareView(&r); err != nil {
			return nil, 0, err
		}
		attr.Cloneflags = unix.CLONE_NEWNS
		if r.Alone = o.view.caller.alone; r.Alone {
			uid, gid := os.Geteuid(), os.Getegid()
			attr.Cloneflags |= unix.CLONE_NEWUSER
			attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
			// The kernel acts for overlays with what was held when they were mounted.
			attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_CHOWN, unix.CAP_FSETID}
		}
	} else {
		copies := filepath.Join(o.c.Scratch, "before")
		if err := os.Mkdir(copies, 0o700); err != nil {
			return nil, 0, err
		}
		o.trace = newTrace(o.c.Own, copies)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, 0, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, os.NewSyscallError("socketpair", err)
	}
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{initName, string(text)}, o.c.Args...), Env: o.c.Env,
		Stdin: o.c.Stdin, Stdout: o.c.Stdout, Stderr: o.c.Stderr, ExtraFiles: []*os.File{os.NewFile(uintptr(pair[0]), "socket")},
		SysProcAttr: attr, WaitDelay: endPatience,
	}, pair[1], nil
}

func closeExtra(cmd *exec.Cmd) {
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
}

func (o *observer) prepareView(r *request) error {
	if err := unix.Access("/dev/fuse", unix.R_OK|unix.W_OK); err != nil {
		return unavailable("/dev/fuse", err)
	}
	var err error
	if o.view, err = newView(o.c.Scratch); err != nil {
		return err
	}
	r.View = filepath.Join(o.c.Scratch, "view")
	if err := os.Mkdir(r.View, 0o700); err != nil {
		return err
	}
	o.places, err = makePlaces(o.c.Scratch, writable(o.c))
	r.Places = o.places
	return err
}

// makeReady talks to the new process until it is the command.
func (o *observer) makeReady(socket int) error {
	for {
		h, ok := hear(socket)
		if !ok {
			if o.listen == nil {
				return unavailable("make ready", errors.New("ended without a word"))
			}
			return nil
		}
		switch h.kind {
		case saysDevice:
			if err := o.serve(h.fd); err != nil {
				return unavailable("serve a view", err)
			}
		case saysListener:
			o.listen = newListener(h.fd, o.trace, o.view)
			go func() {
				defer close(o.served)
				o.listen.serve()
			}()
		case saysNoStart:
			return &StartError{o.c.Args[0], errors.New(h.text)}
		default:
			return unavailable("make ready", errors.New(h.text))
		}
	}
}

// serve answers the kernel's questions about files.
func (o *observer) serve(device int) (err error) {
	o.server, err = fuse.NewServer(o.view, fdPath(device), &fuse.MountOptions{
		MaxWrite: maxRead, MaxBackground: maxBackground, MaxReadAhead: maxRead, EnableSymlinkCaching: true,
		ExplicitDataCacheControl: true, DisableXAttrs: true, DisableReadDirPlus: true, DisableSplice: true,
		Logger: log.New(io.Discard, "", 0),
	})
	if err != nil {
		return err
	}
	go o.server.Serve()
	return nil
}

// end stops serving. The mount is gone with the last process that saw it.
func (o *observer) end() {
	if o.server != nil {
		o.server.Wait()
	}
	if o.view != nil {
		o.view.close()
	}
	for _, p := range o.places { // the kernel's own, closed even to the caller
		_ = os.Chmod(filepath.Join(p.Work, "work"), 0o700)
		_ = rmtree.Remove(p.Work)
	}
}

// wait waits for the command.
func (out *Observation) wait(ctx context.Context, cmd *exec.Cmd) {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-ctx.Done():
		out.Interrupted = true
		out.interrupt(cmd.Process, ended)
	}
	out.Wall = time.Since(out.Started)
	out.Exit = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		out.Exit, out.Signal, out.signal = -1, unix.SignalName(status.Signal()), int(status.Signal())
	}
}

// interrupt ends the command: a terminal has already told it, where a person
// pressed ^C.
func (out *Observation) interrupt(p *os.Process, ended chan error) {
	for _, s := range []struct {
		signal os.Signal
		after  time.Duration
	}{{syscall.SIGINT, 200 * time.Millisecond}, {syscall.SIGTERM, interruptPatience}, {syscall.SIGKILL, endPatience}} {
		select {
		case <-ended:
			return
		case <-time.After(s.after):
			_ = p.Signal(s.signal)
		}
	}
	<-ended
}

// report says what was seen, once everything has ended.
func (o *observer) report(out *Observation) error {
	if o.listen != nil {
		out.Programs, out.Contacts = o.listen.programs, o.listen.contacts
	}
	if o.way == Calls {
		out.Blind = blindCalls
		out.Files, out.Changes = o.trace.result()
	} else {
		out.Blind = blindView
		out.Files, out.Denied = o.view.result()
		for _, p := range o.places {
			changes, folders, err := p.changes()
			if err != nil {
				return fmt.Errorf("what the command wrote in %s: %w", p.Path, err)
			}
			out.Changes = append(out.Changes, changes...)
			out.Folders = append(out.Folders, folders...)
		}
	}
	out.Changes = merged(out.Changes)
	slices.SortFunc(out.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

var blindView = []string{
	"files in /proc, /sys, /dev and /run, which the kernel and services of this machine make",
	"addresses of datagrams that sendmsg carries",
	"variables that programs asked for",
}

var blindCalls = []string{
	"files in /proc, /sys, /dev and /run, which the kernel and services of this machine make",
	"files that came in open from outside, and names that a program changed while the kernel read them",
	"which part of an opened file was read: each counts as read whole",
	"programs of other system call interfaces than this machine's own and its 32-bit one",
	"addresses of datagrams that sendmsg carries",
	"variables that programs asked for",
}
