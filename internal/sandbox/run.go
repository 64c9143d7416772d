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
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endPatience is how long processes may take to end once they were killed.
const endPatience = 5 * time.Second

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
	done, stuck := make(chan ended, 1), make(chan bool, 1)
	go func() {
		// A parent death signal is sent when the thread ends, not the
		// process: this thread stays until the sandbox is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		result, err := run(ctx, &c, stuck)
		done <- ended{result, err}
	}()
	select {
	case end := <-done:
		return end.result, end.err
	case late := <-stuck: // what was begun above goes on, and cleans up if it comes to that
		return Result{TimedOut: late}, errors.Join(ctx.Err(), ErrStuck)
	}
}

func run(ctx context.Context, c *Command, stuck chan<- bool) (Result, error) {
	talk, err := newChannel()
	if err != nil {
		return Result{}, err
	}
	defer talk.close()
	output, err := newPipes(c.Stdout, c.Stderr)
	if err != nil {
		return Result{}, err
	}
	defer output.wait()
	defer output.release()
	var p parts
	defer p.close()
	if err := p.gather(c); err != nil {
		return Result{}, err
	}
	cmd := p.command(c, talk, output)
	started := time.Now()
	if err := cmd.Start(); err != nil {
		p.abandon()
		return Result{}, &UnavailableError{What: "create namespaces", Err: err, Hint: namespaceHint(err)}
	}
	if p.lowest != nil {
		p.lowest.begin(ctx, c.Serve)
	}
	p.person.begin(c)
	guard := newGuard(ctx, cmd.Process, c.Limits.Time, stuck)
	walls, out, silent := talk.exchange(p.req, func() { p.person.started(c) })
	waited := cmd.Wait() // the kernel lets process 1 end only after all others
	result := Result{TimedOut: guard.release(), Wall: time.Since(started)}
	if walls != nil {
		result.Walls = walls.completed(c.Net, p.noGroup)
	}
	p.person.end()
	if p.lowest != nil {
		if err := p.lowest.end(); err != nil && out.Stage == stageDone {
			return result, fmt.Errorf("serve the layers: %w", err)
		}
	}
	switch {
	case silent != nil && ctx.Err() != nil:
		return result, ctx.Err()
	case result.TimedOut || silent != nil && signaled(cmd.ProcessState):
		out = killed(cmd.ProcessState)
	case silent != nil:
		return result, fmt.Errorf("sandbox ended without a word: %w", errors.Join(silent, waited))
	}
	if p.members != nil {
		out.TooBig = out.TooBig || p.members.overran()
	}
	return result.with(out, c)
}

// parts are what process 1 is given besides its namespaces.
type parts struct {
	req     *request
	mounts  []*os.File // from firstMount on
	members *group     // nil, because of noGroup
	noGroup error
	lowest  *served // nil: no layer is served
	person  *conversation
}

// gather makes all of it. What was made is closed by close, whatever comes of it.
func (p *parts) gather(c *Command) (err error) {
	if p.req, p.mounts, err = newRequest(c); err != nil {
		return err
	}
	if c.Mounts != nil {
		more, err := c.Mounts()
		if err != nil {
			return err
		}
		for _, m := range more {
			p.req.Lower = append(p.req.Lower, source{FD: firstMount + len(p.mounts)})
			p.mounts = append(p.mounts, m)
		}
	}
	if p.mounts, err = addBinds(p.req, c, p.mounts); err != nil {
		return err
	}
	if p.members, p.noGroup = newGroup(c.Limits, len(c.CPUs)); p.members != nil {
		p.req.Group = firstMount + len(p.mounts)
		p.mounts = append(p.mounts, p.members.procs)
	}
	if c.Serve != nil {
		lowest, err := serveLowest(c)
		if err != nil {
			return err
		}
		p.lowest = lowest
		p.req.Lower = append(p.req.Lower, lowest.source(firstMount+len(p.mounts)))
	}
	if p.person, err = newConversation(c); err != nil {
		p.abandon()
	}
	return err
}

// command is process 1 with its descriptors, whose numbers the request has.
func (p *parts) command(c *Command, talk *channel, output *pipes) *exec.Cmd {
	cmd := initCommand(c)
	cmd.Stdout, cmd.Stderr = output.stdout, output.stderr
	cmd.ExtraFiles = append([]*os.File{talk.requestRead, talk.outcomeWrite}, p.mounts...) // from requestFD on
	if p.lowest != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, p.lowest.inner)
	}
	if p.person.stdin != nil {
		cmd.Stdin, p.req.Stdin = p.person.stdin, true
	}
	if p.person.inner != nil {
		p.req.Terminal = requestFD + len(cmd.ExtraFiles)
		cmd.ExtraFiles = append(cmd.ExtraFiles, p.person.inner)
	}
	return cmd
}

