package verity

import (
	"errors"
	"io"
	"sync"
)

// keptBlocks is how many checked blocks of the file a reader keeps, so that
// small reads in one place are hashed once, and blocks that two compressed
// blocks of a layer share, which several goroutines read in several places:
// 2 MiB. More are held only while more goroutines than that read at once.
const keptBlocks = 32

// Reader returns r, the file that t is the tree of, with every read checked: a
// block that does not match its hash gives [*CorruptError] and none of its
// bytes. Goroutines may share the result.
func (t *Tree) Reader(r io.ReaderAt) io.ReaderAt {
	return &reader{t: t, r: r, kept: map[int64]*block{}}
}

type reader struct {
	t *Tree
	r io.ReaderAt

	mu    sync.Mutex
	kept  map[int64]*block // by number
	order []*block         // those in kept, the one taken last at the end
	spare [][]byte         // of blocks that were dropped
}

// block is one block of the file, checked once for all who want it at a time.
type block struct {
	nr   int64
	refs int // of those who read it now
	load sync.Once
	b    []byte
	err  error
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
		m, err := v.part(i, p[n:], within)
		if err != nil {
			return n, err
		}
		n += m
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

// part copies what block i holds from an offset on to p.
func (v *reader) part(i int64, p []byte, within int) (int, error) {
	k := v.take(i)
	defer v.give(k)
	k.load.Do(func() {
		k.b = k.b[:v.t.blockLen(i)]
		k.err = v.block(i, k.b)
	})
	if k.err != nil {
		return 0, k.err
	}
	return copy(p, k.b[within:]), nil
}

// take returns block i, for give.
func (v *reader) take(i int64) *block {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.kept[i]
	if k == nil {
		v.makeRoom()
		k = &block{nr: i}
		if n := len(v.spare); n > 0 {
			k.b, v.spare = v.spare[n-1], v.spare[:n-1]
		} else {
			k.b = make([]byte, BlockSize)
		}
		v.kept[i] = k
	} else {
		v.order = remove(v.order, k)
	}
	v.order = append(v.order, k)
	k.refs++
	return k
}

// makeRoom drops the block that nobody took for longest.
func (v *reader) makeRoom() {
	for _, k := range v.order {
		if len(v.order) < keptBlocks {
			return
		}
		if k.refs == 0 {
			v.drop(k)
			return
		}
	}
}

func (v *reader) drop(k *block) {
	delete(v.kept, k.nr)
	v.order = remove(v.order, k)
	if len(v.spare) < keptBlocks {
		v.spare = append(v.spare, k.b[:BlockSize])
	}
}

// give takes a block back. One that could not be read is tried again by the
// next who wants it.
func (v *reader) give(k *block) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k.refs--; k.refs == 0 && (k.err != nil || len(v.order) > keptBlocks) {
		v.drop(k)
	}
}

func remove(list []*block, k *block) []*block {
	for i, other := range list {
		if other == k {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}
