package rmtree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemove(t *testing.T) {
	base := t.TempDir()
	outside := filepath.Join(base, "outside")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "dir")
	deep := dir
	for range 12 {
		deep = filepath.Join(deep, "d")
	}
	err := errors.Join(os.MkdirAll(deep, 0o755), os.Mkdir(filepath.Join(dir, "removed-1"), 0o755), os.WriteFile(filepath.Join(deep, "f"), nil, 0o644),
		os.Symlink(base, filepath.Join(dir, "d/link")), os.Chmod(filepath.Join(dir, "d/d"), 0), os.Chmod(filepath.Join(dir, "d"), 0o500))
	if err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	if _, err := os.Lstat(outside); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	for _, name := range []string{dir, outside} {
		if err := Remove(name); err != nil {
			t.Errorf("what is not there, or is a file: %v", err)
		}
	}
	if err := os.Symlink(base, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	if err := Remove(filepath.Join(base, "link")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(base); err != nil {
		t.Error("the folder behind a link is gone")
	}
}

// A path may be longer than the system takes in one piece.
func TestRemoveBeyondPathLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("n", 200)
	for range 30 { // 6000 bytes
		if err := root.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := root.OpenRoot(name)
		root.Close()
		if err != nil {
			t.Fatal(err)
		}
		root = next
	}
	root.Close()
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("something is left")
	}
}
