package squashfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

// maxFuzzMemory is what reading a small file system of any content may take.
const maxFuzzMemory = 256 << 20

// FuzzReader reads whatever there is in a file system in every way. Nothing
// may panic, hang or take memory out of proportion, and what can be read can
// be written again.
func FuzzReader(f *testing.F) {
	for _, o := range []squashfs.Options{{Codec: "none", BlockSize: 4096}, {}, {Codec: "gzip"}} {
		root := tree.NewDir()
		for name, n := range map[string]*tree.Node{
			"a/b":  tree.NewFile(0o644, words(1, 9000)),
			"a/c":  tree.NewFile(0o644, make([]byte, 8192)),
			"link": tree.NewSymlink("a/b"),
			"fifo": {Mode: fs.ModeNamedPipe | 0o600, Xattrs: map[string][]byte{"user.a": []byte("b")}},
		} {
			if err := root.Put(name, n); err != nil {
				f.Fatal(err)
			}
		}
		m, _ := write(f, root, o)
		f.Add(m.b[:open(f, m).Size()])
	}
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
		before := memory()
		read(t, b)
		if used := memory() - before; used > maxFuzzMemory {
			t.Errorf("%d bytes of memory for a file system of %d", used, len(b))
		}
	})
}

func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func read(t *testing.T, b []byte) {
	r, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		malformed(t, err)
		return
	}
	budget := int64(1 << 20) // of content, for holes are cheap to claim
	walk := 0
	_ = fs.WalkDir(r, ".", func(name string, d fs.DirEntry, err error) error {
		if walk++; err != nil || walk > 1000 {
			return fs.SkipAll
		}
		file, err := r.Open(name)
		if err != nil {
			return nil
		}
		defer file.Close()
		n, _ := io.CopyN(io.Discard, file, max(budget, 0))
		budget -= n
		return nil
	})
	root, err := r.Tree()
	if err != nil {
		malformed(t, err)
		return
	}
	var total int64
	for _, n := range root.All() {
		if total += n.Size; total > 1<<20 || total < 0 {
			return
		}
	}
	var m image
	if _, err := squashfs.Write(t.Context(), &m, root, squashfs.Options{Codec: "none", Workers: 1}); err != nil {
		return // its content is malformed
	}
	again, err := open(t, &m).Tree()
	if err != nil {
		t.Fatal(err)
	}
	equalTrees(t, again, root)
}

func malformed(t *testing.T, err error) {
	if !errors.Is(err, squashfs.ErrMalformed) {
		t.Errorf("error %v does not say that the file system is malformed", err)
	}
}
