package squashfs

import (
	"container/list"
	"slices"
	"sync"
)

// minBlocks is how many blocks are kept at least, however large they are.
const minBlocks = 4

// blocks keeps the blocks of data that were loaded last, and lends buffers. They
// are used again and again: of a fresh one each page costs a fault, and is in
// no processor's cache. Goroutines may share it; what several want at once is
// loaded once.
type blocks struct {
	size int // of a buffer
	max  int // buffers, but for those that are in use at one time

	mu    sync.Mutex
	made  int // buffers
	spare [][]byte
	held  map[place]*loaded
	age   list.List // of those in held, youngest first
}

// loaded is a block, for release by each who got it.
type loaded struct {
	key   place
	place *list.Element // in blocks.age; nil when it is not held any more
	refs  int
	left  int // bytes that nobody asked for yet

	done chan struct{} // closed when data and err are set
	buf  []byte        // of the length of a block
	data []byte        // in buf
	err  error
}

// newBlocks returns a cache of so many bytes for blocks of a size.
func newBlocks(size, bytes int) *blocks {
	return &blocks{size: size, max: max(minBlocks, bytes/size), held: map[place]*loaded{}}
}

// get returns what is held under key, or else what load returns, which it puts
// in the buffer that it is given. Errors are not held.
func (c *blocks) get(key place, load func(buf []byte) ([]byte, error)) (*loaded, error) {
	c.mu.Lock()
	if b := c.held[key]; b != nil {
		b.refs++
		c.age.MoveToFront(b.place)
		c.mu.Unlock()
		<-b.done
		if b.err != nil {
			c.release(b, 0)
			return nil, b.err
		}
		return b, nil
	}
	b := &loaded{key: key, refs: 1, done: make(chan struct{}), buf: c.buffer()}
	b.place = c.age.PushFront(b)
	c.held[key] = b
	c.mu.Unlock()

	b.data, b.err = load(b.buf)
	b.left = len(b.data)
	close(b.done)
	if b.err == nil {
		return b, nil
	}
	c.mu.Lock()
	c.forget(b)
	c.mu.Unlock()
	c.release(b, 0)
	return nil, b.err
}

// release gives b back, of which so many bytes were made use of. When all of
// it was, nobody is likely to want it again: whoever asked has it. Its buffer,
// which is still in a processor's cache, is the next to be used.
func (c *blocks) release(b *loaded, used int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.refs--
	b.left -= used
	switch {
	case b.refs > 0:
	case b.place == nil:
		c.keep(b.buf)
	case b.left <= 0:
		c.age.MoveToBack(b.place)
	}
	for c.made > c.max {
		old := c.idleBlock()
		if old == nil {
			return
		}
		c.forget(old)
		c.keep(old.buf)
	}
}

// take lends a buffer, for put.
func (c *blocks) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buffer()
}

func (c *blocks) put(buf []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(buf)
}

// buffer returns one that nobody uses. The caller holds c.mu.
func (c *blocks) buffer() []byte {
	if n := len(c.spare); n > 0 {
		b := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return b
	}
	if old := c.idleBlock(); old != nil && (c.made >= c.max || old.left <= 0) {
		c.forget(old)
		return old.buf
	}
	if c.made >= c.max {
		c.made++
		return newBuffer(c.size)
	}
	all := newSlab(c.size, c.max-c.made)
	c.made += len(all)
	c.spare = append(c.spare, all[1:]...)
	slices.Reverse(c.spare) // neighbours lie in one page
	return all[0]
}

// keep takes a buffer that nobody uses.
func (c *blocks) keep(buf []byte) {
	if c.made > c.max {
		c.made--
		return
	}
	c.spare = append(c.spare, buf)
}

// idleBlock returns the block that nobody uses now and asked for longest ago, or nil.
func (c *blocks) idleBlock() *loaded {
	for e := c.age.Back(); e != nil; e = e.Prev() {
		if b := e.Value.(*loaded); b.refs == 0 {
			return b
		}
	}
	return nil
}

// forget has the next who asks load b anew.
func (c *blocks) forget(b *loaded) {
	c.age.Remove(b.place)
	delete(c.held, b.key)
	b.place = nil
}
