package verity

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// maxCached bounds the checked blocks that a Tree keeps: 16 MiB, the hashes of
// 32 GiB.
const maxCached = 256

// Tree is the hash tree of one file. Of the tree only the highest block is
// read and checked when it is made; the others follow when they are needed,
// top down. Goroutines may share it.
type Tree struct {
	r      io.ReaderAt
	size   int64 // of the file
	digest [32]byte
	levels []level

	mu     sync.Mutex
	blocks map[int64][]byte // checked blocks by their offset in the tree
}

// NewTree returns the tree stored in r, of TreeSize(size) bytes, of a file of
// size bytes with the given fs-verity digest. It fails with [*CorruptError] if
// the highest block of the tree is not the one that digest names.
func NewTree(r io.ReaderAt, size int64, digest [32]byte) (*Tree, error) {
	if size < 0 {
		return nil, fmt.Errorf("hash tree: of a file of %d bytes", size)
	}
	ls, _ := levels(size)
	t := &Tree{r: r, size: size, digest: digest, levels: ls, blocks: map[int64][]byte{}}
	switch {
	case size == 0:
		if Digest(0, [32]byte{}) != digest {
			return nil, &CorruptError{Tree: true}
		}
	case len(ls) > 0:
		top := make([]byte, BlockSize)
		if err := readFull(r, top, 0); err != nil {
			return nil, fmt.Errorf("hash tree: %w", err)
		}
		if Digest(size, hashBlock(top)) != digest {
			return nil, &CorruptError{Tree: true}
		}
		t.blocks[0] = top
	}
	return t, nil
}

// Size returns the size of the file in bytes.
func (t *Tree) Size() int64 { return t.size }

// blockLen returns the size of block i of the file.
func (t *Tree) blockLen(i int64) int {
	return int(min(BlockSize, t.size-i*BlockSize))
}

// check says whether b is block i of the file.
func (t *Tree) check(i int64, b []byte) error {
	got := hashBlock(b)
	if len(t.levels) == 0 {
		if Digest(t.size, got) != t.digest {
			return &CorruptError{Offset: 0}
		}
		return nil
	}
	want, err := t.hash(0, i)
	if err != nil {
		return err
	}
	if !bytes.Equal(got[:], want) {
		return &CorruptError{Offset: i * BlockSize}
	}
	return nil
}

// Check says whether b is what the file holds from an offset on, a multiple of
// [BlockSize]; b ends where a block does. The error is [*CorruptError], or that of
// reading the tree.
func (t *Tree) Check(off int64, b []byte) error {
	if off < 0 || off%BlockSize != 0 || off > t.size || int64(len(b)) > t.size-off {
		return fmt.Errorf("hash tree: %d bytes at byte %d are no blocks of a file of %d bytes", len(b), off, t.size)
	}
	for i := off / BlockSize; len(b) > 0; i++ {
		n := t.blockLen(i)
		if len(b) < n {
			return fmt.Errorf("hash tree: %d bytes of block %d, which has %d", len(b), i, n)
		}
		if err := t.check(i, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// hash returns hash i of a level out of a checked block.
func (t *Tree) hash(lv int, i int64) ([]byte, error) {
	nr := i >> logPerBlock // block of the level
	at := t.levels[lv].start + nr*BlockSize
	t.mu.Lock()
	b := t.blocks[at]
	t.mu.Unlock()
	if b == nil {
		var err error
		if b, err = t.load(lv, nr, at); err != nil {
			return nil, err
		}
	}
	return b[i%perBlock*hashSize:][:hashSize], nil
}

// load reads block nr of a level and checks it against the level above. The
// highest block is always held, so the recursion ends there.
func (t *Tree) load(lv int, nr, at int64) ([]byte, error) {
	want, err := t.hash(lv+1, nr)
	if err != nil {
		return nil, err
	}
	b := make([]byte, BlockSize)
	if err := readFull(t.r, b, at); err != nil {
		return nil, fmt.Errorf("hash tree: %w", err)
	}
	if got := hashBlock(b); !bytes.Equal(got[:], want) {
		return nil, &CorruptError{Offset: at, Tree: true}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.blocks) >= maxCached {
		for k := range t.blocks {
			if k != 0 {
				delete(t.blocks, k)
				break
			}
		}
	}
	t.blocks[at] = b
	return b, nil
}

// readFull fills b from r at off.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
