package squashfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"repro/format/tree"
)

// fill loads a block of the byte n.
func fill(n byte) func([]byte) ([]byte, error) {
	return func(buf []byte) ([]byte, error) {
		for i := range buf {
			buf[i] = n
		}
		return buf, nil
	}
}

func mustGet(t *testing.T, c *blocks, key uint64) *loaded {
	t.Helper()
	b, err := c.get(place{at: key}, fill(byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	if b.data[0] != byte(key) || b.data[len(b.data)-1] != byte(key) {
		t.Fatalf("block %d holds %d", key, b.data[0])
	}
	return b
}

func TestBlocksAreBounded(t *testing.T) {
	c := newBlocks(dataCacheSize/8, dataCacheSize)
	for key := range uint64(100) {
		c.release(mustGet(t, c, key), 1)
	}
	if c.made != 8 || len(c.held) != 8 {
		t.Errorf("%d buffers and %d blocks, want 8", c.made, len(c.held))
	}
	var all []*loaded // more at one time than may be kept
	for key := range uint64(20) {
		all = append(all, mustGet(t, c, key))
	}
	for _, b := range all {
		if b.data[0] != byte(b.key.at) {
			t.Errorf("block %d was overwritten while it was in use", b.key.at)
		}
		c.release(b, 1)
	}
	if c.made != 8 {
		t.Errorf("%d buffers, want 8", c.made)
	}
}

func TestBlocksThatWereUsedUpAreDropped(t *testing.T) {
	c := newBlocks(dataCacheSize/8, dataCacheSize)
	size := c.size
	c.release(mustGet(t, c, 1000), 1) // is wanted again
	for key := range uint64(100) {
		b := mustGet(t, c, key)
		c.release(b, size)
	}
	if c.made != 2 {
		t.Errorf("%d buffers for blocks that were read once, want 2", c.made)
	}
	if c.held[place{at: 1000}] == nil {
		t.Error("a block that may be wanted again was dropped for those that are not")
	}
}

func TestBlocksThatFailAreTriedAgain(t *testing.T) {
	c := newBlocks(4096, dataCacheSize)
	bad := errors.New("bad")
	for range 3 {
		if _, err := c.get(place{at: 1}, func(buf []byte) ([]byte, error) { return buf, bad }); err != bad {
			t.Fatalf("got %v", err)
		}
	}
	c.release(mustGet(t, c, 1), 0)
	if n := c.made - len(c.spare); n != 1 {
		t.Errorf("%d buffers in use, want one", n)
	}
}

func TestBlocksAreLoadedOnce(t *testing.T) {
	c := newBlocks(64<<10, dataCacheSize)
	var mu sync.Mutex
	loads := map[uint64]int{}
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for i := range uint64(1000) {
				key := i * 7 % 100
				b, err := c.get(place{at: key}, func(buf []byte) ([]byte, error) {
					mu.Lock()
					loads[key]++
					mu.Unlock()
					return fill(byte(key))(buf)
				})
				if err != nil || b.data[0] != byte(key) || b.data[c.size-1] != byte(key) {
					t.Errorf("block %d: %v", key, err)
				}
				c.release(b, 1)
			}
		})
	}
	g.Wait()
	for key, n := range loads {
		if n != 1 {
			t.Errorf("block %d was loaded %d times", key, n)
		}
	}
}

func TestCachesAreShared(t *testing.T) {
	caches := NewCaches()
	var readers []*Reader
	for i := range 3 {
		root := tree.NewDir()
		for j := range 20 {
			b := noise(uint64(1000*i+j), 1<<20) // at the same places in each
			if err := root.Put(fmt.Sprint(j), tree.NewFile(0o644, b)); err != nil {
				t.Fatal(err)
			}
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "layer"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		stats, err := Write(t.Context(), out, root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := caches.NewReader(out, stats.Size)
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	for j := range 20 {
		for i, r := range readers {
			got, err := fs.ReadFile(r, fmt.Sprint(j))
			if err != nil || !bytes.Equal(got, noise(uint64(1000*i+j), 1<<20)) {
				t.Errorf("file %d of file system %d: another's bytes, or %v", j, i, err)
			}
		}
	}
	data := readers[0].data
	if data != readers[2].data || data.made*data.size > dataCacheSize {
		t.Errorf("%d bytes are kept, want at most %d in all", data.made*data.size, dataCacheSize)
	}
	if other := caches.blocks(4096); other == data || other.max*other.size > otherCacheSize {
		t.Error("blocks of another size have no cache of their own, or too large a one")
	}
}

func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}
