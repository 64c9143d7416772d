package squashfs

import "io"

var _ io.ReaderAt = (*stream)(nil)

// ReadAt reads from anywhere in the file through the Reader's cache. Goroutines
// may share it, with and after Close too. So what the nodes of [Reader.Tree]
// open can be read in any order.
func (s *stream) ReadAt(p []byte, off int64) (int, error) { return s.b.readAt(p, off) }
