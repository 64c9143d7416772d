package squashfs

import "io"

var _ io.ReaderAt = (*readahead)(nil)

// ReadAt reads from anywhere in the file through the Reader's cache. Goroutines
// may share it, with and after Close too. So what the nodes of [Reader.Tree]
// open can be read in any order.
func (s *readahead) ReadAt(p []byte, off int64) (int, error) { return s.b.readAt(p, off) }

// Unit returns how many bytes of a file are decompressed at once: those between
// two multiples of it.
func (s *readahead) Unit() int { return int(s.b.r.super.BlockSize) }

// Lend returns up to n bytes of the file from off on where they stand in the
// Reader's cache: as many as one unit holds. Nobody may change them, and give
// must be called when they are not looked at any more. At the end of the file
// the error is io.EOF. Goroutines may share it, with and after Close too.
func (s *readahead) Lend(off int64, n int) (data []byte, give func(), err error) {
	if off < 0 || off >= s.b.size {
		return nil, nil, io.EOF
	}
	size := int64(s.Unit())
	l, err := s.b.borrow(int(off / size))
	if err != nil {
		return nil, nil, err
	}
	data = l.data[off%size:]
	data = data[:min(n, len(data))]
	return data, func() { l.release(len(data)) }, nil
}
