//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// contained has this test's program be process 1 of a container: the root of the
// machine, with processes of its own. The variable holds a script and its limits.
const containedVariable = "REPRO_TEST_CONTAINED"

type containedRun struct {
	Script, Dir string
	Limits      Limits
	Hidden      string
	Inputs      []string

	Result Result
	Err    string
	Kind   string
}

func init() {
	text := os.Getenv(containedVariable)
	if text == "" || os.Getpid() != 1 {
		return
	}
	var r containedRun
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("proc", "/proc", "proc", 0, ""))
	}
	if err == nil {
		r.Result, err = Confine(context.Background(), Confinement{Hidden: r.Hidden, Args: []string{"/bin/sh", "-c", r.Script}, Dir: r.Dir,
			Env: []string{"PATH=/usr/bin:/bin", "HOME=/tmp"}, Limits: r.Limits, Inputs: r.Inputs, Stdout: os.Stderr, Stderr: os.Stderr})
	}
	if err != nil {
		r.Err, r.Kind = err.Error(), fmt.Sprintf("%T", err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
	os.Exit(0)
}

// runContained returns what a script did in a container, and printed.
func runContained(t *testing.T, r containedRun) (containedRun, string) {
	t.Helper()
	if inside.LandlockVersion() < 2 {
		t.Skip("needs Landlock 2")
	}
	if r.Dir == "" {
		r.Dir = "/"
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{containedVariable + "=" + string(text)}
	var out, printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, printed.String())
	}
	var got containedRun
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return got, printed.String()
}

// hiddenFolder makes a folder right below / with a file, a copy of which lies
// elsewhere.
func hiddenFolder(t *testing.T) (hidden, open string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, for a folder in /")
	}
	hidden, err := os.MkdirTemp("/", ".repro-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(hidden) })
	open = t.TempDir()
	for _, dir := range []string{hidden, open} {
		if err := errors.Join(os.WriteFile(dir+"/answer", []byte("42\n"), 0o666), os.Chmod(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
	}
	return hidden, open
}

// A program in a container cannot open what is hidden from it, by whatever way, and
// can do everything else that it could.
func TestConfineHides(t *testing.T) {
	hidden, open := hiddenFolder(t)
	for script, want := range map[string]string{
		"cat " + open + "/answer":         "42",
		"cat " + hidden + "/answer":       "Permission denied",
		"cd " + hidden + " && cat answer": "Permission denied",
		"ln -s " + hidden + " " + open + "/link && cat " + open + "/link/answer":       "Permission denied",
		"ln " + hidden + "/answer " + open + "/hard && cat " + open + "/hard":          "failed to create hard link",
		"mv " + hidden + "/answer " + open + "/moved && cat " + open + "/moved":        "cannot",
		"cat /proc/1/root" + hidden + "/answer":                                        "Permission denied",
		"echo forged >" + hidden + "/answer":                                           "Permission denied",
		"echo new >" + hidden + "/new":                                                 "Permission denied",
		"rm " + hidden + "/answer":                                                     "Permission denied",
		"exec 9</proc/1/mem":                                                           "Permission denied",
		"mount -t tmpfs none " + open:                                                  "ermi",
		"echo x >" + open + "/x; mv " + open + "/x " + open + "/y; cat " + open + "/y": "x",
		"kill -9 1; echo alive":                                                        "alive",
		"grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\n\\t '":     "CapEff:0000000000000000NoNewPrivs:1Seccomp:2",
		"ls / >/dev/null && echo listed":                                               "listed",
	} {
		r, printed := runContained(t, containedRun{Script: script, Hidden: hidden})
		if r.Err != "" || !strings.Contains(printed, want) {
			t.Errorf("%s: %q, %s, want %q", script, printed, r.Err, want)
		}
	}
	if b, err := os.ReadFile(hidden + "/answer"); err != nil || string(b) != "42\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// How a program ended is known, and nothing that it started goes on.
func TestConfineEnds(t *testing.T) {
	for _, tt := range []struct {
		run  containedRun
		want func(Result) bool
	}{
		{containedRun{Script: "exit 3"}, func(r Result) bool { return r.Exit == 3 && r.Signal == "" && r.Isolation.Landlock >= 2 }},
		{containedRun{Script: "kill -SEGV $$"}, func(r Result) bool { return r.Signal == "SIGSEGV" }},
		{containedRun{Script: "sleep 600", Limits: Limits{Time: 300 * time.Millisecond}}, func(r Result) bool { return r.TimedOut && r.Wall < 20*time.Second }},
		{containedRun{Script: "sleep 600 & sleep 600 & exit 0"}, func(r Result) bool { return r.Exit == 0 && !r.TimedOut && r.Wall < 20*time.Second }},
		{containedRun{Script: "dd if=/dev/zero of=/dev/null bs=200M count=1000 2>/dev/null & dd if=/dev/zero of=/dev/null bs=200M count=1000 2>/dev/null; wait", Limits: Limits{Memory: 250 << 20}},
			func(r Result) bool { return r.OutOfMemory }},
		{containedRun{Script: "pwd; test $(pwd) = /tmp", Dir: "/tmp"}, func(r Result) bool { return r.Exit == 0 }},
	} {
		r, printed := runContained(t, tt.run)
		if r.Err != "" || !tt.want(r.Result) {
			t.Errorf("%q: %+v, %s, printed %q", tt.run.Script, r.Result, r.Err, printed)
		}
	}
	if r, _ := runContained(t, containedRun{Script: "true", Inputs: []string{"/nowhere"}}); r.Kind != "*sandbox.MissingError" {
		t.Errorf("%+v", r)
	}
	if r, _ := runContained(t, containedRun{Script: "true", Dir: "/dev/null"}); r.Kind != "*sandbox.StartError" {
		t.Errorf("a folder that is none: %s %s", r.Kind, r.Err)
	}
}

// On a machine itself, nothing is confined: what a program started could not be
// ended, and its root is the machine's.
func TestConfineElsewhere(t *testing.T) {
	_, err := Confine(t.Context(), Confinement{Hidden: "/.repro", Args: []string{"true"}, Dir: "/"})
	if u, ok := errors.AsType[*UnavailableError](err); !ok || u.Hint == "" {
		t.Error(err)
	}
}
