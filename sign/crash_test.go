package sign_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/key"
)

// TestCrash kills the signer at each system call that changes a file, one
// after the other. The image is afterwards the old one or the new one.
func TestCrash(t *testing.T) { crash(t, "signal=KILL") }

// TestFullDisk lets these system calls fail instead. Nothing is left behind,
// and if the signer says that it signed, it has.
func TestFullDisk(t *testing.T) { crash(t, "error=ENOSPC") }

// runtimeEnds is what a program of Go says that ends because of a fault that met
// a write of the language's own, by which it wakes a thread.
const runtimeEnds = "runtime: netpollBreak write failed"

func crash(t *testing.T, fault string) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skipf("needs strace")
	}
	dir := t.TempDir()
	k := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice")
	b, err := k.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	old := read(t, image(t))
	file, log := filepath.Join(dir, "paper.sif"), filepath.Join(t.TempDir(), "log")
	faults := 0
	for _, call := range []string{"ioctl", "copy_file_range", "write", "pwrite64", "ftruncate", "fchmod", "fsync", "renameat"} {
		for n := 1; n < 20; n++ {
			if err := os.WriteFile(file, old, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("strace", "-f", "-qq", "-o", log,
				"-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n), os.Args[0])
			cmd.Env = append(os.Environ(), "SIGN_TEST_KEY="+keyFile, "SIGN_TEST_IMAGE="+file)
			out, err := cmd.CombinedOutput()
			if bytes.Contains(out, []byte("ptrace")) {
				t.Skipf("needs ptrace: %s", out)
			}
			changed := !bytes.Equal(read(t, file), old)
			if changed {
				wantSigned(t, file, k)
			}
			if err == nil && !changed {
				t.Errorf("%s %d: done, but nothing changed", call, n)
			}
			killed := strings.HasPrefix(fault, "signal") || bytes.Contains(out, []byte(runtimeEnds))
			left, _ := filepath.Glob(filepath.Join(dir, ".*"))
			for _, f := range left {
				if !killed {
					t.Errorf("%s %d: left behind %s\n%s", call, n, f, out)
				}
				os.Remove(f)
			}
			injected := err != nil || bytes.Contains(read(t, log), []byte("(INJECTED)"))
			if !injected {
				break
			}
			faults++
		}
	}
	if faults < 5 {
		t.Errorf("only %d faults", faults)
	}
	t.Logf("%d faults", faults)
}
