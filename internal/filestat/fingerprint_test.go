//go:build linux

package filestat

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Whatever is done to a file, and however it is hidden, the fingerprint tells.
func TestFingerprintTells(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(dir string) error
		same  bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"read", func(dir string) error { _, err := os.ReadFile(filepath.Join(dir, "a")); return err }, true},
		{"content", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("2"), 0o644) }, false},
		{"content, with the time set back", func(dir string) error {
			name := filepath.Join(dir, "a")
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(name, []byte("2"), 0o644), os.Chtimes(name, info.ModTime(), info.ModTime()))
		}, false},
		{"mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "a"), 0o600) }, false},
		{"name", func(dir string) error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")) }, false},
		{"a new file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "d/new"), nil, 0o644) }, false},
		{"a copy in its place", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "x"), []byte("1"), 0o644), os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "a")))
		}, false},
	} {
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o755), os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o644)); err != nil {
			t.Fatal(err)
		}
		before, err := Fingerprint(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.touch(dir); err != nil {
			t.Fatal(err)
		}
		if after, err := Fingerprint(dir); err != nil || (after == before) != tt.same {
			t.Errorf("%s: same %v, want %v (%v)", tt.name, after == before, tt.same, err)
		}
	}
	if _, err := Fingerprint(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestSize(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o755), os.WriteFile(filepath.Join(dir, "a"), make([]byte, 10), 0o644),
		os.WriteFile(filepath.Join(dir, "d/b"), make([]byte, 7), 0o644), os.Symlink("a", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	if got := Size(dir); got != 17 {
		t.Errorf("%d bytes, want 17", got)
	}
	if got := Size(filepath.Join(dir, "missing")); got != 0 {
		t.Errorf("a missing folder has %d bytes", got)
	}
}

func TestWhiteout(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "w")
	if err := syscall.Mknod(name, syscall.S_IFCHR, 0); err != nil {
		t.Skip("needs the right to make a device node: ", err)
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{name: true, file: false, "/dev/null": false} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if IsWhiteout(info) != want {
			t.Errorf("%s: whiteout %v", path, !want)
		}
	}
	info, err := os.Lstat(file)
	if err != nil || !IsOurs(info) {
		t.Errorf("a file made here is not ours: %v", err)
	}
}
