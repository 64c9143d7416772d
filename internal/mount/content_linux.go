package mount

import (
	"bytes"
	"container/list"
	"fmt"
	"io"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	"repro/format/tree"
)

const (
	maxOpen   = 128     // files kept open
	maxMemory = 4 << 20 // of a file that cannot be read from anywhere
)

// contents opens files when they are read and keeps those read last. What they
// hold is cached where they come from.
type contents struct {
	mu   sync.Mutex
	open map[tree.FileID]*list.Element // of *content
	age  list.List                     // youngest first

	ahead readaheads
}

func newContents() *contents {
	return &contents{open: map[tree.FileID]*list.Element{}, ahead: newReadaheads()}
}

// content is one open file.
type content struct {
	id   tree.FileID
	size int64
	refs int // of reads under way, and one while it is kept

	once   sync.Once
	r      io.ReaderAt
	cached cachedContent // r, if it has a cache; else nil
	c      io.Closer
	err    error

	ahead readahead
}

// acquire returns the content of a file, which the caller releases. Node
// describes the file.
func (c *contents) acquire(id tree.FileID, node func() (*tree.Node, error)) (*content, error) {
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
		c.release(f)
		return nil, f.err
	}
	return f, nil
}

// drop forgets e. The caller holds c.mu.
func (c *contents) drop(e *list.Element) {
	f := c.age.Remove(e).(*content)
	delete(c.open, f.id)
	c.unref(f)
}

// unref drops a reference. The caller holds c.mu.
func (c *contents) unref(f *content) {
	if f.refs--; f.refs == 0 && f.c != nil {
		f.c.Close() // was only read
	}
}

// release ends what acquire began.
func (c *contents) release(f *content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unref(f)
}

// close ends reading ahead and closes what is kept open.
func (c *contents) close() {
	c.ahead.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.age.Len() > 0 {
		c.drop(c.age.Back())
	}
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
	if f.r, f.c, err = openContent(n); err == nil {
		f.cached, _ = f.r.(cachedContent)
	}
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

// read returns up to size bytes from off on, fewer only at the end of the file.
// They are in a cache, or in buf, which has room for them.
func (c *contents) read(f *content, buf []byte, size int, off int64) (fuse.ReadResult, error) {
	if off < 0 || off >= f.size {
		return fuse.ReadResultData(nil), nil
	}
	size = int(min(int64(size), f.size-off))
	if f.cached != nil {
		c.ahead.note(f.cached, &f.ahead, off, off+int64(size), f.size)
		return pin(f.cached, size, off)
	}
	n, err := f.r.ReadAt(buf[:size], off)
	if n == size || err == nil {
		err = nil
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fuse.ReadResultData(buf[:n]), err
}
