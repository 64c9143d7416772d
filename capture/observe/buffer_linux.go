//go:build linux && (amd64 || arm64)

package observe

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// buffers are what contents are read into. The one that was given back last is
// taken first: its memory has been touched.
type buffers struct {
	mu   sync.Mutex
	free []*buffer
}

func (p *buffers) take() *buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		b := p.free[last]
		p.free = p.free[:last]
		return b
	}
	return &buffer{b: make([]byte, maxRead), from: p}
}

// buffer holds the answer to one read until it has been sent.
type buffer struct {
	b    []byte
	size int // of the answer
	from *buffers
}

// Slices has the buffer be sent as it is; without it, the server gives it back
// before it is sent.
func (b *buffer) Slices() ([][]byte, fuse.Status) { return [][]byte{b.b[:b.size]}, fuse.OK }

func (b *buffer) Bytes([]byte) ([]byte, fuse.Status) { return b.b[:b.size], fuse.OK }
func (b *buffer) Size() int                          { return b.size }

// Done gives it back.
func (b *buffer) Done() {
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.from.free = append(b.from.free, b)
}
