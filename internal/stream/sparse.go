package stream

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// holeSize is how long a run of zeros must be to become a hole: a page.
const holeSize = 4096

// Span returns how many bytes p begins with that are all to be left out of a
// file, as whole pages of zeros, or all to be written.
func Span(p []byte) (n int, zero bool) {
	zero = isHole(p)
	for n < len(p) && isHole(p[n:]) == zero {
		n += min(holeSize, len(p)-n)
	}
	return n, zero
}

var zeroPage [holeSize]byte

func isHole(p []byte) bool {
	return len(p) >= holeSize && bytes.Equal(p[:holeSize], zeroPage[:])
}

// CopySparse appends what r has to an empty file and leaves holes where there
// are pages of zeros, so that a file which takes no room takes none as a copy.
// It returns the number of bytes that it read.
func CopySparse(f *os.File, r io.Reader) (n int64, err error) {
	b := make([]byte, chunk)
	for {
		got, err := io.ReadFull(r, b)
		for p := b[:got]; len(p) > 0; {
			span, zero := Span(p)
			if !zero {
				if _, err := f.WriteAt(p[:span], n); err != nil {
					return n, err
				}
			}
			n, p = n+int64(span), p[span:]
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return n, f.Truncate(n)
		default:
			return n, err
		}
	}
}

// Sparse writes an empty file from its start and leaves holes where there are pages
// of zeros. Its Close sets the file's size and closes it; another does nothing.
type Sparse struct {
	f      *os.File
	size   int64
	hole   bool // at the end
	closed bool
}

// NewSparse returns a writer of f, which is empty.
func NewSparse(f *os.File) *Sparse { return &Sparse{f: f} }

// Write implements [io.Writer].
func (s *Sparse) Write(p []byte) (n int, err error) {
	for n < len(p) {
		rest := p[n:]
		span, zero := min(len(rest), holeSize-int(s.size%holeSize)), false // to the next page
		if span == holeSize {
			span, zero = Span(rest)
		}
		if !zero {
			if _, err := s.f.WriteAt(rest[:span], s.size); err != nil {
				return n, err
			}
		}
		n, s.size, s.hole = n+span, s.size+int64(span), zero
	}
	return n, nil
}

// Close implements [io.Closer].
func (s *Sparse) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.hole {
		err = s.f.Truncate(s.size)
	}
	return errors.Join(err, s.f.Close())
}
