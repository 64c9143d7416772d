//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBegin runs a program in a sandbox that was begun before, and ends others
// that never got one: by Close, and as it is when the caller is killed.
func TestBegin(t *testing.T) {
	c, out := newCommand(t, "echo ran")
	c.Process = Begin(false)
	if r, err := Run(t.Context(), c); err != nil || r.Exit != 0 || out.String() != "ran\n" {
		t.Errorf("%+v %v %s", r, err, out)
	}
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("one process was used twice")
	}
	c.Process = Begin(true)
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("a sandbox without a network in a process with one")
	}
	if err := c.Process.Close(); err != nil {
		t.Error(err)
	}
	if pid := c.Process.cmd.Process.Pid; pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		t.Errorf("process %d is left", pid)
	}
	p := Begin(false)
	<-p.started
	if p.err != nil {
		t.Fatal(p.err)
	}
	p.socket.Close()
	if err := p.wait(); err == nil || p.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
