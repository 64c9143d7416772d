//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
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
		result, err := run(ctx, &c, stuck)
		done <- ended{result, err}
	}()
	select {
	case end := <-done:
		return end.result, end.err
	case late := <-stuck: // run goes on and cleans up if the processes end after all
		return Result{TimedOut: late}, errors.Join(ctx.Err(), errStuck)
	}
}

func run(ctx context.Context, c *Command, stuck chan<- bool) (Result, error) {
	process, err := processFor(c)
	if err != nil {
		return Result{}, err
	}
	defer process.Close()
	output, err := newPipes(c.Stdout, c.Stderr, owner())
	if err != nil {
		return Result{}, err
	}
	defer output.wait()
	defer output.release()
	var p setup
	defer p.close()
	if err := p.gather(c, process, output); err != nil {
		return Result{}, err
	}
	kills := enclosingKills()
	started := time.Now()
	sent := process.ask(p.req, p.files)
	if p.lowest != nil {
		p.lowest.begin(ctx, c.Serve)
	}
	p.input.begin(c)
	guard := newGuard(ctx, process.cmd.Process, c.Limits.Time, stuck)
	isolation, out, silent := process.answer(func() { p.input.started(c) })
	waited := process.wait() // the kernel lets process 1 end only after all others
	result := Result{TimedOut: guard.release(), Wall: time.Since(started)}
	if isolation != nil {
		result.Isolation = completed(*isolation, c.Net, p.noGroup)
	}
	p.input.end()
	if p.lowest != nil {
		if err := p.lowest.end(); err != nil && out.Stage == inside.StageDone {
			return result, fmt.Errorf("serve the layers: %w", err)
		}
	}
	state := process.cmd.ProcessState
	switch {
	case silent != nil && ctx.Err() != nil:
		return result, ctx.Err()
	case result.TimedOut || silent != nil && signaled(state):
		out = killed(state)
	case silent != nil:
		return result, fmt.Errorf("sandbox ended without a word: %w", errors.Join(sent, silent, waited))
	}
	if p.group != nil {
		out.OutOfMemory = out.OutOfMemory || p.group.overran()
	} else {
		result.MachineOutOfMemory = !out.OutOfMemory && enclosingKills() > kills
	}
	return result.with(out, c)
}

// guard kills process 1 when the context ends or the time is over. If the sandbox
// has not ended long after, it sends to stuck whether the time was over.
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

// killed describes a sandbox that was killed as a whole. The kernel's accounts of
// process 1 include all other processes.
func killed(state *os.ProcessState) inside.Outcome {
	out := inside.Outcome{Stage: inside.StageDone, Exit: -1, Signal: int(unix.SIGKILL)}
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		out.CPU = u.Utime.Nano() + u.Stime.Nano()
		out.MaxRSS = u.Maxrss << 10
		out.Written = u.Oublock * 512 // getrusage(2); what went to a disk
	}
	return out
}

func (r Result) with(out inside.Outcome, c *Command) (Result, error) {
	err := error(syscall.Errno(out.Errno))
	if out.Errno == 0 {
		err = errors.New(out.Text)
	}
	switch out.Stage {
	case inside.StageMissing:
		return r, &MissingError{out.Missing}
	case inside.StageStart:
		return r, &StartError{c.Args[0], err}
	case inside.StageSetup:
		return r, &UnavailableError{What: out.What, Err: err, Hint: setupHint(out.What, err)}
	}
	r.OutOfMemory, r.OverDisk = out.OutOfMemory, out.OverDisk
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