// abandon closes what begins only with process 1, which did not start.
func (p *parts) abandon() {
	p.person.close()
	if p.lowest != nil {
		p.lowest.close()
	}
}

// close gives up the rest.
func (p *parts) close() {
	if p.members != nil {
		p.members.remove()
	}
	closeAll(p.mounts)
}

// channel is the pair of pipes between Run and process 1.
type channel struct {
	requestRead, requestWrite, outcomeRead, outcomeWrite *os.File
}

func newChannel() (*channel, error) {
	var ch channel
	var err error
	if ch.requestRead, ch.requestWrite, err = os.Pipe(); err != nil {
		return nil, err
	}
	if ch.outcomeRead, ch.outcomeWrite, err = os.Pipe(); err != nil {
		closeAll([]*os.File{ch.requestRead, ch.requestWrite})
		return nil, err
	}
	return &ch, nil
}

func (ch *channel) close() {
	closeAll([]*os.File{ch.requestRead, ch.requestWrite, ch.outcomeRead, ch.outcomeWrite})
}

// exchange sends the request and waits for the outcome. The request's pipe
// stays open: process 1 ends when it is closed. Started is called once the
// program was; walls are nil if it was not.
func (ch *channel) exchange(req *request, started func()) (walls *Walls, out outcome, err error) {
	ch.requestRead.Close()
	ch.outcomeWrite.Close()
	sent := json.NewEncoder(ch.requestWrite).Encode(req)
	words := json.NewDecoder(io.LimitReader(ch.outcomeRead, maxMessage))
	err = words.Decode(&out)
	if err == nil && out.Stage == stageStarted {
		started()
		walls, out = out.Walls, outcome{}
		err = words.Decode(&out)
	}
	if err != nil {
		err = errors.Join(sent, err)
	}
	return walls, out, err
}

// guard kills process 1 when the context ends or the time is over. If the
// sandbox is still there long after, it says so to stuck, and whether the time
// was over.
type guard struct {
	finished chan struct{}
	late     chan bool
}

func newGuard(ctx context.Context, p *os.Process, limit time.Duration, stuck chan<- bool) *guard {
	g := &guard{finished: make(chan struct{}), late: make(chan bool, 1)}
	go func() {
		var timeout <-chan time.Time
		if limit > 0 {
			timer := time.NewTimer(limit)
			defer timer.Stop()
			timeout = timer.C
		}
		late := false
		select {
		case <-g.finished:
			g.late <- false
			return
		case <-ctx.Done():
		case <-timeout:
			late = true
		}
		_ = p.Kill()
		g.late <- late
		select {
		case <-g.finished:
		case <-time.After(endPatience):
			stuck <- late
		}
	}()
	return g
}

// release ends the guard and reports whether the time was over.
func (g *guard) release() bool {
	close(g.finished)
	return <-g.late
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
		out.Written = u.Oublock * 512 // getrusage(2); what went to a disk
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
	r.TooBig, r.TooMuch = out.TooBig, out.TooMuch
	r.Exit, r.CPU, r.MaxRSS, r.Written = out.Exit, time.Duration(out.CPU), out.MaxRSS, out.Written
	if out.Full != "" {
		return r, &FullError{errors.New(out.Full)}
	}
	if out.Signal != 0 {
		r.signal = out.Signal
		r.Signal = unix.SignalName(syscall.Signal(out.Signal))
	}
	return r, nil
}

// newRequest opens as root what process 1, an ordinary user, could not reach.
func newRequest(c *Command) (*request, []*os.File, error) {
	req := &request{
		Overlay: c.Scratch != "",
		Args:    c.Args, Dir: c.Dir, Env: c.Env, Inputs: c.Inputs, Outputs: c.Outputs,
		Limits: c.Limits, Memory: c.Limits.memory(), CPUs: c.CPUs, Net: c.Net, WithoutProc: c.WithoutProc,
		Devices: c.Devices, Processors: c.Processors, FixedAddresses: c.FixedAddresses,
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
			return nil, mounts, &UnavailableError{What: "open a layer", Err: &os.PathError{Op: "open_tree", Path: dir, Err: err}, Hint: setupHint("", err)}
		}
		sources = append(sources, source{FD: firstMount + len(mounts)})
		mounts = append(mounts, os.NewFile(uintptr(fd), dir))
	}
	req.Lower = slices.Clip(sources[:len(c.Lower)])
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
