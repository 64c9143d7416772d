package squashfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// load is the reading of one regular file, whose bytes the cutter takes.
type load struct {
	in   *inode
	done chan struct{} // closed when the fields below are set
	data []byte        // the whole of a small file
	sum  [32]byte      // of a small file, and of a large one that may have a twin
	err  error
}

// maxWhole is the largest file that is held in memory whole.
const maxWhole = 1 << 20

// small reports whether the file is held in memory.
func (l *load) small() bool { return l.in.node.Size <= maxWhole }

// run reads a small file. Of a large one that has a twin in size it finds out
// the digest, so that the cutter knows whether it is stored already; other
// large files are left to the cutter.
func (l *load) run(ctx context.Context, twin bool) {
	defer close(l.done)
	if !l.small() && !twin {
		return
	}
	var r *fileReader
	if r, l.err = openFile(l.in); l.err != nil {
		return
	}
	if l.small() {
		l.data = make([]byte, l.in.node.Size)
		_, l.err = io.ReadFull(r, l.data)
	} else {
		_, l.err = io.CopyBuffer(io.Discard, struct{ io.Reader }{contextReader{ctx, r}}, make([]byte, maxWhole))
	}
	if l.err == nil {
		l.sum, l.err = r.end()
	}
	l.err = errors.Join(l.err, r.Close())
}

// fileReader reads exactly the bytes that the tree says a file has, and hashes
// them.
type fileReader struct {
	in   *inode
	src  io.ReadCloser
	left int64
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func openFile(in *inode) (*fileReader, error) {
	r := &fileReader{in: in, left: in.node.Size, hash: sha256.New()}
	if in.node.Open == nil {
		return r, nil
	}
	var err error
	if r.src, err = in.node.Open(); err != nil {
		return nil, fmt.Errorf("%q: %w", in.path, err)
	}
	return r, nil
}

func (r *fileReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.src.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.hash.Write(p[:n])
	switch {
	case err == io.EOF && r.left > 0:
		return n, fmt.Errorf("%q: ends %d bytes before its size of %d: changed while it was read", r.in.path, r.left, r.in.node.Size)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("%q: %w", r.in.path, err)
	}
	return n, nil
}

// end returns the digest of the file, which has been read to its size, and
// makes sure that nothing follows.
func (r *fileReader) end() (sum [32]byte, err error) {
	r.hash.Sum(sum[:0])
	if r.src == nil {
		return sum, nil
	}
	var more [1]byte
	switch n, err := io.ReadFull(r.src, more[:]); {
	case n > 0:
		return sum, fmt.Errorf("%q: longer than its size of %d: changed while it was read", r.in.path, r.in.node.Size)
	case err != io.EOF:
		return sum, fmt.Errorf("%q: %w", r.in.path, err)
	}
	return sum, nil
}

func (r *fileReader) Close() error {
	if r.src == nil {
		return nil
	}
	return r.src.Close()
}

// contextReader ends with ctx.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
