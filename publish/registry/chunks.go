package registry

import (
	"errors"
	"io"
	"sync"
)

// chunks reads something in place, in chunks of one size, the last as long as the
// rest; it keeps some of them for a while. Goroutines may share it: two that want
// the same chunk wait for one request.
type chunks struct {
	size  int64                                // of what is read
	chunk int64                                // of a chunk
	keep  int                                  // how many are kept
	ahead int                                  // the most that are asked for together where reading goes on and on
	local func(nr int64, b []byte) bool        // fills b with a chunk that is here already
	fetch func(nr int64, b []byte) (err error) // fills b with the chunks from nr on

	mu   sync.Mutex
	kept map[int64]*part
	age  []int64 // numbers of those kept, the one asked for last at the end
	next int64   // the chunk after those that were fetched last
	run  int     // how many these were
}

// part is a chunk that is here, or on its way.
type part struct {
	done chan struct{} // closed when b or err is there
	b    []byte
	err  error
}

func (p *part) finish(b []byte, err error) {
	p.b, p.err = b, err
	close(p.done)
}

// ReadAt implements io.ReaderAt.
func (c *chunks) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("read before the start")
	}
	for n < len(p) {
		at := off + int64(n)
		if at >= c.size {
			return n, io.EOF
		}
		nr := at / c.chunk
		b, err := c.get(nr)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b[at-nr*c.chunk:])
	}
	return n, nil
}

// length returns that of n chunks from nr on.
func (c *chunks) length(nr int64, n int) int64 {
	return min(c.chunk*int64(n), c.size-nr*c.chunk)
}

// get returns a chunk. Nobody may change it.
func (c *chunks) get(nr int64) ([]byte, error) {
	c.mu.Lock()
	p := c.kept[nr]
	if p != nil {
		c.touch(nr)
		c.mu.Unlock()
		<-p.done
		return p.b, p.err
	}
	p = c.add(nr)
	c.mu.Unlock()
	if c.local != nil {
		if b := make([]byte, c.length(nr, 1)); c.local(nr, b) {
			p.finish(b, nil)
			return b, nil
		}
	}
	c.bring(nr, p)
	return p.b, p.err
}

// bring fetches a chunk, and with it some of those that follow.
func (c *chunks) bring(nr int64, first *part) {
	c.mu.Lock()
	wanted := 1
	if nr == c.next && c.run > 0 {
		wanted = min(2*c.run, max(c.ahead, 1))
	}
	parts := []*part{first}
	for len(parts) < wanted {
		at := nr + int64(len(parts))
		if at*c.chunk >= c.size || c.kept[at] != nil {
			break
		}
		parts = append(parts, c.add(at))
	}
	c.next, c.run = nr+int64(len(parts)), len(parts)
	c.mu.Unlock()
	b := make([]byte, c.length(nr, len(parts)))
	err := c.fetch(nr, b)
	if err != nil {
		c.mu.Lock()
		for i, p := range parts {
			c.drop(nr+int64(i), p) // the next who wants it asks again
		}
		c.mu.Unlock()
	}
	for _, p := range parts {
		n := min(c.chunk, int64(len(b)))
		p.finish(b[:n:n], err)
		b = b[n:]
	}
}

// add makes room for a chunk that is on its way. Whoever waits for one that is
// given up has it all the same. The caller holds the lock.
func (c *chunks) add(nr int64) *part {
	if c.kept == nil {
		c.kept = map[int64]*part{}
	}
	if len(c.age) >= c.keep {
		delete(c.kept, c.age[0])
		c.age = c.age[1:]
	}
	p := &part{done: make(chan struct{})}
	c.kept[nr], c.age = p, append(c.age, nr)
	return p
}

func (c *chunks) touch(nr int64) {
	for i, other := range c.age {
		if other == nr {
			c.age = append(append(c.age[:i:i], c.age[i+1:]...), nr)
			return
		}
	}
}

func (c *chunks) drop(nr int64, p *part) {
	if c.kept[nr] != p {
		return
	}
	delete(c.kept, nr)
	for i, other := range c.age {
		if other == nr {
			c.age = append(c.age[:i:i], c.age[i+1:]...)
			return
		}
	}
}

// forget has all be asked for again.
func (c *chunks) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
	c.age, c.run = nil, 0
}
