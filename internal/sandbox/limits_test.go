//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"repro/internal/rmtree"
)

func TestForkBomb(t *testing.T) {
	c, out := newCommand(t, "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; echo all")
	c.Limits.Processes = 50
	c.Limits.Time = time.Minute
	if _, err := Run(t.Context(), c); err != nil || strings.Contains(out.String(), "all") {
		t.Errorf("%v %s", err, out)
	}
	c, _ = newCommand(t, "f() { f | f & }; f; sleep 1000")
	c.Limits.Processes = 100
	c.Limits.Time = time.Second
	if r, err := Run(t.Context(), c); err != nil || !r.TimedOut && r.Exit == 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestMemoryLimit(t *testing.T) {
	const grow = `awk 'BEGIN { s = "0123456789abcdef"; while (1) { s = s s } }'`
	c, out := newCommand(t, grow)
	c.Limits.Memory, c.Limits.Time = 64<<20, time.Minute
	r, err := Run(t.Context(), c)
	if err != nil || r.Exit == 0 || r.TimedOut || r.MaxRSS > 256<<20 {
		t.Errorf("one process: %+v %v %s", r, err, out)
	}
	// Several processes, each below the limit.
	c, out = newCommand(t, `for i in 1 2 3 4 5 6; do awk 'BEGIN { s = "0123456789abcdef"; for (i = 0; i < 21; i++) s = s s; while (1) n++ }' & done; wait; echo end`)
	c.Limits.Memory, c.Limits.Time = 64<<20, time.Minute
	r, err = Run(t.Context(), c)
	if err != nil || !r.OutOfMemory || r.TimedOut {
		t.Errorf("several processes: %+v %v %s", r, err, out)
	}
	// Shared memory is memory.
	c, out = newCommand(t, `dd if=/dev/zero of=/dev/shm/x bs=1048576 count=100 2>&1 || echo full`)
	c.Limits.Memory = 32 << 20
	if _, err := Run(t.Context(), c); err != nil || !strings.HasSuffix(out.String(), "full\n") {
		t.Errorf("shared memory: %v %s", err, out)
	}
}

func TestFileSizeLimit(t *testing.T) {
	c, out := newCommand(t, `dd if=/dev/zero of=/paper/x bs=1048576 count=10`)
	c.Limits.FileSize = 1 << 20
	if r, err := Run(t.Context(), c); err != nil || r.Exit == 0 {
		t.Errorf("%+v %v %s", r, err, out)
	}
}

func TestProcessors(t *testing.T) {
	if len(CPUs()) < 2 {
		t.Skipf("needs two processors")
	}
	c, out := newCommand(t, "nproc")
	c.CPUs = CPUs()[1:2]
	if _, err := Run(t.Context(), c); err != nil || out.String() != "1\n" {
		t.Errorf("%v %s", err, out)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := newCommand(t, "echo started; sleep 1000")
	c.Stdout = writerFunc(func(p []byte) { cancel() })
	r, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) || r.Wall > 30*time.Second {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestParentKilled kills the process that called Run in a way that it cannot
// notice, and looks for what it left.
func TestParentKilled(t *testing.T) {
	scratch := filepath.Join(t.TempDir(), "scratch")
	if err := Prepare(scratch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rmtree.Remove(scratch) })
	const mark = "98765.4321"
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "REPRO_PARENT="+testRoot(t), "REPRO_SCRATCH="+scratch, "REPRO_MARK="+mark)
	started, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := started.Read(make([]byte, 8)); n == 0 {
		t.Fatalf("no word from the program inside: %v", err)
	}
	if n := len(processesWith(mark)); n < 2 {
		t.Errorf("%d processes before the end, want two and more", n)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for len(processesWith(mark)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("processes survived: %q", processesWith(mark))
		}
	}
}

// parentMain is the process that TestParentKilled kills.
func parentMain() {
	mark := os.Getenv("REPRO_MARK")
	_, _ = Run(context.Background(), Command{
		Lower: []string{os.Getenv("REPRO_PARENT")}, Scratch: os.Getenv("REPRO_SCRATCH"),
		Args: []string{"/bin/sh", "-c", "setsid sleep " + mark + " & sleep " + mark + " & echo started; wait"},
		Dir:  "/", Env: []string{"PATH=/usr/bin:/bin"},
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

// processesWith returns the command lines of the host's processes that hold
// mark.
func processesWith(mark string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), mark) {
			found = append(found, string(b))
		}
	}
	return found
}

func TestRemoveCopesWithAnything(t *testing.T) {
	c, out := newCommand(t, `
		mkdir a a/b; echo x > a/b/c; chmod 0 a/b a; mkdir -p e/removed-1; touch "new
line"; mkfifo p; ln -s /etc l; REPRO_ATTEMPT=nest /attempt`)
	if _, err := Run(t.Context(), c); err != nil || out.String() != "made\n" {
		t.Fatalf("%v %s", err, out)
	}
	if err := rmtree.Remove(c.Scratch); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(c.Scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	if err := rmtree.Remove(c.Scratch); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestAsOrdinaryUser runs the other tests again as a user without privileges.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir, err := os.MkdirTemp("", "repro-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := copyFile(self, filepath.Join(dir, "test")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, filepath.Join(dir, "test")} {
		if err := errors.Join(os.Chown(name, 65534, 65534), os.Chmod(name, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "test"), "-test.short")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
