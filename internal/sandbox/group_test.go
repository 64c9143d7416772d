//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"
	"path/filepath"
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
