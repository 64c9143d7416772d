//go:build linux

package tree_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"repro/format/tree"
)

// noneForOthers is the default ACL u::rwx,g::-,o::- as an extended attribute.
const noneForOthers = "\x02\x00\x00\x00" +
	"\x01\x00\x07\x00\xff\xff\xff\xff" +
	"\x04\x00\x00\x00\xff\xff\xff\xff" +
	"\x20\x00\x00\x00\xff\xff\xff\xff"

// TestExtractModes wants modes whole where the system takes bits away from new
// files.
func TestExtractModes(t *testing.T) {
	root := tree.NewDir()
	modes := []fs.FileMode{0o666, 0o644, 0o640, 0o600, 0o777, 0o755, 0o444, 0o000, 0o600 | fs.ModeSetuid, 0o755 | fs.ModeSetgid}
	for i := range 3 * len(modes) {
		root.Entries[fmt.Sprintf("%02d", i)] = tree.NewFile(0, []byte("x"))
		root.Entries[fmt.Sprintf("%02d", i)].Mode = modes[i%len(modes)]
	}
	for _, umask := range []int{0, 0o027, 0o777} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "x")
			defer syscall.Umask(syscall.Umask(umask))
			extractModes(t, root, dir)
		})
	}
	t.Run("acl", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Setxattr(dir, "system.posix_acl_default", []byte(noneForOthers), 0); err != nil {
			t.Skipf("needs a file system with ACLs: %v", err)
		}
		extractModes(t, root, dir)
	})
}

func extractModes(t *testing.T, root *tree.Node, dir string) {
	if err := tree.Extract(t.Context(), root, dir, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, n := range root.Entries {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != n.Mode {
			t.Errorf("%s: mode %v, want %v", name, info.Mode(), n.Mode)
		}
	}
}

// TestExtractCloses wants every folder closed after a failure, whatever was
// waiting then.
func TestExtractCloses(t *testing.T) {
	root := tree.NewDir()
	for i := range 500 {
		dir := tree.NewDir()
		dir.Entries["f"] = tree.NewFile(0o644, []byte("x"))
		if i == 300 {
			dir.Entries["f"].Open = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
		}
		root.Entries[fmt.Sprintf("%03d", i)] = dir
	}
	before := openFiles(t)
	if err := tree.Extract(context.Background(), root, filepath.Join(t.TempDir(), "x"), tree.ExtractOptions{}); err == nil {
		t.Error("extracts what cannot be read")
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d open files before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("needs /proc: %v", err)
	}
	return len(list)
}
