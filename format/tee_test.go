package format

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"repro/internal/atomicfile"
)

// TestTee reads ranges at random, side by side, and finds all of the file in
// the copy in the end, each byte read once.
func TestTee(t *testing.T) {
	const size = 1 << 20
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	for round := range 20 {
		name := filepath.Join(t.TempDir(), "copy")
		f, err := atomicfile.Create(name, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c := &tee{src: bytes.NewReader(content), dst: f}
		var wg sync.WaitGroup
		for worker := range 4 {
			r := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
			wg.Go(func() {
				for range 50 {
					p := make([]byte, r.IntN(40_000))
					off := r.Int64N(size + 1000)
					n, err := c.ReadAt(p, off)
					if err != nil && err != io.EOF {
						t.Error(err)
					}
					if n > 0 && !bytes.Equal(p[:n], content[off:off+int64(n)]) {
						t.Error("read something else")
					}
				}
			})
		}
		wg.Wait()
		if err := c.finish(context.Background(), size); err != nil {
			t.Fatal(err)
		}
		if len(c.done) != 1 || c.done[0] != (span{0, size}) {
			t.Errorf("done %v", c.done)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, content) {
			t.Errorf("the copy differs: %v", err)
		}
	}
}

// TestTeeKeepsWhatWasReadFirst: a byte that is read again is not written
// again.
func TestTeeKeepsWhatWasReadFirst(t *testing.T) {
	f, err := atomicfile.Create(filepath.Join(t.TempDir(), "copy"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	source := []byte("checked")
	c := &tee{src: bytes.NewReader(source), dst: f}
	p := make([]byte, len(source))
	for range 2 {
		if _, err := c.ReadAt(p, 0); err != nil {
			t.Fatal(err)
		}
		copy(source, "altered")
	}
	if err := c.finish(context.Background(), int64(len(source))); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(p, 0); err != nil || string(p) != "checked" {
		t.Errorf("%q, %v", p, err)
	}
	if err := c.finish(context.Background(), 100); err == nil {
		t.Error("copied more than there is")
	}
}
