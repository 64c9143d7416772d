package hdf5

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"testing"
)

// FuzzNodes reads damaged files: each ends in values or in one of the
// package's errors.
func FuzzNodes(f *testing.F) {
	for _, pattern := range []string{"hdf5-*/published.*", "hdf5-*/new.*", "netcdf4-*/published.*"} {
		names, err := filepath.Glob("../../testdata/vectors/compare/" + pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no vectors: %v", err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			known(t, err)
			return
		}
		file.left = 1 << 24
		nodes, err := file.Nodes(context.Background())
		known(t, err)
		for _, n := range nodes {
			arrays, err := n.Read(context.Background())
			known(t, err)
			for _, a := range arrays {
				holds(t, &a)
			}
		}
	})
}

func known(t *testing.T, err error) {
	t.Helper()
	if err != nil && !badfile.Is(err) {
		t.Fatal(err)
	}
}

// holds checks that an array has the values for its shape.
func holds(t *testing.T, a *ndarray.Array) {
	t.Helper()
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	if a.Class == ndarray.Text && len(a.Texts) != n || a.Class != ndarray.Text && len(a.Data) != n*a.Size {
		t.Fatalf("%q of shape %v has %d bytes, %d texts", a.Name, a.Shape, len(a.Data), len(a.Texts))
	}
}
