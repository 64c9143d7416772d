package verity

import (
	"errors"
	"io"
	"sync"
)

// keptBlocks is how many checked blocks of the file a reader keeps, so that
// small reads in one place are hashed once: 1 MiB.
const keptBlocks = 16

// Reader returns r, the file that t is the tree of, with every read checked: a
// block that does not match its hash gives [*CorruptError] and none of its
// bytes. Goroutines may share the result.
func (t *Tree) Reader(r io.ReaderAt) io.ReaderAt {
	return &reader{t: t, r: r, kept: map[int64][]byte{}}
}

type reader struct {
	t *Tree
	r io.ReaderAt

	mu    sync.Mutex
	kept  map[int64][]byte // checked blocks by number
	order []int64          // oldest first
}

// ReadAt implements io.ReaderAt.
func (v *reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("hash tree: read before the start")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= v.t.size {
			return n, io.EOF
		}
		i, within := at/BlockSize, int(at%BlockSize)
		if size := v.t.blockLen(i); within == 0 && len(p)-n >= size {
			if err := v.block(i, p[n:n+size]); err != nil {
				return n, err
			}
			n += size
			continue
		}
		b, err := v.keep(i)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b[within:])
	}
	return n, nil
}

// block reads block i into b and checks it.
func (v *reader) block(i int64, b []byte) error {
	err := readFull(v.r, b, i*BlockSize)
	if err == nil {
		err = v.t.check(i, b)
	}
	if err != nil {
		clear(b)
	}
	return err
}

// keep returns block i, from those kept if it is there.
func (v *reader) keep(i int64) ([]byte, error) {
	v.mu.Lock()
	b := v.kept[i]
	v.mu.Unlock()
	if b != nil {
		return b, nil
	}
	b = make([]byte, v.t.blockLen(i))
	if err := v.block(i, b); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept[i] == nil {
		if len(v.order) == keptBlocks {
			delete(v.kept, v.order[0])
			v.order = v.order[1:]
		}
		v.order = append(v.order, i)
	}
	v.kept[i] = b
	return b, nil
}
