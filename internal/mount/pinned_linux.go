package mount

import (
	"io"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// pinnedResult is a fuse.ReadResult whose bytes go to the kernel straight from a
// cache, where they are pinned until then.
type pinnedResult struct {
	parts    [][]byte
	releases []func()
	size     int
}

// borrow returns size bytes from off on, all of which the file has.
func pin(f cachedContent, size int, off int64) (fuse.ReadResult, error) {
	l := &pinnedResult{}
	for l.size < size {
		b, release, err := f.Lend(off+int64(l.size), size-l.size)
		if err != nil {
			l.Done()
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		l.parts, l.releases, l.size = append(l.parts, b), append(l.releases, release), l.size+len(b)
	}
	return l, nil
}

// Slices has the server write the parts as they are.
func (l *pinnedResult) Slices() ([][]byte, fuse.Status) { return l.parts, fuse.OK }

func (l *pinnedResult) Size() int { return l.size }

// Done is called when the kernel has the bytes.
func (l *pinnedResult) Done() {
	for _, release := range l.releases {
		release()
	}
	l.releases = nil
}

// Bytes puts the parts together, for a server that cannot write parts.
func (l *pinnedResult) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, b := range l.parts {
		buf = append(buf, b...)
	}
	return buf, fuse.OK
}
