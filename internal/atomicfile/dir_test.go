package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"repro/internal/atomicfile"
)

func TestDir(t *testing.T) {
	base := t.TempDir()
	name := filepath.Join(base, "out")
	d, err := atomicfile.CreateDir(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(d.Path(), "closed", "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(d.Path(), "closed"), 0o500); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(base); len(list) != 0 {
		t.Fatalf("left behind: %v", list)
	}

	if err := os.Mkdir(name, 0o755); err != nil { // an empty one may go
		t.Fatal(err)
	}
	if d, err = atomicfile.CreateDir(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(name, "f")); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(name, "f")
	t.Chdir(t.TempDir())
	for _, taken := range []string{name, file, "."} {
		if d, err := atomicfile.CreateDir(taken); err == nil {
			d.Close()
			t.Errorf("%s: taken, and not refused", taken)
		}
	}
}
