package witness

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Fuzz throws damaged files at a reader: each ends in arrays that have the
// elements for their shapes, or in one of the errors of package badfile. The
// seeds are the files of the patterns.
func Fuzz(f *testing.F, read func([]byte) ([]ndarray.Array, error), patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no seeds of %s: %v", pattern, err)
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
		before := bytes.Clone(b)
		arrays, err := read(b)
		if err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the reader changed what it read")
		}
		for i := range arrays {
			Whole(t, &arrays[i])
		}
	})
}

// Whole fails if an array has not the elements for its shape.
func Whole(t *testing.T, a *ndarray.Array) {
	t.Helper()
	n := a.Count()
	switch {
	case n < 0 || len(a.Shape) > ndarray.MaxAxes:
		t.Fatalf("%q has the shape %v", a.Name, a.Shape)
	case a.Class == ndarray.Text && len(a.Texts) != n:
		t.Fatalf("%q of shape %v has %d texts", a.Name, a.Shape, len(a.Texts))
	case a.Class != ndarray.Text && (a.Size <= 0 || len(a.Data) != n*a.Size || a.Order == nil && a.Class != ndarray.Bytes):
		t.Fatalf("%q of shape %v and size %d has %d bytes in order %v", a.Name, a.Shape, a.Size, len(a.Data), a.Order)
	}
	for _, i := range []int{0, n - 1} {
		if n > 0 && a.Class != ndarray.Text && len(a.At(i)) != a.Size {
			t.Fatalf("%q has no element %d", a.Name, i)
		}
	}
}

// CutShort fails unless read refuses a file that is cut short, wherever it is
// cut but in its last spare bytes, which may be padding.
func CutShort(t *testing.T, read func([]byte) ([]ndarray.Array, error), name string, spare int) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for n := 0; n < len(b)-spare; n += 1 + len(b)/997 {
		if _, err := read(b[:n:n]); !badfile.Is(err) {
			t.Fatalf("%s cut after %d of %d bytes: %v", name, n, len(b), err)
		}
	}
	return b
}
