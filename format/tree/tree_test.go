//go:build linux

package tree_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repro/format/tree"
)

func describe(t testing.TB, root *tree.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Describe(&b, root, nil); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), "\x00", " ")
}

func equalTrees(t testing.TB, got, want *tree.Node) {
	t.Helper()
	if g, w := describe(t, got), describe(t, want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func fromDir(t testing.TB, dir string) *tree.Node {
	t.Helper()
	root, err := tree.FromDir(dir, tree.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// own gives every file of a tree the owner that files of this process have.
func own(root *tree.Node) *tree.Node {
	for _, n := range root.All() {
		n.UID, n.GID = uint32(os.Getuid()), uint32(os.Getgid())
	}
	return root
}

func sample(t testing.TB) *tree.Node {
	t.Helper()
	root := tree.NewDir()
	add := func(name string, n *tree.Node) *tree.Node {
		n.ModTime = 1_500_000_000
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := add("a/first", tree.NewFile(0o640, []byte("linked")))
	add("b/second", first)
	add("a/symbolic", tree.NewSymlink("../b/second"))
	add("a/outside", tree.NewSymlink("/etc/passwd"))
	add("exe", tree.NewFile(0o755, []byte("#!/bin/sh\n"))).Mode |= fs.ModeSetuid
	add("secret", tree.NewFile(0o000, []byte("no permission")))
	add("fifo", &tree.Node{Mode: fs.ModeNamedPipe | 0o600})
	holes := make([]byte, 1<<20)
	copy(holes[300_000:], "data")
	add("holes", tree.NewFile(0o644, holes))
	add("locked/in/here", tree.NewFile(0o444, nil))
	add("odd \n\x01\xff", tree.NewFile(0o644, nil))
	for i := range 500 {
		add(fmt.Sprintf("many/%d", i), tree.NewFile(0o644, fmt.Append(nil, i)))
	}
	for _, n := range root.All() {
		if n.IsDir() {
			n.ModTime = 1_400_000_000
		}
	}
	root.Lookup("locked/in").Mode = fs.ModeDir | 0o500
	root.Lookup("locked").Mode = fs.ModeDir | 0o555
	root.Mode = fs.ModeDir | 0o555
	return root
}

func TestExtractAndFromDir(t *testing.T) {
	if os.Getuid() != 0 {
		// A file without permissions cannot be read back.
		t.Skipf("needs root; see TestExtractUnprivileged")
	}
	syscall.Umask(syscall.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "x")
	want := sample(t)
	if err := tree.Extract(t.Context(), want, dir, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	equalTrees(t, fromDir(t, dir), own(want))
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, "holes"), &st); err != nil {
		t.Fatal(err)
	}
	if st.Blocks*512 > 64<<10 {
		t.Errorf("a file of holes takes %d bytes", st.Blocks*512)
	}
}

func TestUnion(t *testing.T) {
	file := func(s string) *tree.Node { return tree.NewFile(0o644, []byte(s)) }
	build := func(entries map[string]*tree.Node) *tree.Node {
		root := tree.NewDir()
		for name, n := range entries {
			if err := root.Put(name, n); err != nil {
				t.Fatal(err)
			}
		}
		return root
	}
	opaque := tree.NewDir()
	opaque.Xattrs = map[string][]byte{tree.OpaqueXattr: []byte("y"), "user.kept": []byte("1")}
	opaque.Entries["new"] = file("new")
	linked := file("linked")
	lower := build(map[string]*tree.Node{
		"keep": file("keep"), "replace": file("old"), "remove": file("gone"), "dir/a": file("a"), "dir/b": file("b"),
		"opaque/old": file("old"), "file-to-dir": file("f"), "dir-to-file/x": file("x"), "dir-to-link/x": file("x"),
	})
	upper := build(map[string]*tree.Node{
		"replace": file("new"), "remove": tree.NewWhiteout(), "dir/b": tree.NewWhiteout(), "dir/c": file("c"),
		"opaque": opaque, "file-to-dir/y": file("y"), "dir-to-file": file("now a file"), "dir-to-link": tree.NewSymlink("dir"),
		"not-there": tree.NewWhiteout(), "l1": linked, "dir/l2": linked,
	})
	upper.Lookup("dir").Mode = fs.ModeDir | 0o700
	before := describe(t, lower) + describe(t, upper)

	want := build(map[string]*tree.Node{
		"keep": file("keep"), "replace": file("new"), "dir/a": file("a"), "dir/c": file("c"), "opaque/new": file("new"),
		"file-to-dir/y": file("y"), "dir-to-file": file("now a file"), "dir-to-link": tree.NewSymlink("dir"),
		"l1": linked, "dir/l2": linked,
	})
	want.Lookup("dir").Mode = fs.ModeDir | 0o700
	want.Lookup("opaque").Xattrs = map[string][]byte{"user.kept": []byte("1")}
	got := tree.Union(lower, upper)
	equalTrees(t, got, want)
	if got.Lookup("l1") != got.Lookup("dir/l2") {
		t.Error("a hard link within a layer is two files")
	}
	if describe(t, lower)+describe(t, upper) != before {
		t.Error("Union changed a layer")
	}
	equalTrees(t, tree.Union(), tree.NewDir())
	equalTrees(t, tree.Union(build(map[string]*tree.Node{"w": tree.NewWhiteout()})), tree.NewDir())
}

// ExampleDescribe shows the text that the content digest is taken of.
func ExampleDescribe() {
	root := tree.NewDir()
	data := tree.NewFile(0o644, []byte("1 2 3\n"))
	data.ModTime = 1_700_000_000
	root.Entries["data"] = data
	root.Entries["link"] = tree.NewSymlink("data")
	root.Entries["same"] = data
	var b bytes.Buffer
	if err := tree.Describe(&b, root, nil); err != nil {
		fmt.Println(err)
	}
	fmt.Print(strings.ReplaceAll(b.String(), "\x00", "|"))
	// Output:
	// repro tree 1
	// |directory|755|0|0|0|
	// data|file|644|0|0|1700000000|6|1def07dbe06eeb097aafec8a40329937cd20c93a83634b8221ea2b41a894310c|
	// link|symlink|777|0|0|0|data|
	// same|hardlink|data|
}
