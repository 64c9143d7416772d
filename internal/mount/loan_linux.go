package mount

import (
	"io"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// loan is a fuse.ReadResult whose bytes go to the kernel from where they stand
// in a cache.
type loan struct {
	parts [][]byte
	gives []func()
	size  int
}

// borrow returns size bytes from off on, all of which the file has.
func borrow(f lender, size int, off int64) (fuse.ReadResult, error) {
	l := &loan{}
	for l.size < size {
		b, give, err := f.Lend(off+int64(l.size), size-l.size)
		if err != nil {
			l.Done()
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		l.parts, l.gives, l.size = append(l.parts, b), append(l.gives, give), l.size+len(b)
	}
	return l, nil
}

// Slices has the server write the parts as they are.
func (l *loan) Slices() ([][]byte, fuse.Status) { return l.parts, fuse.OK }

func (l *loan) Size() int { return l.size }

// Done is called when the kernel has the bytes.
func (l *loan) Done() {
	for _, give := range l.gives {
		give()
	}
	l.gives = nil
}

// Bytes puts the parts together, for a server that cannot write parts.
func (l *loan) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, b := range l.parts {
		buf = append(buf, b...)
	}
	return buf, fuse.OK
}
