package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"repro/format"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

// check opens an image as strictly as can be done without keys.
func check(b []byte) error {
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "vector")
	if err != nil {
		return err
	}
	_, err = im.Check(context.Background(), format.CheckOptions{})
	return err
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestTheValidImageIsStillMadeSo fails when a change moves the bytes of images.
// That is a mistake, or a new version of the format or of the codec: then make
// the vectors anew with -base.
func TestTheValidImageIsStillMadeSo(t *testing.T) {
	base, err := dir.Read(valid)
	if err != nil {
		t.Fatal(err)
	}
	today, err := makeBase()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(base, today) {
		t.Errorf("%s is not the image that this program makes", valid)
	}
}

func TestCommittedFilesAreThoseOfTheProgram(t *testing.T) {
	base, err := dir.Read(valid)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(base); err != nil {
		t.Fatal(err)
	}
	files, err := generate(base)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := dir.Differences(files, valid, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

// TestEachVectorIsRefused as it says, and for little memory.
func TestEachVectorIsRefused(t *testing.T) {
	base, err := dir.Read(valid)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]error{"malformed": format.ErrMalformed, "altered": format.ErrAltered, "foreign": format.ErrForeign}
	for _, v := range vectors {
		b := v.edit(base)
		if bytes.Equal(b, base) {
			t.Errorf("%s: is the valid image", v.Name)
		}
		before := allocated()
		if err := check(b); !errors.Is(err, want[v.Refuse]) {
			t.Errorf("%s: refused with %v, want %s", v.Name, err, v.Refuse)
		}
		if n := allocated() - before; n > 16<<20 {
			t.Errorf("%s: took %d bytes of memory to refuse", v.Name, n)
		}
	}
}
