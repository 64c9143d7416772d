package squashfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"repro/format/squashfs"
	"repro/format/tree"
)

func TestFS(t *testing.T) {
	root := sample(t)
	delete(root.Entries, "odd \n\x01\xff name") // io/fs knows UTF-8 only
	delete(root.Entries["links"].Entries, "dangling")
	delete(root.Entries, "fifo") // the test reads whatever is no directory
	root.Entries["many"].Entries = map[string]*tree.Node{"one": tree.NewFile(0o644, nil)}
	m, _ := write(t, root, squashfs.Options{})
	if err := fstest.TestFS(open(t, m), "small", "links/symbolic", "text/one", "holes/between", "empty"); err != nil {
		t.Error(err)
	}
}

func TestLinksStayInside(t *testing.T) {
	root := tree.NewDir()
	for name, target := range map[string]string{
		"abs":   "/dir/file",
		"up":    "../../../../dir/file",
		"dir/b": "../abs",
		"d":     "dir",
		"loop1": "loop2",
		"loop2": "/loop1",
		"out":   "/etc/passwd",
	} {
		if err := root.Put(name, tree.NewSymlink(target)); err != nil {
			t.Fatal(err)
		}
	}
	if err := root.Put("dir/file", tree.NewFile(0o644, []byte("inside"))); err != nil {
		t.Fatal(err)
	}
	m, _ := write(t, root, squashfs.Options{})
	r := open(t, m)
	for _, name := range []string{"abs", "up", "dir/b", "d/file", "d/b", "dir/file"} {
		if b, err := fs.ReadFile(r, name); string(b) != "inside" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for _, name := range []string{"out", "nothing", "dir/file/x", "d/nothing"} {
		if _, err := r.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Open("loop1"); err == nil {
		t.Error("a loop of links opens")
	}
	if target, err := r.ReadLink("abs"); target != "/dir/file" {
		t.Errorf("ReadLink: %q, %v", target, err)
	}
	if info, err := r.Lstat("abs"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("Lstat: %v, %v", info, err)
	}
}

func TestReadAt(t *testing.T) {
	want := append(words(1, 500_000), noise(2, 77_777)...)
	root := tree.NewDir()
	root.Entries["f"] = tree.NewFile(0o644, want)
	m, _ := write(t, root, squashfs.Options{BlockSize: 16 << 10})
	f, err := open(t, m).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 100 {
				off := int64((worker*7919 + i*104_729) % len(want))
				p := make([]byte, 1+i*300)
				n, err := f.(io.ReaderAt).ReadAt(p, off)
				if int(off)+len(p) > len(want) != (err == io.EOF) || err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: %v", len(p), off, err)
				}
				if !bytes.Equal(p[:n], want[off:][:n]) {
					t.Errorf("%d bytes at %d differ", n, off)
				}
			}
		})
	}
	wg.Wait()
}

// TestLend puts a file together out of what is lent of it: words and a hole in
// blocks, and an end in a fragment.
func TestLend(t *testing.T) {
	want := append(append(words(1, 100_000), make([]byte, 64<<10)...), words(3, 50_000)...)
	root := tree.NewDir()
	root.Entries["f"] = tree.NewFile(0o644, want)
	m, _ := write(t, root, squashfs.Options{BlockSize: 16 << 10})
	got, err := open(t, m).Tree()
	if err != nil {
		t.Fatal(err)
	}
	f, err := got.Entries["f"].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := f.(interface {
		Lend(off int64, n int) ([]byte, func(), error)
		Unit() int
	})
	if r.Unit() != 16<<10 {
		t.Errorf("units of %d bytes", r.Unit())
	}
	for _, most := range []int{1 << 20, 5000} {
		for off := 0; off < len(want); {
			b, give, err := r.Lend(int64(off), most)
			if err != nil || len(b) == 0 || len(b) > min(most, r.Unit()) || !bytes.Equal(b, want[off:][:len(b)]) {
				t.Fatalf("%d bytes at %d, other than they are: %v", len(b), off, err)
			}
			off += len(b)
			give()
		}
	}
	if b, give, err := r.Lend(0, 0); err != nil || len(b) > 0 {
		t.Errorf("nothing asked for: %d bytes, %v", len(b), err)
	} else {
		give()
	}
	for _, off := range []int64{-1, int64(len(want))} {
		if _, _, err := r.Lend(off, 1); err != io.EOF {
			t.Errorf("at %d: %v", off, err)
		}
	}
}

// TestStreamMayBeLeft closes a file while blocks are decompressed ahead.
func TestStreamMayBeLeft(t *testing.T) {
	root := tree.NewDir()
	root.Entries["f"] = tree.NewFile(0o644, words(1, 3_000_000))
	m, _ := write(t, root, squashfs.Options{})
	got, err := open(t, m).Tree()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r, err := got.Entries["f"].Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, int64(i*200_000)); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
	}
}
