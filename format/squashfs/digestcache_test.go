package squashfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
	"repro/internal/blockcache"
)

// stamped is a tree of files with stamps, which counts how many are opened.
// Version tells content and stamp of file 700; of its stamp no more than stamp
// says.
func stamped(t *testing.T, version, stamp string, opened *atomic.Int64) *tree.Node {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	root := tree.NewDir()
	for i := range 1000 {
		b := bytes.Repeat([]byte{byte(i), byte(i >> 8), 'x'}, 1+r.IntN(3000))
		n := fmt.Sprintf("%d", i)
		if i == 700 {
			b, n = append(b, version...), n+stamp
		}
		f := tree.NewFile(0o644, b)
		f.Stamp = n
		open := f.Open
		f.Open = func() (io.ReadCloser, error) {
			opened.Add(1)
			return open()
		}
		if err := root.Put(fmt.Sprintf("f/%04d", i), f); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestKnownFilesAreNotRead(t *testing.T) {
	dir := t.TempDir()
	var opened atomic.Int64
	build := func(version, stamp string, reread bool) (string, error) {
		t.Helper()
		c, err := blockcache.Open(dir, blockcache.DefaultMax)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		opened.Store(0)
		m := &image{}
		_, err = squashfs.Write(t.Context(), m, stamped(t, version, stamp, &opened), squashfs.Options{Cache: c, Reread: reread, BlockSize: 64 << 10})
		return m.sum(), err
	}
	plain := func(version string) string {
		m, _ := write(t, stamped(t, version, "", new(atomic.Int64)), squashfs.Options{BlockSize: 64 << 10})
		return m.sum()
	}
	for _, step := range []struct {
		name, version, stamp string
		reread               bool
		least, most          int64 // files opened
	}{
		{"first", "1", "a", false, 1000, 1000},
		{"nothing changed", "1", "a", false, 0, 0},
		{"one changed", "2", "b", false, 1, 100},
		{"changed back", "1", "a", false, 0, 0},
		{"all read on demand", "1", "a", true, 1000, 1000},
	} {
		sum, err := build(step.version, step.stamp, step.reread)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if sum != plain(step.version) {
			t.Errorf("%s: other bytes", step.name)
		}
		if n := opened.Load(); n < step.least || n > step.most {
			t.Errorf("%s: %d files opened, want %d to %d", step.name, n, step.least, step.most)
		}
	}

	// The content changes and the stamp does not; the blocks are gone.
	for _, name := range glob(t, dir+"/??/*") {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := build("3", "a", false); !errors.Is(err, squashfs.ErrStale) {
		t.Errorf("stale digest: error %v", err)
	}
	if sum, err := build("3", "a", true); err != nil || sum != plain("3") {
		t.Errorf("stale digest, all read: other bytes, or %v", err)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%q: %d files, %v", pattern, len(names), err)
	}
	return names
}
