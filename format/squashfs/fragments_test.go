package squashfs_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

// counted counts what is read.
type counted struct {
	io.ReaderAt
	bytes int
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

// TestStartReadsLittle looks at how much is read before the first byte of a
// file of each kind is there, among many others. Nothing can be compressed, so
// bytes read are bytes that a reader unpacks.
func TestStartReadsLittle(t *testing.T) {
	const kib = 1 << 10
	sizes := map[string]int{
		"bin/true": 30 * kib, "etc/passwd": kib, "lib/ld.so.2": 200 * kib, "lib/libc.so.6": 1900 * kib,
		"share/all.html": 400 * kib, "lib/a.py": 20 * kib, ".txt": kib,
	}
	for i := range 60 {
		sizes[fmt.Sprintf("bin/tool%d", i)] = 40 * kib
		sizes[fmt.Sprintf("share/%d.txt", i)] = 90 * kib
	}
	root := tree.NewDir()
	for i, name := range slices.Sorted(maps.Keys(sizes)) {
		if err := root.Put(name, tree.NewFile(0o644, noise(uint64(i), sizes[name]))); err != nil {
			t.Fatal(err)
		}
	}
	m, _ := write(t, root, squashfs.Options{})
	for name, want := range map[string]int{
		"bin/true": 128 * kib, "etc/passwd": 128 * kib, ".txt": 128 * kib, "lib/ld.so.2": 200 * kib,
		"lib/libc.so.6": 512 * kib, "share/all.html": 400 * kib, "lib/a.py": 512 * kib, "share/7.txt": 512 * kib,
	} {
		src := &counted{ReaderAt: bytes.NewReader(m.b)}
		r, err := squashfs.NewReader(src, int64(len(m.b)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		src.bytes = 0
		if _, err := f.(io.ReaderAt).ReadAt(make([]byte, 1), 0); err != nil {
			t.Fatal(err)
		}
		const metadata = 17 * kib
		if got := src.bytes; got > want+metadata || got == 0 {
			t.Errorf("%s: %d bytes are read for its first, want up to %d", name, got, want)
		}
	}
}
