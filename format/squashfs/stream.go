package squashfs

import (
	"io"
	"io/fs"
	"runtime"
)

// maxAhead is how many blocks of one file are decompressed ahead at most.
const maxAhead = 4

// stream reads a file from start to end and decompresses ahead on other
// processors. Blocks do not go through the cache, since they are read once.
type stream struct {
	b      *body
	next   int // the part to start on
	ahead  []chan part
	buf    []byte // goes back to the pool when rest is read
	rest   []byte
	err    error
	closed bool
}

type part struct {
	data []byte
	buf  []byte // of the pool, or nil
	err  error
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// WriteTo spares io.Copy a buffer.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
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
func (s *stream) fill() error {
	if s.closed {
		return fs.ErrClosed
	}
	if len(s.rest) > 0 || s.err != nil {
		return s.err
	}
	s.release()
	ahead := min(runtime.GOMAXPROCS(0), maxAhead)
	for s.next < s.b.parts() && len(s.ahead) < ahead {
		s.start()
	}
	if len(s.ahead) == 0 {
		s.err = io.EOF
		return s.err
	}
	p := <-s.ahead[0]
	s.ahead = s.ahead[1:]
	s.rest, s.buf, s.err = p.data, p.buf, p.err
	return s.err
}

// start loads the next part, elsewhere if there is more than one.
func (s *stream) start() {
	done := make(chan part, 1)
	load := func(i int) {
		p := part{}
		if i < len(s.b.blocks) {
			p.buf = s.b.r.buffers.get()
		}
		p.data, p.err = s.b.load(i, p.buf)
		done <- p
	}
	if s.b.parts() == 1 {
		load(s.next)
	} else {
		go load(s.next)
	}
	s.next++
	s.ahead = append(s.ahead, done)
}

func (s *stream) release() {
	if s.buf != nil {
		s.b.r.buffers.put(s.buf)
	}
	s.buf, s.rest = nil, nil
}

// Close waits for what was started.
func (s *stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.release()
	for _, done := range s.ahead {
		if p := <-done; p.buf != nil {
			s.b.r.buffers.put(p.buf)
		}
	}
	s.ahead = nil
	return nil
}
