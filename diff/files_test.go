package diff

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"repro/format/tree"
	"repro/report"
)

// TestEntry holds what is said of a name in two trees.
func TestEntry(t *testing.T) {
	with := func(change func(*tree.Node)) *tree.Node {
		n := file("same")
		change(n)
		return n
	}
	device := &tree.Node{Mode: fs.ModeDevice | 0o600, Device: 259}
	for _, c := range []struct {
		name string
		a, b *tree.Node
		want string // change: what
	}{
		{"same", file("same"), file("same"), ""},
		{"added", nil, file("same"), "added: file"},
		{"removed", tree.NewSymlink("x"), nil, "removed: symlink"},
		{"another folder", nil, tree.NewDir(), "added: directory"},
		{"bytes", file("same"), file("some"), "changed: content"},
		{"size", file("same"), file("same and more"), "changed: content"},
		{"mode", file("same"), with(func(n *tree.Node) { n.Mode = 0o755 }), "changed: mode 0644, then 0755"},
		{"setuid", file("same"), with(func(n *tree.Node) { n.Mode |= fs.ModeSetuid }), "changed: mode 0644, then 4644"},
		{"user", file("same"), with(func(n *tree.Node) { n.UID = 1000 }), "changed: owner 0/0, then 1000/0"},
		{"group", file("same"), with(func(n *tree.Node) { n.GID = 7 }), "changed: owner 0/0, then 0/7"},
		{"time", file("same"), with(func(n *tree.Node) { n.ModTime = 5 }), "changed: time 0, then 5"},
		{"attributes", file("same"), with(func(n *tree.Node) { n.Xattrs = map[string][]byte{"user.a": []byte("b")} }), "changed: extended attributes"},
		{"target", tree.NewSymlink("a"), tree.NewSymlink("b"), `changed: target "a", then "b"`},
		{"kind", tree.NewSymlink("a"), with(func(n *tree.Node) { n.Mode = 0o777 }), `changed: kind symlink, then file, target "a", then ""`},
		{"device", device, &tree.Node{Mode: fs.ModeDevice | 0o600, Device: 260}, "changed: device 259, then 260"},
		{"all at once", file("same"), with(func(n *tree.Node) { *n = *file("some"); n.Mode = 0o600; n.UID = 1 }), "changed: mode 0644, then 0600, owner 0/0, then 1/0, content"},
	} {
		p := pair{path: "dir/x", a: c.a, b: c.b}
		pairs := []pair{p}
		if err := differTo(9).contents("code", pairs); err != nil {
			t.Fatal(err)
		}
		e := pairs[0].entry()
		got := e.Change
		if e.What != "" {
			got += ": " + e.What
		}
		if got != c.want || e.Name != "/dir/x" {
			t.Errorf("%s: %s %q, want %q", c.name, e.Name, got, c.want)
		}
	}
}

// TestHardLinks: a file of several names is compared once, and by which names
// it has.
func TestHardLinks(t *testing.T) {
	a, b := tree.NewDir(), tree.NewDir()
	one, two := file("same"), file("same")
	for _, name := range []string{"x", "y", "z"} {
		a.Entries[name] = one
	}
	b.Entries["x"], b.Entries["y"], b.Entries["z"] = two, two, file("same")
	l, err := differTo(9).trees("code", a, b)
	if err != nil {
		t.Fatal(err)
	}
	if l.Changed != 1 || len(l.Files) != 1 || l.Files[0].Name != "/z" || l.Files[0].What != `hard link to "x", then ""` {
		t.Errorf("%+v", l)
	}
	changed := file("some")
	b.Entries["x"], b.Entries["y"], b.Entries["z"] = changed, changed, changed
	if l, err = differTo(9).trees("code", a, b); err != nil || l.Changed != 1 || l.Files[0].Name != "/x" {
		t.Errorf("a change in a file of three names: %v, %+v", err, l)
	}
}

