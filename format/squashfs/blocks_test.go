package squashfs

import (
	"errors"
	"sync"
	"testing"
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
	b, err := c.get(key, fill(byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	if b.data[0] != byte(key) || b.data[len(b.data)-1] != byte(key) {
		t.Fatalf("block %d holds %d", key, b.data[0])
	}
	return b
}

func TestBlocksAreBounded(t *testing.T) {
	c := newBlocks(dataCacheSize / 8)
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
		if b.data[0] != byte(b.key) {
			t.Errorf("block %d was overwritten while it was in use", b.key)
		}
		c.release(b, 1)
	}
	if c.made != 8 {
		t.Errorf("%d buffers, want 8", c.made)
	}
}

func TestBlocksThatWereUsedUpAreDropped(t *testing.T) {
	c := newBlocks(dataCacheSize / 8)
	size := c.size
	c.release(mustGet(t, c, 1000), 1) // is wanted again
	for key := range uint64(100) {
		b := mustGet(t, c, key)
		c.release(b, size)
	}
	if c.made != 2 {
		t.Errorf("%d buffers for blocks that were read once, want 2", c.made)
	}
	if c.held[1000] == nil {
		t.Error("a block that may be wanted again was dropped for those that are not")
	}
}

func TestBlocksThatFailAreTriedAgain(t *testing.T) {
	c := newBlocks(4096)
	bad := errors.New("bad")
	for range 3 {
		if _, err := c.get(1, func(buf []byte) ([]byte, error) { return buf, bad }); err != bad {
			t.Fatalf("got %v", err)
		}
	}
	c.release(mustGet(t, c, 1), 0)
	if n := c.made - len(c.spare); n != 1 {
		t.Errorf("%d buffers in use, want one", n)
	}
}

func TestBlocksAreLoadedOnce(t *testing.T) {
	c := newBlocks(64 << 10)
	var mu sync.Mutex
	loads := map[uint64]int{}
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for i := range uint64(1000) {
				key := i * 7 % 100
				b, err := c.get(key, func(buf []byte) ([]byte, error) {
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
