//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repro/internal/rmtree"
)

// smallDisk mounts a filesystem that a program can fill, and returns a scratch
// directory on it.
func smallDisk(t *testing.T, options string) (scratch string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small disk")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	scratch = filepath.Join(dir, "scratch")
	if err := Prepare(scratch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rmtree.Remove(scratch) })
	return scratch
}

// TestDiskFill and TestInodeBomb fill the disk of the scratch directory, and
// look whether something was left for others.
func TestDiskFill(t *testing.T) {
	for name, script := range map[string]string{
		"one file":    "cat /dev/zero >x",
		"many files":  "i=0; while dd if=/dev/zero of=x$i bs=1048576 count=1; do i=$((i+1)); done",
		"removed":     "exec 3>x; rm x; cat /dev/zero >&3",
		"not allowed": "mkdir d; chmod 0300 d; cat /dev/zero >d/x",
	} {
		c, _ := newCommand(t, script+" 2>/dev/null; sleep 1000")
		c.Scratch = smallDisk(t, "size=200m")
		c.Limits.Time = time.Minute
		_, err := Run(t.Context(), c)
		var full *FullError
		if !errors.As(err, &full) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInodeBomb(t *testing.T) {
	c, _ := newCommand(t, "i=0; while : >f$i; do i=$((i+1)); done; sleep 1000")
	c.Scratch = smallDisk(t, "size=200m,nr_inodes=20000")
	c.Limits.Time = time.Minute
	_, err := Run(t.Context(), c)
	var full *FullError
	if !errors.As(err, &full) {
		t.Error(err)
	}
}

// TestLimitsHoldAtTheEnd lets programs go beyond their limits and end before
// anybody can have looked.
func TestLimitsHoldAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		script string
		limits Limits
	}{
		{"echo x >x", Limits{Disk: 1}},
		{": >a; : >b; : >c", Limits{Files: 2}},
	} {
		c, out := newCommand(t, tt.script)
		c.Limits = tt.limits
		if r, err := Run(t.Context(), c); err != nil || !r.OverDisk {
			t.Errorf("%s: %+v %v %s", tt.script, r, err, out)
		}
	}
}

// TestDiskLimit lets programs write more than they may, on a disk with room.
func TestDiskLimit(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		limits       Limits
	}{
		{"bytes", "dd if=/dev/zero of=x bs=1048576 count=80", Limits{Disk: 40 << 20}},
		{"removed", "exec 3>x; rm x; dd if=/dev/zero bs=1048576 count=80 >&3", Limits{Disk: 40 << 20}},
		{"closed directory", "mkdir d; chmod 0300 d; dd if=/dev/zero of=d/x bs=1048576 count=80", Limits{Disk: 40 << 20}},
		{"files", "i=0; while [ $i -lt 3000 ]; do : >f$i; i=$((i+1)); done", Limits{Files: 1000}},
	} {
		c, out := newCommand(t, tt.script+"; sleep 1000")
		c.Limits, c.Limits.Time = tt.limits, time.Minute
		if r, err := Run(t.Context(), c); err != nil || !r.OverDisk {
			t.Errorf("%s: %+v %v %s", tt.name, r, err, out)
		}
		c, out = newCommand(t, "dd if=/dev/zero of=x bs=1048576 count=20 2>/dev/null; sleep 0.4; echo done")
		c.Limits = tt.limits
		if r, err := Run(t.Context(), c); err != nil || r.OverDisk || out.String() != "done\n" {
			t.Errorf("%s: less than the limit: %+v %v %s", tt.name, r, err, out)
		}
	}
}
