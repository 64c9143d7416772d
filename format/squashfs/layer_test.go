package squashfs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

// readAll reads a tree to the last byte, but for files that claim to be large.
func readAll(root *tree.Node) error {
	seen := map[*tree.Node]bool{}
	budget := int64(4 << 20)
	for _, n := range root.All() {
		if !n.Mode.IsRegular() || n.Size > budget || seen[n] {
			continue
		}
		seen[n] = true
		budget -= n.Size
		f, err := n.Content()
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func eagerly(b []byte) (*tree.Node, error) {
	r, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	root, err := r.Tree()
	if err != nil {
		return nil, err
	}
	return root, readAll(root)
}

func lazily(b []byte) (*tree.Node, error) {
	r, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	v, err := tree.NewView(tree.Look{}, r)
	if err != nil {
		return nil, err
	}
	root, err := v.Tree()
	if err != nil {
		return nil, err
	}
	return root, readAll(root)
}

// TestRefuses reads each vector wholly at once, and as it is looked at: both
// accept the valid ones and those that are for verification only, and refuse
// every other.
func TestRefuses(t *testing.T) {
	vectors, err := filepath.Glob("../../testdata/vectors/squashfs/*.squashfs")
	if err != nil || len(vectors) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	readable := map[string]bool{"valid.squashfs": true, "valid-index.squashfs": true}
	list, err := os.ReadFile("../../testdata/vectors/squashfs/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var told []struct {
		Name         string
		Verification bool
	}
	if err := json.Unmarshal(list, &told); err != nil {
		t.Fatal(err)
	}
	for _, v := range told {
		readable[v.Name+".squashfs"] = v.Verification
	}
	for _, name := range vectors {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, eager := eagerly(b)
		_, lazy := lazily(b)
		for how, err := range map[string]error{"at once": eager, "as it is looked at": lazy} {
			if valid := readable[filepath.Base(name)]; valid && err != nil || !valid && !errors.Is(err, squashfs.ErrMalformed) {
				t.Errorf("%s, %s: %v", filepath.Base(name), how, err)
			}
		}
	}
}

// FuzzLazy compares the two on any bytes.
func FuzzLazy(f *testing.F) {
	vectors, err := filepath.Glob("../../testdata/vectors/squashfs/*.squashfs")
	if err != nil || len(vectors) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for _, name := range vectors {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		eager, eagerErr := eagerly(b)
		lazy, lazyErr := lazily(b)
		if eagerErr == nil && lazyErr != nil {
			t.Fatalf("refused only when looked at: %v", lazyErr)
		}
		if lazyErr == nil && eagerErr != nil {
			t.Fatalf("refused only at once: %v", eagerErr)
		}
		if lazyErr == nil {
			equalUnion(t, lazy, eager)
		}
	})
}

// equalUnion compares what a view shows of a layer to the layer.
func equalUnion(t *testing.T, seen, layer *tree.Node) {
	var a, b bytes.Buffer
	if err := errors.Join(tree.Describe(&a, seen, noSum), tree.Describe(&b, tree.Union(layer), noSum)); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Errorf("looked at:\n%q\nat once:\n%q", a.String(), b.String())
	}
}

func noSum(*tree.Node) (sum [32]byte, err error) { return sum, nil }
