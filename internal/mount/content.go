package mount

import (
	"bytes"
	"container/list"
	"fmt"
	"io"
	"runtime"
	"sync"

	"repro/tree"
)

const (
	maxOpen   = 128       // files kept open
	maxMemory = 4 << 20   // of a file that cannot be read from anywhere
	ahead     = 1 << 20   // bytes decompressed ahead of a program that reads in order
	step      = 128 << 10 // bytes between two places where reading ahead knocks
)

// contents opens files when they are read and keeps those read last. What they
// hold is cached where they come from.
type contents struct {
	mu   sync.Mutex
	open map[tree.FileID]*list.Element // of *content
	age  list.List                     // youngest first

	busy    chan struct{} // a place for each goroutine that reads ahead
	running sync.WaitGroup
	closed  bool
}

func newContents() *contents {
	return &contents{open: map[tree.FileID]*list.Element{}, busy: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// content is one open file.
type content struct {
	id   tree.FileID
	size int64
	refs int // of reads under way, and one while it is kept

	once sync.Once
	r    io.ReaderAt
	c    io.Closer
	err  error

	mu   sync.Mutex
	next int64 // where a program that reads in order would go on
	run  int64 // bytes that it has read in order
	done int64 // up to where was read ahead
}

// take returns the content of a file, for give. Node describes it.
func (c *contents) take(id tree.FileID, node func() (*tree.Node, error)) (*content, error) {
	c.mu.Lock()
	e, ok := c.open[id]
	if ok {
		c.age.MoveToFront(e)
	} else {
		e = c.age.PushFront(&content{id: id, refs: 1})
		c.open[id] = e
		if c.age.Len() > maxOpen {
			c.drop(c.age.Back())
		}
	}
	f := e.Value.(*content)
	f.refs++
	c.mu.Unlock()
	f.once.Do(func() { f.err = f.start(node) })
	if f.err != nil {
		c.mu.Lock()
		if c.open[id] == e {
			c.drop(e)
		}
		c.mu.Unlock()
		c.give(f)
		return nil, f.err
	}
	return f, nil
}

// drop forgets e. The caller holds c.mu.
func (c *contents) drop(e *list.Element) {
	f := c.age.Remove(e).(*content)
	delete(c.open, f.id)
	c.release(f)
}

func (c *contents) release(f *content) {
	if f.refs--; f.refs == 0 && f.c != nil {
		f.c.Close() // was only read
	}
}

func (c *contents) give(f *content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(f)
}

// close ends reading ahead and closes what is kept open.
func (c *contents) close() {
	c.mu.Lock()
	c.closed = true
	for c.age.Len() > 0 {
		c.drop(c.age.Back())
	}
	c.mu.Unlock()
	c.running.Wait()
}

// start opens the file.
func (f *content) start(node func() (*tree.Node, error)) error {
	n, err := node()
	if err != nil {
		return err
	}
	if !n.Mode.IsRegular() {
		return fmt.Errorf("not a regular file")
	}
	f.size = n.Size
	f.r, f.c, err = openContent(n)
	return err
}

// openContent opens n to be read from anywhere: through what Open returns,
// where that can, else from memory.
func openContent(n *tree.Node) (io.ReaderAt, io.Closer, error) {
	f, err := n.Content()
	if err != nil {
		return nil, nil, err
	}
	if r, ok := f.(io.ReaderAt); ok {
		return r, f, nil
	}
	defer f.Close()
	if n.Size > maxMemory {
		return nil, nil, fmt.Errorf("can be read only from start to end, and has %d bytes", n.Size)
	}
	b := make([]byte, n.Size)
	if _, err := io.ReadFull(f, b); err != nil && n.Size > 0 {
		return nil, nil, err
	}
	return bytes.NewReader(b), io.NopCloser(nil), nil
}

// read fills p from off, up to the end of the file.
func (c *contents) read(f *content, p []byte, off int64) (int, error) {
	if off < 0 || off >= f.size {
		return 0, nil
	}
	p = p[:min(int64(len(p)), f.size-off)]
	c.readAhead(f, off, off+int64(len(p)))
	n, err := f.r.ReadAt(p, off)
	if n == len(p) || err == nil {
		err = nil
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// readAhead has what follows decompressed while a program that reads in order
// works on what it has: as much as it has read in order so far, since a loader
// that maps the parts of a library reads a little in order too. One byte is
// enough to bring a block into the cache of the layer that it comes from.
func (c *contents) readAhead(f *content, from, to int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	inOrder := from <= f.next && f.next-from <= ahead && f.next > 0 // requests overtake each other
	f.next = max(to, min(f.next, to+ahead))
	if !inOrder {
		f.done, f.run = to, to-from
		return
	}
	f.run += to - from
	for f.done = max(f.done, to); f.done < min(to+min(ahead, f.run), f.size); f.done += step {
		if !c.knock(f, f.done) {
			return
		}
	}
}

// knock reads one byte in another goroutine, if there is one to spare.
func (c *contents) knock(f *content, off int64) bool {
	select {
	case c.busy <- struct{}{}:
	default:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		<-c.busy
		return false
	}
	f.refs++
	c.running.Go(func() {
		var b [1]byte
		_, _ = f.r.ReadAt(b[:], off) // whoever reads it in earnest meets the error
		c.give(f)
		<-c.busy
	})
	return true
}
