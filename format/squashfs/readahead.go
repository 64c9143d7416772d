package squashfs

import (
	"io"
	"io/fs"
	"runtime"
)

// maxAhead is how many blocks of one file are decompressed ahead at most.
const maxAhead = 4

// readahead reads a file from start to end and decompresses ahead on other
// processors. Blocks do not go through the cache, since they are read once.
type readahead struct {
	b      *blockList
	next   int // the part to start on
	ahead  []chan aheadBlock
	part   aheadBlock // goes back when rest is read
	rest   []byte
	err    error
	closed bool
}

// aheadBlock is a block of a file that was decompressed ahead: in a buffer of the
// pool, or borrowed from the cache.
type aheadBlock struct {
	borrowed
	buf []byte
	err error
}

func (s *readahead) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// WriteTo spares io.Copy a buffer.
func (s *readahead) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		if err := s.fill(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
		n, err := w.Write(s.rest)
		total += int64(n)
		s.rest = s.rest[n:]
		if err != nil {
			return total, err
		}
	}
}

// fill makes sure that there is something to read.
func (s *readahead) fill() error {
	if s.closed {
		return fs.ErrClosed
	}
	if len(s.rest) > 0 || s.err != nil {
		return s.err
	}
	s.release()
	if s.b.chunks() == 1 && s.next == 0 {
		s.next++
		s.show(s.load(0))
		return s.err
	}
	ahead := min(runtime.GOMAXPROCS(0), maxAhead)
	for s.next < s.b.chunks() && len(s.ahead) < ahead {
		s.start()
	}
	if len(s.ahead) == 0 {
		s.err = io.EOF
		return s.err
	}
	p := <-s.ahead[0]
	s.ahead = s.ahead[1:]
	s.show(p)
	return s.err
}

// show has p read next.
func (s *readahead) show(p aheadBlock) { s.part, s.rest, s.err = p, p.data, p.err }

// start loads the next part elsewhere.
func (s *readahead) start() {
	done := make(chan aheadBlock, 1)
	go func(i int) { done <- s.load(i) }(s.next)
	s.next++
	s.ahead = append(s.ahead, done)
}

func (s *readahead) load(i int) (p aheadBlock) {
	if i < len(s.b.blocks) {
		p.buf = s.b.r.data.take()
		p.data, p.err = s.b.load(i, p.buf)
	} else {
		p.borrowed, p.err = s.b.borrowTail()
	}
	return p
}

func (s *readahead) release() {
	s.giveBack(s.part)
	s.part, s.rest = aheadBlock{}, nil
}

func (s *readahead) giveBack(p aheadBlock) {
	if p.buf != nil {
		s.b.r.data.put(p.buf)
	}
	p.release(len(p.data))
}

// Close waits for what was started.
func (s *readahead) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.release()
	for _, done := range s.ahead {
		s.giveBack(<-done)
	}
	s.ahead = nil
	return nil
}
