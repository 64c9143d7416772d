package stream

import (
	"bytes"
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
