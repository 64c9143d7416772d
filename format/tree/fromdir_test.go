//go:build linux

package tree_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repro/format/tree"
)

func TestFromDir(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string]string{"one": "1", "skipped": "2", "x": "3"} {
		if err := os.WriteFile(file(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Link(file("one"), file("two")), os.Symlink("one", file("link")), os.Mkdir(file("d"), 0o755),
		syscall.Mkfifo(file("fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", file("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	xattrs := syscall.Setxattr(file("x"), "user.comment", []byte("kept"), 0) == nil

	root, err := tree.FromDir(dir, tree.DirOptions{Skip: func(name string, _ fs.FileMode) bool { return name == "skipped" }})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(root.Names(), " "); got != "d fifo link one two x" {
		t.Errorf("names: %s", got)
	}
	if root.Lookup("one") != root.Lookup("two") {
		t.Error("a hard link is two files")
	}
	if n := root.Lookup("link"); n.Target != "one" {
		t.Errorf("link to %q", n.Target)
	}
	if got := string(root.Lookup("x").Xattrs["user.comment"]); xattrs && got != "kept" {
		t.Errorf("extended attribute %q", got)
	}
}

func TestFromDirNoticesChanges(t *testing.T) {
	for name, change := range map[string]func(string) error{
		"grown":  func(f string) error { return os.WriteFile(f, []byte("longer than before"), 0o644) },
		"shrunk": func(f string) error { return os.Truncate(f, 1) },
		"gone":   os.Remove,
		"link":   func(f string) error { return errors.Join(os.Remove(f), os.Symlink("/etc/passwd", f)) },
		"fifo":   func(f string) error { return errors.Join(os.Remove(f), syscall.Mkfifo(f, 0o600)) },
		"replaced": func(f string) error {
			return errors.Join(os.WriteFile(f+"2", []byte("before"), 0o644), os.Rename(f+"2", f))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "file")
			if err := os.WriteFile(file, []byte("before"), 0o644); err != nil {
				t.Fatal(err)
			}
			root := fromDir(t, dir)
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			r, err := root.Lookup("file").Open()
			if err == nil {
				r.Close()
				t.Fatal("opens")
			}
			if !strings.Contains(err.Error(), file) {
				t.Errorf("error %v does not name the file", err)
			}
		})
	}
}

func TestFromDirNamesWhatItCannotRead(t *testing.T) {
	if _, err := tree.FromDir(filepath.Join(t.TempDir(), "nothing"), tree.DirOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if os.Getuid() == 0 {
		t.Skipf("root reads everything")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.FromDir(dir, tree.DirOptions{}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("error %v", err)
	}
}

func TestDeviceNumbers(t *testing.T) {
	for _, d := range [][2]uint32{{0, 0}, {1, 3}, {8, 255}, {8, 256}, {259, 70000}, {4095, 1<<20 - 1}} {
		if major, minor := tree.DecodeDevice(tree.EncodeDevice(d[0], d[1])); [2]uint32{major, minor} != d {
			t.Errorf("%v becomes %d:%d", d, major, minor)
		}
	}
}
