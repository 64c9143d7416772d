//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// needGroups skips where the machine has no control groups for this process.
func needGroups(t *testing.T) {
	t.Helper()
	if err := holdGroups(); err != nil {
		t.Skipf("needs a control group of version 2 that is handed to this process: %v", err)
	}
	releaseGroups()
}

// TestGroup lets programs take more than their control group gives.
func TestGroup(t *testing.T) {
	needGroups(t)
	c, out := newCommand(t, `for i in 1 2 3 4; do awk 'BEGIN { s = "0123456789abcdef"; for (i = 0; i < 21; i++) s = s s; while (1) n++ }' & done; wait; echo end`)
	c.Limits.Memory, c.Limits.Time = 64<<20, time.Minute
	r, err := Run(t.Context(), c)
	if err != nil || !r.Isolation.Group || !r.OutOfMemory || r.TimedOut || out.Len() > 0 {
		t.Errorf("memory: %+v %v %s", r, err, out)
	}
	c, out = newCommand(t, `for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo all`)
	c.Limits.Processes = 6
	if r, err := Run(t.Context(), c); err != nil || !r.Isolation.Group || strings.Contains(out.String(), "all") {
		t.Errorf("processes: %+v %v %s", r, err, out)
	}
	// One processor's worth of time, though the program could use them all.
	c, out = newCommand(t, `for i in 1 2 3 4; do awk 'BEGIN { while (1) n++ }' & done; sleep 2`)
	c.CPUs = CPUs()[:1]
	if r, err := Run(t.Context(), c); err != nil || r.CPU > r.Wall*5/4 {
		t.Errorf("processors: %+v %v %s", r, err, out)
	}
	dir, _, err := ownGroup()
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "repro-*")); len(left) > 0 {
		t.Errorf("groups are left: %q", left)
	}
}

// TestNoGroup asks that a report can say why the kernel did not hold a program
// to its limits.
func TestNoGroup(t *testing.T) {
	_, r := run1(t, "true")
	if r.Isolation.Group == (r.Isolation.NoGroup != "") {
		t.Errorf("%+v", r.Isolation)
	}
}

// TestMachineMemory compares the bound with what the machine has.
func TestMachineMemory(t *testing.T) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	if n := MachineMemory(); n < 64<<20 || n > 1<<45 {
		t.Errorf("%d bytes of:\n%.60s", n, b)
	}
}

// TestKilledByAnother puts a process of this test's own into a control group that
// somebody else bounds: that the kernel kills what it starts is told, although the
// program goes on to a good end.
func TestKilledByAnother(t *testing.T) {
	dir, move := boundedGroup(t, 64<<20)
	c, out := newCommand(t, `awk 'BEGIN { s = "0123456789abcdef"; for (i = 0; i < 23; i++) s = s s }'; echo end`)
	c.Limits.Memory, c.Limits.Time = 1<<30, time.Minute
	if r, err := Run(t.Context(), c); err != nil || r.MachineOutOfMemory || out.String() != "end\n" {
		t.Fatalf("with room: %+v %v %s", r, err, out)
	}
	move(dir)
	c, out = newCommand(t, `awk 'BEGIN { s = "0123456789abcdef"; for (i = 0; i < 23; i++) s = s s }'; echo end`)
	c.Limits.Memory, c.Limits.Time = 1<<30, time.Minute
	if r, err := Run(t.Context(), c); err != nil || !r.MachineOutOfMemory || r.OutOfMemory {
		t.Errorf("without: %+v %v %s", r, err, out)
	}
	c, _ = newCommand(t, "true")
	if r, err := Run(t.Context(), c); err != nil || r.MachineOutOfMemory {
		t.Errorf("what was killed before: %+v %v", r, err)
	}
}

// boundedGroup makes a control group of version 1 with so many bytes of memory. Move
// puts this process into it, until the test ends.
func boundedGroup(t *testing.T, bytes int64) (dir string, move func(dir string)) {
	t.Helper()
	const root = "/sys/fs/cgroup/memory"
	dir = filepath.Join(root, fmt.Sprintf("repro-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("needs root, and control groups of version 1: %v", err)
	}
	move = func(to string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		move(root)
		removeGroup(dir)
	})
	if err := os.WriteFile(filepath.Join(dir, "memory.limit_in_bytes"), []byte(strconv.FormatInt(bytes, 10)), 0); err != nil {
		t.Skipf("needs the memory controller of version 1: %v", err)
	}
	return dir, move
}

func TestKillsIn(t *testing.T) {
	for text, want := range map[string]int64{
		"low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n": 2, // version 2
		"oom_kill_disable 0\nunder_oom 0\noom_kill 7\n":                7, // version 1
		"oom_kill_disable 1\n":                                         0, "": 0, "oom_kill x\n": 0,
	} {
		if got := killsIn(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	got := limitFiles("12:memory:/a/b\n0::/c\nx\n")
	if len(got) < 3 || got[0] != "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes" || got[2] != "/sys/fs/cgroup/memory/memory.limit_in_bytes" {
		t.Errorf("%q", got)
	}
}
