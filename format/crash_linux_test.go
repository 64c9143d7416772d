package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repro/format"
)

// crashEnv makes the test program write or sign an image instead of testing.
const crashEnv = "REPRO_TEST_CRASH"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(crashEnv)
	if !ok {
		os.Exit(m.Run())
	}
	var err error
	if verb, name, _ := strings.Cut(name, " "); verb == "create" {
		_, err = format.Create(context.Background(), name, sampleSpec())
	} else {
		err = format.Append(context.Background(), name, format.NewObject{Data: []byte("a signature")})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// inject runs the verb on name in a process of its own whose nth call of a
// system call that concerns a file in the folder of name goes wrong.
func inject(t *testing.T, verb, name, call, fault string, n int) (out string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spec := fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n)
	cmd := exec.Command("strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace="+call, "-e", spec, self)
	cmd.Env = append(os.Environ(), crashEnv+"="+verb+" "+name)
	var text bytes.Buffer
	cmd.Stderr = &text
	err = cmd.Run()
	if err == nil {
		return text.String(), errNotReached
	}
	return text.String(), err
}

var errNotReached = errors.New("the program makes fewer calls")

// calls are the system calls through which an image is written.
var calls = []string{"pwrite64", "copy_file_range", "ftruncate", "fsync", "fchmod", "renameat", "close"}

func needStrace(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow")
	}
	if out, err := exec.Command("strace", "-f", "-qq", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
}

// TestKilledAnywhere kills writer and signer at each of their system calls:
// the image is then the old or the new one, byte for byte.
func TestKilledAnywhere(t *testing.T) {
	needStrace(t)
	for _, verb := range []string{"create", "append"} {
		t.Run(verb, func(t *testing.T) {
			faults := 0
			for _, call := range calls {
				for n := 1; n < 100; n++ {
					old, name := oldImage(t)
					out, err := inject(t, verb, name, call, "signal=SIGKILL", n)
					if errors.Is(err, errNotReached) {
						break
					}
					faults++
					got := read(t, name)
					if bytes.Equal(got, old) {
						continue
					}
					if by, err := refused(got); err != nil || err == nil && verb == "append" && len(got) <= len(old) {
						t.Errorf("killed at %s %d: %s: %v: %s", call, n, by, err, out)
					}
				}
			}
			t.Logf("%d places", faults)
			if faults < 5 {
				t.Errorf("only %d places to kill at", faults)
			}
		})
	}
}

// oldImage makes an image that differs from the sample.
func oldImage(t *testing.T) ([]byte, string) {
	t.Helper()
	s := sampleSpec()
	s.Recipe = []byte("the old one")
	name := create(t, s)
	return read(t, name), name
}

// TestFullDiskAnywhere lets each write fail: the old image stays, nothing is
// left beside it, and the message says why.
func TestFullDiskAnywhere(t *testing.T) {
	needStrace(t)
	for _, verb := range []string{"create", "append"} {
		for _, call := range []string{"pwrite64", "copy_file_range", "ftruncate", "fsync"} {
			for n := 1; n < 100; n++ {
				old, name := oldImage(t)
				out, err := inject(t, verb, name, call, "error=ENOSPC", n)
				if errors.Is(err, errNotReached) {
					break
				}
				if !strings.Contains(out, syscall.ENOSPC.Error()) || !strings.Contains(out, filepath.Dir(name)) {
					t.Errorf("%s, %s %d: %v: %s", verb, call, n, err, out)
				}
				got := read(t, name)
				if _, err := refused(got); err != nil || !bytes.Equal(got, old) && call != "fsync" { // the folder's comes last
					t.Errorf("%s, %s %d: the old image was changed (%v)", verb, call, n, err)
				}
				if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != 1 {
					t.Errorf("%s, %s %d: left behind: %v", verb, call, n, entries)
				}
			}
		}
	}
}

// TestModeFollowsTheUmask: the file's mode does, its bytes do not.
func TestModeFollowsTheUmask(t *testing.T) {
	want := read(t, create(t, sampleSpec()))
	for mask, mode := range map[int]os.FileMode{0o022: 0o644, 0o077: 0o600, 0: 0o666} {
		old := syscall.Umask(mask)
		name := create(t, sampleSpec())
		syscall.Umask(old)
		if fi, err := os.Stat(name); err != nil || fi.Mode() != mode {
			t.Errorf("umask %03o: mode %v, %v", mask, fi.Mode(), err)
		}
		if !bytes.Equal(read(t, name), want) {
			t.Errorf("umask %03o: other bytes", mask)
		}
	}
}
