package atomicfile_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"repro/internal/atomicfile"
)

// flushEnv makes TestDirIsFlushed write a folder: how many files, and where.
const flushEnv = "REPRO_TEST_FLUSH"

// TestDirIsFlushed watches system calls: all that is in the folder is on the
// disk before it has its name, and the name is before Commit returns. Where
// the disk fails, it never gets its name.
func TestDirIsFlushed(t *testing.T) {
	if job, ok := os.LookupEnv(flushEnv); ok {
		n, name, _ := strings.Cut(job, " ")
		writeFolder(t, n, name)
		return
	}
	if testing.Short() {
		t.Skip("slow")
	}
	if out, err := exec.Command("strace", "-f", "-qq", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace: %v: %s", err, out)
	}
	for _, files := range []int{3, 1200} {
		calls, err := traced(t, files, filepath.Join(t.TempDir(), "out"), "fsync,syncfs,renameat,renameat2,rename")
		if err != nil {
			t.Fatal(err, calls)
		}
		before, after, ok := strings.Cut(calls, "rename")
		if !ok || !strings.Contains(after, "fsync(") {
			t.Fatalf("%d files: the name is not flushed:\n%s", files, calls)
		}
		for _, want := range []string{"partial>", "in>", "in/0>", "in/1>", "in/2>"} {
			if !strings.Contains(before, want) && !strings.Contains(before, "syncfs(") {
				t.Errorf("%d files: %s is not flushed:\n%s", files, want, before)
			}
		}
		name := filepath.Join(t.TempDir(), "out")
		if out, err := traced(t, files, name, "fsync,syncfs", "-e", "inject=fsync,syncfs:error=EIO:when=1"); err == nil {
			t.Errorf("%d files: done with a broken disk: %s", files, out)
		}
		if list, _ := os.ReadDir(filepath.Dir(name)); len(list) != 0 {
			t.Errorf("%d files: a broken disk left %v", files, list)
		}
	}
}

// traced writes a folder in a process of its own and returns what it called.
func traced(t *testing.T, files int, name, calls string, more ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "calls")
	args := append([]string{"-f", "-y", "-qq", "-o", log, "-e", "trace=" + calls}, more...)
	cmd := exec.Command("strace", append(args, self, "-test.run=^TestDirIsFlushed$")...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", flushEnv, files, name))
	out, runErr := cmd.CombinedOutput()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err, string(out))
	}
	return string(b), runErr
}

func writeFolder(t *testing.T, files, name string) {
	t.Helper()
	d, err := atomicfile.CreateDir(name)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Mkdir(filepath.Join(d.Path(), "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(files)
	for i := range n {
		if err := os.WriteFile(filepath.Join(d.Path(), "in", strconv.Itoa(i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
}
