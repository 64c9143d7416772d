package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

// check reads all there is of a file system.
func check(b []byte) error {
	r, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	root, err := r.Tree()
	if err != nil {
		return err
	}
	_, err = tree.Digest(root, nil)
	return err
}

// verified is check, and what verification asks beside.
func verified(ctx context.Context, b []byte) error {
	if err := check(b); err != nil {
		return err
	}
	r, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	return r.Check(ctx)
}

// maxRefusal is how many bytes of memory a defect may cost: the reader makes
// buffers for blocks some four MiB at a time, on the border of a large page.
const maxRefusal = 7 << 20

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestEachDefectIsRefused(t *testing.T) {
	base, err := makeBase()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(base); err != nil {
		t.Fatal(err)
	}
	large, err := makeLarge()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{base, large} {
		if err := verified(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for i, v := range slices.Concat(vectors, secondMeanings, indexes) {
		of, check := base, check
		if i >= len(vectors)+len(secondMeanings) {
			of = large
		}
		b := v.edit(bytes.Clone(of))
		if bytes.Equal(b, of) {
			t.Errorf("%s: is the valid file system", v.Name)
		}
		if v.Verification {
			if err := check(b); err != nil {
				t.Errorf("%s: already refused by who only reads it: %v", v.Name, err)
			}
			check = func(b []byte) error { return verified(t.Context(), b) }
		}
		before := allocated()
		if err := check(b); !errors.Is(err, squashfs.ErrMalformed) {
			t.Errorf("%s: %s: refused with %v", v.Name, v.Defect, err)
		} else {
			t.Logf("%s: %v", v.Name, err)
		}
		if n := allocated() - before; n > maxRefusal {
			t.Errorf("%s: took %d bytes of memory to refuse", v.Name, n)
		}
	}
}

func TestCommittedFilesAreThoseOfTheProgram(t *testing.T) {
	files, err := files()
	if err != nil {
		t.Fatal(err)
	}
	differences, err := dir.Differences(files, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}
