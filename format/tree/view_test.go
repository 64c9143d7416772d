package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"repro/format/tree"
)

// randomLayer is a small tree with all that matters to a union, under names
// that other such trees have too.
func randomLayer(r *rand.Rand, depth int) *tree.Node {
	dir := tree.NewDir()
	dir.ModTime = int64(r.IntN(100))
	if r.IntN(6) == 0 {
		dir.Xattrs = map[string][]byte{[]string{tree.OpaqueXattr, tree.UserOpaqueXattr}[r.IntN(2)]: []byte("y"), "user.kept": {1}}
	}
	var files []*tree.Node
	for i := range 5 {
		name := fmt.Sprint("n", i)
		switch k := r.IntN(9); {
		case k < 3 && depth > 0:
			dir.Entries[name] = randomLayer(r, depth-1)
		case k < 4:
			dir.Entries[name] = tree.NewWhiteout()
		case k < 5:
			dir.Entries[name] = tree.NewSymlink("../n1")
		case k < 6 && len(files) > 0:
			dir.Entries[name] = files[0] // a hard link
		case k < 7:
			files = append(files, tree.NewFile(0o644, fmt.Appendf(nil, "%d", r.IntN(1000))))
			dir.Entries[name] = files[len(files)-1]
		}
	}
	return dir
}

func newView(t *testing.T, look tree.Look, roots ...*tree.Node) *tree.View {
	t.Helper()
	var layers []tree.Layer
	for _, root := range roots {
		l, err := tree.NewLayer(root)
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	v, err := tree.NewView(look, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestViewIsUnion reads random layers as a view and finds what their union is,
// whole and name by name.
func TestViewIsUnion(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		var roots []*tree.Node
		for range 1 + r.IntN(4) {
			roots = append(roots, randomLayer(r, 3))
		}
		union := tree.Union(roots...)
		v := newView(t, tree.Look{}, roots...)
		got, err := v.Tree()
		if err != nil {
			t.Fatal(err)
		}
		var a, b bytes.Buffer
		if err := errors.Join(tree.Describe(&a, got, nil), tree.Describe(&b, union, nil)); err != nil {
			t.Fatal(err)
		}
		if a.String() != b.String() {
			t.Fatalf("seed %d: view\n%q\nunion\n%q", seed, a.String(), b.String())
		}
		numbers := map[uint64]*tree.Node{}
		for name, n := range union.All() {
			seen, err := v.Find(name)
			if err != nil {
				t.Fatalf("seed %d: %q: %v", seed, name, err)
			}
			if other, ok := numbers[seen.Number]; ok && other != n || seen.Number == 0 {
				t.Errorf("seed %d: %q: number %d is another file's", seed, name, seen.Number)
			}
			numbers[seen.Number] = n
			if again, err := v.Look(seen.ID); err != nil || again.Number != seen.Number || again.Links != seen.Links {
				t.Errorf("seed %d: %q: looked at again: %+v, %v", seed, name, again, err)
			}
			if at, err := v.Find(v.Path(seen.ID)); err != nil || at.ID != seen.ID {
				t.Errorf("seed %d: %q has path %q: %v", seed, name, v.Path(seen.ID), err)
			}
			if _, err := v.Find(name + "/missing"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("seed %d: %q: what is not there: %v", seed, name, err)
			}
		}
	}
}

// TestViewResolves follows paths in random layers and ends where their union
// says.
func TestViewResolves(t *testing.T) {
	found := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var roots []*tree.Node
		for range 1 + r.IntN(3) {
			roots = append(roots, randomLayer(r, 3))
		}
		union, v := tree.Union(roots...), newView(t, tree.Look{}, roots...)
		for range 50 {
			name := ""
			for range 1 + r.IntN(5) {
				name += [...]string{"/n0", "/n1", "/n2", "/n3", "/n4", "/..", "/.", "/"}[r.IntN(8)]
			}
			_, want, missing := union.Resolve(name, true)
			got, err := v.Resolve(name)
			if (err == nil) != (missing == nil) || errors.Is(err, fs.ErrNotExist) != errors.Is(missing, fs.ErrNotExist) {
				t.Fatalf("seed %d: %q: %v, want %v", seed, name, err, missing)
			}
			if err != nil {
				continue
			}
			found++
			if got.Node.Mode != want.Mode || got.Node.Size != want.Size || got.Node.ModTime != want.ModTime {
				t.Errorf("seed %d: %q leads to %v, want %v", seed, name, got.Node, want)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d paths led somewhere", found)
	}
}

// TestLook changes and leaves out files.
func TestLook(t *testing.T) {
	root := tree.NewDir()
	root.Entries["file"] = tree.NewFile(0o644|fs.ModeSetuid, nil)
	root.Entries["pipe"] = &tree.Node{Mode: fs.ModeNamedPipe}
	root.Entries["file"].Xattrs = map[string][]byte{"user.a": nil}
	look := tree.Look{
		Keep:     func(m fs.FileMode) bool { return m != fs.ModeNamedPipe },
		Change:   func(n *tree.Node) { n.UID = 7 },
		NoXattrs: true,
	}
	for _, roots := range [][]*tree.Node{{root}, {root, root}} {
		v := newView(t, look, roots...)
		if v.HasXattrs() {
			t.Error("extended attributes are announced")
		}
		got, err := v.Tree()
		if err != nil {
			t.Fatal(err)
		}
		file := got.Entries["file"]
		if len(got.Entries) != 1 || file.UID != 7 || file.Xattrs != nil || root.Entries["file"].UID != 0 {
			t.Errorf("%d entries, file %+v", len(got.Entries), file)
		}
		if _, err := v.Find("pipe"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("pipe: %v", err)
		}
	}
}

func TestViewOfNothing(t *testing.T) {
	if _, err := tree.NewView(tree.Look{}); err == nil {
		t.Error("a view of no layers")
	}
	dir := tree.NewDir()
	dir.Entries["a"], dir.Entries["b"] = tree.NewDir(), tree.NewDir()
	dir.Entries["b"] = dir.Entries["a"]
	if _, err := tree.NewLayer(dir); err == nil {
		t.Error("a directory that stands in two places")
	}
}