// TestUnequal looks for a difference in the first, the last and no byte, on
// both sides of the size of a block.
func TestUnequal(t *testing.T) {
	const block = 64 << 10
	for _, size := range []int{0, 1, block - 1, block, block + 1, 2*block + 1} {
		for _, at := range []int{-1, 0, size / 2, size - 1} {
			if at >= size || size == 0 && at != -1 {
				continue
			}
			a, b := []byte(repeat("x", size)), []byte(repeat("x", size))
			if at >= 0 {
				b[at] = 'y'
			}
			got, err := unequal(context.Background(), tree.NewFile(0o644, a), tree.NewFile(0o644, b))
			if err != nil || got != (at >= 0) {
				t.Errorf("%d bytes, the one at %d differs: %v, %v", size, at, got, err)
			}
		}
	}
	broken := errors.New("broken")
	fails := func(r io.Reader, openErr error) *tree.Node {
		return &tree.Node{Mode: 0o644, Size: 4, Open: func() (io.ReadCloser, error) { return io.NopCloser(r), openErr }}
	}
	for name, n := range map[string]*tree.Node{
		"open": fails(nil, broken), "read": fails(iotest.ErrReader(broken), nil), "short": fails(strings.NewReader("abc"), nil),
	} {
		for _, swap := range []bool{false, true} {
			a, b := n, file("abcd")
			if swap {
				a, b = b, a
			}
			if _, err := unequal(context.Background(), a, b); err == nil {
				t.Errorf("%s: no error", name)
			}
			root := folder(t, map[string]*tree.Node{"f": a})
			other := folder(t, map[string]*tree.Node{"f": b})
			if _, err := differTo(9).trees("code", root, other); err == nil || !strings.HasPrefix(err.Error(), `layer "code": "f": `) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestExplained: so many files are shown inside, and none that is too large.
func TestExplained(t *testing.T) {
	entries := func(text string) map[string]*tree.Node {
		all := map[string]*tree.Node{}
		for i := range maxExplained + 5 {
			all[string(rune('a'+i/26))+string(rune('a'+i%26))+".txt"] = file(text)
		}
		return all
	}
	l, err := differTo(1000).trees("code", folder(t, entries("one\n")), folder(t, entries("two\n")))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, f := range l.Files {
		if f.Diff != "" {
			shown++
		}
	}
	if shown != maxExplained || len(l.Files) != maxExplained+5 {
		t.Errorf("%d of %d files are shown inside, want %d", shown, len(l.Files), maxExplained)
	}
	for _, c := range []struct {
		a, b  int64
		shown bool
	}{{maxShown, maxShown, true}, {maxShown + 1, 1, false}, {1, maxShown + 1, false}} {
		e := report.DiffEntry{SizeA: c.a, SizeB: c.b, What: "content"}
		if err := differTo(9).explain(&e, fileOf("a.txt", file("one\n")), fileOf("a.txt", file("two\n"))); err != nil {
			t.Fatal(err)
		}
		if got := e.KindAs != ""; got != c.shown {
			t.Errorf("files of %d and %d bytes: shown %v, want %v", c.a, c.b, got, c.shown)
		}
	}
	e := report.DiffEntry{What: "mode 0644, then 0755, content"}
	if err := differTo(9).explain(&e, fileOf("a.csv", file("x\n1.50\n")), fileOf("a.csv", file("x\n1.5\n"))); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(e.What, "mode 0644, then 0755, content: ") {
		t.Errorf("%q", e.What)
	}
}

// TestOneFile: what package compare sees is a file system of the one file.
func TestOneFile(t *testing.T) {
	n := file("content")
	n.Mode, n.ModTime = 0o640, 1e9
	f := fileOf("a.txt", n)
	opened, err := f.FS.Open("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	i, err := opened.Stat()
	if err != nil || i.Name() != "a.txt" || i.Size() != 7 || i.Mode() != 0o640 || i.IsDir() || i.ModTime().Unix() != 1e9 || i.Sys() != nil {
		t.Errorf("%v, %+v", err, i)
	}
	if b, err := io.ReadAll(opened); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := f.FS.Open("b.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another name: %v", err)
	}
	broken := &tree.Node{Mode: 0o644, Size: 1, Open: func() (io.ReadCloser, error) { return nil, fs.ErrPermission }}
	if _, err := fileOf("a.txt", broken).FS.Open("a.txt"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}
