package verity

import (
	"errors"
	"fmt"
	"sync"
)

// Writer computes the hash tree of the bytes written to it. It keeps 32 bytes
// for each 64 KiB. It holds the first block back, because a squashfs layer
// learns its superblock last: see [Writer.WriteAt]. Blocks that come in pieces
// are hashed in goroutines, so that whoever writes need not wait; each of them
// ends when its block is hashed, also where Finish is never called.
type Writer struct {
	head    []byte            // first block, hashed by Finish
	block   []byte            // the block being filled, where it is not the first
	leaves  []*[hashSize]byte // hashes of the full blocks after the first
	size    int64
	hashing sync.WaitGroup
	free    chan []byte // for blocks to be filled
}

// hashedAside is how many blocks may be hashed at once while one is filled.
const hashedAside = 3

// NewWriter returns a Writer for one file.
func NewWriter() *Writer {
	w := &Writer{head: make([]byte, 0, BlockSize), free: make(chan []byte, hashedAside+1)}
	for range hashedAside {
		w.free <- nil // made when it is needed
	}
	return w
}

// Write takes the next bytes of the file. It never fails.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	w.size += int64(n)
	if room := BlockSize - len(w.head); room > 0 {
		k := min(room, len(p))
		w.head, p = append(w.head, p[:k]...), p[k:]
	}
	for len(p) > 0 {
		if len(w.block) == 0 && len(p) >= BlockSize {
			*w.leaf() = hashBlock(p[:BlockSize])
			p = p[BlockSize:]
			continue
		}
		if w.block == nil {
			w.block = make([]byte, 0, BlockSize)
		}
		k := min(BlockSize-len(w.block), len(p))
		w.block, p = append(w.block, p[:k]...), p[k:]
		if len(w.block) == BlockSize {
			w.hashAside()
		}
	}
	return n, nil
}

// leaf returns where the hash of the next block goes.
func (w *Writer) leaf() *[hashSize]byte {
	sum := new([hashSize]byte)
	w.leaves = append(w.leaves, sum)
	return sum
}

// hashAside hashes the block that is full and begins the next.
func (w *Writer) hashAside() {
	sum, b := w.leaf(), w.block
	w.hashing.Go(func() {
		*sum = hashBlock(b)
		w.free <- b[:0]
	})
	w.block = <-w.free
}

// WriteAt replaces bytes that were written before. They must lie within the
// first block.
func (w *Writer) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(w.head)) || int64(len(p)) > int64(len(w.head))-off {
		return 0, fmt.Errorf("hash tree: bytes %d to %d are not held back", off, off+int64(len(p)))
	}
	return copy(w.head[off:], p), nil
}

// Size returns how many bytes were written.
func (w *Writer) Size() int64 { return w.size }

// Finish returns the tree and the digest of the file. The Writer must not be
// used afterwards.
func (w *Writer) Finish() (tree []byte, digest [32]byte, err error) {
	if w.head == nil {
		return nil, digest, errors.New("hash tree: already finished")
	}
	var root [32]byte
	if w.size > 0 {
		root = hashBlock(w.head)
	}
	if len(w.block) > 0 {
		*w.leaf() = hashBlock(w.block)
	}
	w.hashing.Wait()
	ls, n := levels(w.size)
	tree = make([]byte, n)
	for i, l := range ls {
		room := tree[l.start:]
		if i == 0 {
			copy(room, root[:])
			for j, sum := range w.leaves {
				copy(room[(j+1)*hashSize:], sum[:])
			}
		} else {
			below := ls[i-1]
			for j := range l.hashes {
				h := hashBlock(tree[below.start+j*BlockSize:][:BlockSize])
				copy(room[j*hashSize:], h[:])
			}
		}
	}
	if len(ls) > 0 {
		root = hashBlock(tree[:BlockSize])
	}
	w.head, w.block, w.leaves = nil, nil, nil
	return tree, Digest(w.size, root), nil
}
