package squashfs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync/atomic"

	"repro/internal/stream"
)

// load is the reading of one regular file, whose bytes the cutter takes.
type load struct {
	in   *inode
	data []byte   // the whole of a small file; nil if only its digest is known
	sum  [32]byte // of a small file, and of a large one that may have a twin
	err  error
}

// maxWhole is the largest file that is held in memory whole.
const maxWhole = 1 << 20

// small reports whether the file is held in memory.
func (l *load) small() bool { return l.in.node.Size <= maxWhole }

// batch is what one loader reads at a time: small files that follow each other
// and take maxWhole bytes at most, or one large file.
type batch struct {
	files []*load
	twin  bool          // the large file may be one that is stored already
	done  chan struct{} // closed when the files are loaded

	// What holds the bytes of small files goes back when the cutter and all
	// blocks that lie in it are done.
	buf  []byte
	refs atomic.Int32
	free func(*batch)
}

const maxBatch = 256 // files

// batches puts files together.
func batches(files []*inode) (all []*batch) {
	sizes := map[int64]int{}
	for _, in := range files {
		if in.node.Size > maxWhole {
			sizes[in.node.Size]++
		}
	}
	var last *batch
	var room int64
	for _, in := range files {
		l := &load{in: in}
		if !l.small() {
			all = append(all, &batch{files: []*load{l}, twin: sizes[in.node.Size] > 1})
			last = nil
			continue
		}
		if last == nil || in.node.Size > room || len(last.files) == maxBatch {
			last, room = &batch{}, maxWhole
			all = append(all, last)
		}
		last.files = append(last.files, l)
		room -= in.node.Size
	}
	return all
}

// small reports whether the batch is one of small files.
func (b *batch) small() bool { return b.files[0].small() }

// release gives up one share in the bytes.
func (b *batch) release() {
	if b.refs.Add(-1) == 0 {
		b.free(b)
	}
}

// run reads small files. Of a large one that has a twin in size it finds out
// the digest, so that the cutter knows whether it is stored already; other
// large files are left to the cutter.
func (b *batch) run(ctx context.Context, known digests) {
	defer close(b.done)
	if !b.small() {
		if b.twin {
			b.files[0].hash(ctx)
		}
		return
	}
	at := int64(0)
	for _, l := range b.files {
		if sum, ok := known.of(l.in.node); ok {
			l.sum = sum
			continue
		}
		end := at + l.in.node.Size
		l.data = b.buf[at:end:end]
		if l.err = cmp.Or(l.in.read(b.buf[at:end+1]), ctx.Err()); l.err != nil {
			return // as the cutter will
		}
		l.sum = sha256.Sum256(l.data)
		known.keep(l.in.node, l.sum)
		at = end
	}
}

// read reads a whole file. Buf has room for one byte more, to see that there
// is none.
func (in *inode) read(buf []byte) error {
	if in.node.Open == nil {
		return nil
	}
	r, err := in.node.Open()
	if err != nil {
		return fmt.Errorf("%q: %w", in.path, err)
	}
	defer r.Close()
	n, err := io.ReadFull(r, buf)
	switch {
	case err == nil:
		return in.longer()
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return fmt.Errorf("%q: %w", in.path, err)
	case int64(n) < in.node.Size:
		return in.shorter(in.node.Size - int64(n))
	}
	return nil
}

func (in *inode) shorter(missing int64) error {
	return fmt.Errorf("%q: ends %d bytes before its size of %d: changed while it was read", in.path, missing, in.node.Size)
}

func (in *inode) longer() error {
	return fmt.Errorf("%q: longer than its size of %d: changed while it was read", in.path, in.node.Size)
}

// hash finds out the digest of a large file.
func (l *load) hash(ctx context.Context) {
	r, err := openFile(l.in)
	if err != nil {
		l.err = err
		return
	}
	defer r.Close()
	_, l.err = io.CopyBuffer(io.Discard, struct{ io.Reader }{stream.Until(ctx, r)}, make([]byte, maxWhole))
	if l.err == nil {
		l.sum, l.err = r.end()
	}
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
		return n, r.in.shorter(r.left)
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
		return sum, r.in.longer()
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
