//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"repro/internal/rmtree"
	"repro/report"
)

// refusals are machines that do not offer all that a sandbox is made of, as
// rules of a system call filter that this test puts around itself.
var refusals = map[string][]rule{
	// Docker's and many batch systems' filter.
	"docker": {
		{calls: []uintptr{unix.SYS_CLONE}, when: []test{{0, anyBit, unix.CLONE_NEWUSER}}, errno: unix.EPERM},
		{calls: []uintptr{unix.SYS_UNSHARE}, errno: unix.EPERM},
		{calls: []uintptr{unix.SYS_CLONE3}, errno: unix.ENOSYS},
	},
	// user.max_user_namespaces=0.
	"none left": {
		{calls: []uintptr{unix.SYS_CLONE}, when: []test{{0, anyBit, unix.CLONE_NEWUSER}}, errno: unix.ENOSPC},
		{calls: []uintptr{unix.SYS_CLONE3}, errno: unix.ENOSYS},
	},
	// AppArmor on Ubuntu since 23.10: there are namespaces, with no rights in them.
	"apparmor": {
		{calls: []uintptr{unix.SYS_MOUNT, unix.SYS_FSOPEN, unix.SYS_OPEN_TREE}, errno: unix.EACCES},
	},
	// Linux 5.4: before openat2, close_range, mount_setattr, clone3's and
	// Landlock's newer parts, and time namespaces.
	"old kernel": {
		{calls: []uintptr{unix.SYS_OPENAT2, unix.SYS_CLOSE_RANGE, unix.SYS_MOUNT_SETATTR, unix.SYS_CLONE3, unix.SYS_FACCESSAT2,
			unix.SYS_EPOLL_PWAIT2, unix.SYS_PIDFD_GETFD, unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_LANDLOCK_ADD_RULE,
			unix.SYS_LANDLOCK_RESTRICT_SELF}, errno: unix.ENOSYS},
		{calls: []uintptr{unix.SYS_UNSHARE}, errno: unix.EINVAL},
	},
	// Linux 4.18: before the calls that mounts are made with.
	"very old kernel": {
		{calls: []uintptr{unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT}, errno: unix.ENOSYS},
	},
	"no filters": {
		{calls: []uintptr{unix.SYS_SECCOMP}, errno: unix.EINVAL},
	},
}

// refusedReport is what a program finds on such a machine.
type refusedReport struct {
	What, Err, Hint string // if nothing runs
	Out             string // of a program that ran
	Isolation       Isolation
	Features        []report.Feature
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		what string // none: programs run
		hint string
	}{
		{"docker", "create namespaces", "a system call filter around this process"},
		{"none left", "create namespaces", "user namespaces"},
		{"apparmor", "", ""},
		{"very old kernel", "", "Linux 5.2"},
		{"no filters", "filter system calls", ""},
		{"old kernel", "", ""},
	} {
		r := onMachine(t, tt.name)
		if tt.name == "apparmor" || tt.name == "very old kernel" {
			tt.what = r.What // root and others meet it at different calls
			if r.What == "" {
				t.Errorf("%s: %+v", tt.name, r)
			}
		}
		if r.What != tt.what || tt.what != "" && !strings.Contains(r.Hint, tt.hint) {
			t.Errorf("%s: %q: %s; %q", tt.name, r.What, r.Err, r.Hint)
		}
		if runs := tt.what == ""; runs != (r.Out == "ran\n") || runs != r.Features[0].Works {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// TestOldKernel looks at what is reported of isolation that an old kernel lacks.
func TestOldKernel(t *testing.T) {
	r := onMachine(t, "old kernel")
	if r.Isolation.Landlock != 0 || r.Isolation.Clocks || len(r.Isolation.Namespaces) < 6 {
		t.Errorf("%+v", r.Isolation)
	}
	for _, f := range r.Features {
		if f.Name == "landlock" && f.Works {
			t.Errorf("%+v", f)
		}
	}
}

// onMachine runs refusedMain in a process of its own.
func onMachine(t *testing.T, name string) (r refusedReport) {
	t.Helper()
	scratch := filepath.Join(t.TempDir(), "scratch")
	if err := Prepare(scratch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rmtree.Remove(scratch) })
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "REPRO_ATTEMPT=refused", "REPRO_REFUSE="+name, "REPRO_PARENT="+testRoot(t), "REPRO_SCRATCH="+scratch)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v %s", name, err, out)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func init() { insiders["refused"] = refusedMain } // not in the literal, which it would refer to

func refusedMain() {
	if err := surround(refusals[os.Getenv("REPRO_REFUSE")]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out strings.Builder
	r := refusedReport{Features: Survey()}
	result, err := Run(context.Background(), Command{
		Lower: []string{os.Getenv("REPRO_PARENT")}, Scratch: os.Getenv("REPRO_SCRATCH"),
		Args: []string{"/bin/sh", "-c", "echo ran"}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out,
	})
	var refused *UnavailableError
	if errors.As(err, &refused) {
		r.What, r.Hint = refused.What, refused.Hint
	}
	if err != nil {
		r.Err = err.Error()
	}
	r.Out, r.Isolation = out.String(), result.Isolation
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// surround puts a filter around this process and all that it starts.
func surround(rules []rule) error {
	prog := []unix.SockFilter{load(offsetCall)}
	for _, r := range rules {
		prog = append(prog, r.compile()...)
	}
	prog = append(prog, answer(unix.SECCOMP_RET_ALLOW))
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	return call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
}
