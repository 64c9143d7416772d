package squashfs

import (
	"sync"

	"repro/internal/codec"
)

// bufferPool lends buffers of one block.
type bufferPool struct {
	size int
	pool sync.Pool // of *[]byte
}

func (p *bufferPool) get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return newBuffer(p.size)
}

// slabSize is how many bytes of buffers are made at once.
const slabSize = 4 << 20

// newSlab returns buffers, at least one and at most max, that lie together in
// large pages of memory where the system has them: filling a fresh buffer
// otherwise costs a page fault for each 4 KiB.
func newSlab(size, max int) [][]byte {
	n := min(max, slabSize/size)
	if n < 2 && size < hugePage {
		return [][]byte{newBuffer(size)}
	}
	stride := size + codec.Slack
	b := make([]byte, n*stride+hugePage)
	b = b[askForLargePages(b):]
	all := make([][]byte, n)
	for i := range all {
		all[i] = b[i*stride:][:size:stride]
	}
	return all
}

// newBuffer returns a buffer to decompress into.
func newBuffer(size int) []byte { return make([]byte, size, size+codec.Slack) }

// put takes back a buffer, which nobody may use any more. Anything smaller is
// left to the garbage collector.
func (p *bufferPool) put(b []byte) {
	if cap(b) < p.size {
		return
	}
	b = b[:p.size]
	p.pool.Put(&b)
}
