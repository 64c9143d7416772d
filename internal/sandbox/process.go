//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"

	"repro/internal/sandbox/inside"
)

// Process is process 1 of a sandbox, started before it is known what will run
// there. Starting it takes about as long as verifying an image and composing its
// root, so both can be done at once. It has no effect on the machine, and ends
// when this process does.
type Process struct {
	net     bool
	started chan struct{} // closed when it was, or could not be
	over    chan struct{} // closed when nobody needs it any more
	end     sync.Once

	// When started is closed:
	err    error
	cmd    *exec.Cmd
	socket *os.File    // on which it gets its request and gives its outcome
	groups error       // why there can be no control group for its program
	runs   atomic.Bool // it was not waited for
}

// Begin starts process 1 of a sandbox with an empty network, or with net the
// machine's. Whoever calls it names the process in one [Command], or closes it.
func Begin(net bool) *Process {
	p := &Process{net: net, started: make(chan struct{}), over: make(chan struct{})}
	go func() {
		// A parent death signal is sent when the thread ends, not the
		// process: this thread stays until process 1 is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p.start()
		close(p.started)
		<-p.over
	}()
	return p
}

func (p *Process) start() {
	// The kernel demands that all processes of this one's group leave it together.
	p.groups = holdGroups()
	inner, outer, err := newSocket()
	if err != nil {
		p.err = err
		return
	}
	defer inner.Close()
	p.cmd, p.socket = initCommand(p.net, inner), outer
	if err := p.cmd.Start(); err != nil {
		p.err = &UnavailableError{What: "create namespaces", Err: err, Hint: namespaceHint(err)}
		return
	}
	p.runs.Store(true)
}

// ask sends the request. The socket stays open: process 1 ends when it is
// closed.
func (p *Process) ask(req *inside.Request, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if err := inside.SendFiles(int(p.socket.Fd()), fds); err != nil {
		return err
	}
	return inside.Send(p.socket, req)
}

// answer waits for the outcome. Started is called once the program was; isolation
// are nil if it was not.
func (p *Process) answer(started func()) (isolation *Isolation, out inside.Outcome, err error) {
	if err = inside.Receive(p.socket, &out); err == nil && out.Stage == inside.StageStarted {
		started()
		stand := out.Isolation
		isolation, out = &stand, inside.Outcome{}
		err = inside.Receive(p.socket, &out)
	}
	return isolation, out, err
}

// wait waits until the process has ended.
func (p *Process) wait() error {
	p.runs.Store(false)
	return p.cmd.Wait()
}

// Close ends the process if it still runs.
func (p *Process) Close() error {
	p.end.Do(func() {
		<-p.started
		if p.runs.Load() {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if p.socket != nil {
			p.socket.Close()
		}
		if p.groups == nil {
			releaseGroups()
		}
		close(p.over)
	})
	return nil
}

// processFor returns the process that c names, or a new one.
func processFor(c *Command) (*Process, error) {
	p := c.Process
	if p == nil {
		return Begin(c.Net), nil
	}
	select {
	case <-p.over:
		return nil, errors.New("sandbox: this process 1 was used before")
	default:
	}
	if p.net != c.Net {
		return nil, errors.New("sandbox: this process 1 has another network")
	}
	return p, nil
}
