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
