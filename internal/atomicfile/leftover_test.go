//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("REPRO_BEGIN_IN"); dir != "" {
		beginAndWait(dir)
	}
	os.Exit(m.Run())
}

// beginAndWait begins a file and a folder and waits to be killed.
func beginAndWait(dir string) {
	f, err := Create(filepath.Join(dir, "paper.sif"), 0o666)
	if err != nil {
		panic(err)
	}
	_, err = f.WriteString("half")
	d, dirErr := CreateDir(filepath.Join(dir, "deposit"))
	if err := errors.Join(err, dirErr); err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "inside"), nil, 0o400); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("begun\n")
	select {}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestKilled kills a program that writes and looks for what the next one does
// about it, before and after.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REPRO_BEGIN_IN="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	begun := list(t, dir)
	if len(begun) != 2 {
		t.Fatalf("%q", begun)
	}
	sweep(dir, time.Now().Add(100*time.Hour))
	if got := list(t, dir); !slices.Equal(got, begun) {
		t.Errorf("of a program that runs only %q is left", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := Write(filepath.Join(dir, "another"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, []string{"another"}) {
		t.Errorf("after the next file: %q", got)
	}
}

// TestSweepLeaves is about what looks like something that was left.
func TestSweepLeaves(t *testing.T) {
	dir := t.TempDir()
	ours, strange := machine(), "AAAAAA"
	old := time.Now().Add(-strangeAge - time.Minute)
	stay := []string{
		"paper.sif", ".paper.sif.partial", ".paper.sif." + ours + ".partial", ".paper.sif." + ours + "ABCDEFG1.partial",
		".paper.sif." + ours + "ABCDEFGHI.partial", "paper.sif." + ours + "ABCDEFGH.partial", "." + ours + "ABCDEFGH.partial",
		".new.sif." + strange + "ABCDEFGH.partial",
	}
	for _, name := range append(stay, ".a."+ours+"ABCDEFGH.partial", ".old.sif."+strange+"ABCDEFGH.partial") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, ".new") {
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := ".l." + ours + "ABCDEFGH.partial"
	if err := os.Symlink("paper.sif", filepath.Join(dir, link)); err != nil {
		t.Fatal(err)
	}
	sweep(dir, time.Now())
	want := append(stay, link)
	slices.Sort(want)
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
}

// TestHold locks a file that another program may have taken for left.
func TestHold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if release, taken := hold(name); release != nil || !taken {
		t.Error("a file that is not there is held, or nobody took it")
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	release, taken := hold(name)
	if release == nil || taken {
		t.Fatal("not held")
	}
	if again, taken := hold(name); again != nil || !taken {
		t.Error("held twice, or nobody took it")
	}
	release()
	if again, taken := hold(name); again == nil || taken {
		t.Error("not held again")
	} else {
		again()
	}
}

// TestGivesUp commits and closes, after which others may take what is there.
func TestGivesUp(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "f"), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if release, _ := hold(f.Name()); release != nil {
		t.Error("a file that is being written is free")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if release, _ := hold(filepath.Join(dir, "f")); release == nil {
		t.Error("a file that has its name is held")
	} else {
		release()
	}
	d, err := Scratch(filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(d.Path()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if release, _ := hold(d.Path()); release != nil {
		t.Error("a folder that is being written is free")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Path()); d.Path() == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q after Close: %v", d.Path(), err)
	}
}
