package squashfs

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"repro/format/tree"
)

// bigDirectory is a file system whose root has an index, uncompressed, and
// where in it the index begins.
func bigDirectory(t *testing.T) (image []byte, at int) {
	t.Helper()
	root := tree.NewDir()
	for i := range 2000 {
		if err := root.Put(fmt.Sprintf("entry-%05d", i), tree.NewFile(0o644, nil)); err != nil {
			t.Fatal(err)
		}
	}
	m := &memory{}
	if _, err := Write(t.Context(), m, root, Options{Codec: "none"}); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(m.b), int64(len(m.b)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := r.root()
	if err != nil || in.indexed < 3 {
		t.Fatalf("%v, an index of %d", err, in.indexed)
	}
	c := in.index.position()
	return m.b, int(c.at) + 2 + c.offset // behind the block's header
}

// memory is where a file system is written to.
type memory struct{ b []byte }

func (m *memory) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) { return copy(m.b[at:], p), nil }

func readWhole(image []byte) error {
	r, err := NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return err
	}
	_, err = r.Tree()
	return err
}

// TestIndexFollowsFromListing: what a kernel finds by the index is what a
// listing has, or the file system is refused.
func TestIndexFollowsFromListing(t *testing.T) {
	image, at := bigDirectory(t)
	if err := readWhole(image); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(b []byte){
		"position": func(b []byte) { le.PutUint32(b, le.Uint32(b)+20) },
		"another run's position": func(b []byte) {
			le.PutUint32(b, le.Uint32(b[12+int(le.Uint32(b[8:]))+1:]))
		},
		"no position":   func(b []byte) { le.PutUint32(b, 0) },
		"beyond":        func(b []byte) { le.PutUint32(b, 1<<30) },
		"block":         func(b []byte) { le.PutUint32(b[4:], le.Uint32(b[4:])+8194) },
		"first block":   func(b []byte) { le.PutUint32(b[4:], 0) },
		"name":          func(b []byte) { b[12]++ },
		"end of name":   func(b []byte) { b[12+int(le.Uint32(b[8:]))]-- },
		"name's length": func(b []byte) { le.PutUint32(b[8:], MaxName) },
	} {
		b := bytes.Clone(image)
		change(b[at:])
		if err := readWhole(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s changed: %v", what, err)
		}
	}
}
