package build

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain builds in a process of its own where a test asks for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("REPRO_TEST_BUILD"); dir != "" {
		t := &testing.T{}
		if _, err := Image(context.Background(), os.Getenv("REPRO_TEST_OUT"), options(t, dir)); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// elsewhere builds the experiment in dir in another process and returns the
// digest of the image.
func elsewhere(t *testing.T, dir string, user uint32, umask int, env ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(out, "test.bin") // where any user may start it
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	reachable(t, out)
	reachable(t, dir)
	if err := os.Chmod(out, 0o777); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(out, "p.sif")
	cmd := exec.Command("sh", "-c", "umask "+strconv.FormatInt(int64(umask), 8)+"; exec "+program)
	cmd.Env = append([]string{"REPRO_TEST_BUILD=" + dir, "REPRO_TEST_OUT=" + image, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + out}, env...)
	if user != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return digest(t, image)
}

// reachable lets other users through the folders that lead to dir.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for at := dir; strings.HasPrefix(at, os.TempDir()+"/"); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSameBytesEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds ten times")
	}
	dir := t.TempDir()
	write(t, dir, experiment)
	want := elsewhere(t, dir, 0, 0o022)
	check := func(name, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: other bytes", name)
		}
	}
	check("again", elsewhere(t, dir, 0, 0o022))
	check("umask", elsewhere(t, dir, 0, 0o077))
	check("time zone and locale", elsewhere(t, dir, 0, 0o022, "TZ=Asia/Tokyo", "LC_ALL=tr_TR.UTF-8", "LANG=C"))
	check("one core", elsewhere(t, dir, 0, 0o022, "GOMAXPROCS=1"))
	check("eight cores", elsewhere(t, dir, 0, 0o022, "GOMAXPROCS=8"))
	if os.Getuid() == 0 {
		check("another user", elsewhere(t, dir, 65534, 0o027))
	}

	other := filepath.Join(t.TempDir(), "another place", "with spaces")
	names := slices.Sorted(maps.Keys(experiment))
	slices.Reverse(names)
	for _, name := range names { // another order of making, times and modes
		write(t, other, map[string]string{name: experiment[name]})
	}
	when := time.Unix(1_000_000_000, 0)
	err := filepath.WalkDir(other, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600) | info.Mode().Perm()&0o100
		if d.IsDir() {
			mode = 0o700
		}
		if os.Getuid() == 0 {
			if err := os.Lchown(at, 1234, 4321); err != nil {
				return err
			}
		}
		return os.Chmod(at, mode|os.ModeSticky)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(other, func(at string, _ fs.DirEntry, err error) error {
		return os.Chtimes(at, when, when)
	}); err != nil {
		t.Fatal(err)
	}
	write(t, other, map[string]string{".git/config": "x", "lib/.DS_Store": "y", "lib/__pycache__/a.pyc": "z", "unrelated": "w", "out/fit.csv": "made by the author's own run"})
	check("another place, order, owner, times, modes and leftovers", elsewhere(t, other, 0, 0o022))

	write(t, other, map[string]string{"fit.awk": experiment["fit.awk"] + "#"})
	if elsewhere(t, other, 0, 0o022) == want {
		t.Error("one byte more in a script: the same bytes")
	}
}
