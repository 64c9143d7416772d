package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"repro/format"
)

// TestConcurrentSignersAllSurvive appends from many goroutines at once.
func TestConcurrentSignersAllSurvive(t *testing.T) {
	name := create(t, sampleSpec())
	const n = 12
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			o := format.NewObject{Data: fmt.Appendf(nil, "signature %02d", i), Entity: [20]byte{byte(i)}}
			if err := format.Append(context.Background(), name, o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	im := open(t, name)
	for _, p := range im.Layout() {
		t.Error(p)
	}
	sigs, err := im.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sigs {
		got = append(got, string(s.Data))
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != n {
		t.Errorf("%d of %d signatures are there: %q", len(got), n, got)
	}
	entries, _ := os.ReadDir(filepath.Dir(name))
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestUpdateReplacesSignatures(t *testing.T) {
	ctx := context.Background()
	name := create(t, sampleSpec())
	for i := range 5 {
		if err := format.Append(ctx, name, format.NewObject{Data: bytes.Repeat([]byte{byte('a' + i)}, 5000)}); err != nil {
			t.Fatal(err)
		}
	}
	err := format.Update(ctx, name, func(im *format.Image) ([]format.NewObject, error) {
		sigs, err := im.Signatures()
		sigs = slices.Delete(sigs, 1, 3)
		sigs[0].Data = []byte("short")
		return sigs, err
	})
	if err != nil {
		t.Fatal(err)
	}
	im := open(t, name)
	for _, p := range im.Layout() {
		t.Error(p)
	}
	sigs, err := im.Signatures()
	if err != nil || len(sigs) != 3 || string(sigs[0].Data) != "short" || sigs[2].Data[0] != 'e' {
		t.Errorf("%d signatures, %v", len(sigs), err)
	}
}

func TestAppendRefusals(t *testing.T) {
	ctx := context.Background()
	name := create(t, sampleSpec())
	before := read(t, name)
	unchanged := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: accepted", what)
		}
		if !bytes.Equal(before, read(t, name)) {
			t.Errorf("%s: the image was changed", what)
		}
	}
	unchanged("empty signature", format.Append(ctx, name, format.NewObject{}))
	unchanged("huge signature", format.Append(ctx, name, format.NewObject{Data: make([]byte, format.MaxSignature+1)}))
	unchanged("unknown hash", format.Append(ctx, name, format.NewObject{Data: []byte("x"), Hash: format.HashBLAKE2b}))
	unchanged("too many", format.Update(ctx, name, func(*format.Image) ([]format.NewObject, error) {
		return slices.Repeat([]format.NewObject{{Data: []byte("x")}}, 200), nil
	}))
	stop := errors.New("no key")
	err := format.Update(ctx, name, func(*format.Image) ([]format.NewObject, error) { return nil, stop })
	unchanged("failing signer", err)
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	unchanged("cancelled", format.Append(cancelled, name, format.NewObject{Data: []byte("x")}))
	before = append(before, 0)
	if err := os.WriteFile(name, before, 0o666); err != nil {
		t.Fatal(err)
	}
	err = format.Append(ctx, name, format.NewObject{Data: []byte("x")})
	unchanged("not canonical", err)
	if !errors.Is(err, format.ErrMalformed) {
		t.Error(err)
	}
}

func TestAppendKeepsModeAndLinks(t *testing.T) {
	name := create(t, sampleSpec())
	if err := os.Chmod(name, 0o440); err != nil {
		t.Fatal(err)
	}
	link := name + ".link"
	if err := os.Symlink(filepath.Base(name), link); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	if err := format.Append(context.Background(), link, format.NewObject{Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(name); err != nil || fi.Mode() != 0o440 {
		t.Error(fi.Mode(), err)
	}
	if fi, err := os.Lstat(link); err != nil || fi.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	if n := len(open(t, name).Objects()); n != 12 {
		t.Errorf("%d objects", n)
	}
}
