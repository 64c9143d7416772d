//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"repro/internal/rmtree"
)

func TestMain(m *testing.M) {
	if program, ok := insiders[os.Getenv("REPRO_ATTEMPT")]; ok {
		program()
		return
	}
	switch {
	case os.Getenv("REPRO_PARENT") != "":
		parentMain()
	default:
		status := m.Run()
		if dir, err := rootOnce(); err == nil {
			os.RemoveAll(dir)
		}
		os.Exit(status)
	}
}

// programs are what the test root holds, where the machine has them.
var programs = []string{"/bin/sh", "/bin/cat", "/bin/ls", "/bin/id", "/bin/env", "/bin/grep", "/bin/mkdir",
	"/bin/ln", "/bin/rm", "/bin/mv", "/bin/touch", "/bin/chmod", "/bin/sleep", "/bin/true", "/bin/mount", "/bin/umount",
	"/bin/mknod", "/bin/mkfifo", "/bin/dd", "/bin/cp", "/bin/readlink", "/usr/bin/unshare", "/usr/bin/nsenter",
	"/usr/bin/find", "/usr/bin/awk", "/usr/bin/stat", "/usr/bin/hostname", "/bin/ps", "/usr/bin/tr", "/usr/bin/setsid", "/usr/bin/nproc"}

var rootOnce = sync.OnceValues(buildRoot)

// testRoot returns a directory with the programs, their libraries and the test
// binary itself at /attempt.
func testRoot(t testing.TB) string {
	t.Helper()
	dir, err := rootOnce()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func buildRoot() (string, error) {
	dir, err := os.MkdirTemp("", "repro-sandbox-root-")
	if err != nil {
		return "", err
	}
	for _, d := range []string{"dev", "proc", "run", "tmp", "etc", "paper"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if err := copyProgram(dir, self, "/attempt"); err != nil {
		return "", err
	}
	for _, p := range programs {
		if err := copyProgram(dir, p, p); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	return dir, ChangeOwner(dir)
}

func copyProgram(root, name, as string) error {
	if _, err := os.Stat(name); err != nil {
		return nil
	}
	if err := copyFile(name, filepath.Join(root, as)); err != nil {
		return err
	}
	out, _ := exec.Command("ldd", name).Output()
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			if err := copyFile(word, filepath.Join(root, word)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Close()
}

// newCommand returns a command that runs script in the test root with fresh
// scratch, and the buffer that takes what it prints.
func newCommand(t testing.TB, script string) (Command, *bytes.Buffer) {
	t.Helper()
	scratch := filepath.Join(t.TempDir(), "scratch")
	if err := Prepare(scratch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rmtree.Remove(scratch) })
	var out bytes.Buffer
	return Command{
		Lower: []string{testRoot(t)}, Scratch: scratch,
		Args: []string{"/bin/sh", "-c", script}, Dir: "/paper",
		Env:    []string{"PATH=/usr/bin:/bin", "HOME=/tmp/home", "LC_ALL=C"},
		Stdout: &out, Stderr: &out,
	}, &out
}

// run runs script and returns what it printed.
func run1(t testing.TB, script string) (string, Result) {
	t.Helper()
	c, out := newCommand(t, script)
	result, err := Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out.String(), result
}

// TestOrder looks at what is initialised before process 1 does its work.
func TestOrder(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	before, _, found := strings.Cut(string(out), "init repro/internal/sandbox/inside ")
	if err != nil || !found || strings.Contains(before, "init unicode ") || strings.Contains(before, "init reflect ") {
		t.Errorf("%v: %s", err, out)
	}
}
