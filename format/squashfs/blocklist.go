package squashfs

import (
	"errors"
	"fmt"
	"io"
)

// blockList says where the bytes of one regular file are: in data blocks, and the
// rest in a fragment.
type blockList struct {
	r         *Reader
	size      int64
	blocks    []uint32 // stored sizes, with blockRaw; 0 for a hole
	positions []int64  // where every positionEvery-th block is in the file system
	fragment  uint32
	offset    uint32
	tail      int // bytes in the fragment
}

// positionEvery is how many blocks share one stored position. That of the others
// is the sum of the sizes before them.
const positionEvery = 64

// fileBlocks reads the list of a file's blocks.
func (r *Reader) fileBlocks(in *record) (*blockList, error) {
	b := &blockList{r: r, size: in.node.Size, fragment: in.fragment, offset: in.offset}
	size := int64(r.super.BlockSize)
	count := b.size / size
	switch rest := b.size % size; {
	case rest != 0 && in.fragment != none32:
		b.tail = int(rest)
	case rest != 0:
		count++
	case in.fragment != none32:
		return nil, malformed("inode %d: a fragment for no bytes", in.number)
	}
	c := in.list
	at := int64(in.start)
	for i := range count {
		word, err := c.next(4)
		if err != nil {
			return nil, fmt.Errorf("inode %d: blocks: %w", in.number, err)
		}
		if i%positionEvery == 0 {
			b.positions = append(b.positions, at)
		}
		stored := le.Uint32(word)
		b.blocks = append(b.blocks, stored)
		if err := r.checkBlock(at, stored); err != nil {
			return nil, fmt.Errorf("inode %d: block %d: %w", in.number, i, err)
		}
		at += int64(stored &^ blockRaw)
	}
	return b, nil
}

// checkBlock refuses a block that does not lie between the superblock and the
// tables.
func (r *Reader) checkBlock(at int64, word uint32) error {
	size := int64(word &^ blockRaw)
	switch {
	case word == 0:
		return nil
	case size == 0 || size > int64(r.super.BlockSize):
		return malformed("%d bytes stored", size)
	case at < superblockSize || at > r.inodes.start-size:
		return malformed("%d bytes at %d: outside of the data, which ends at %d", size, at, r.inodes.start)
	}
	return nil
}

// chunks returns how many chunks the file has: its blocks and its tail.
func (b *blockList) chunks() int {
	if b.tail > 0 {
		return len(b.blocks) + 1
	}
	return len(b.blocks)
}

// chunkSize returns how many bytes part i of the file has.
func (b *blockList) chunkSize(i int) int {
	size := int64(b.r.super.BlockSize)
	return int(min(size, b.size-int64(i)*size))
}

// at returns where block i stands.
func (b *blockList) at(i int) int64 {
	at := b.positions[i/positionEvery]
	for _, word := range b.blocks[i/positionEvery*positionEvery : i] {
		at += int64(word &^ blockRaw)
	}
	return at
}

// load returns block i in buf.
func (b *blockList) load(i int, buf []byte) ([]byte, error) {
	buf = buf[:b.chunkSize(i)]
	if b.blocks[i] == 0 {
		clear(buf)
		return buf, nil
	}
	at := b.at(i)
	n, err := b.r.loadBlock(at, b.blocks[i], buf)
	if err == nil && n != len(buf) {
		err = b.short(at, n, i)
	}
	return buf, err
}

func (b *blockList) short(at int64, n, i int) error {
	return malformed("block at %d: %d bytes instead of %d", at, n, b.chunkSize(i))
}

// borrowed is a chunk of a file, or a part of one, in the memory of the Reader's
// cache. It must be released.
type borrowed struct {
	data []byte
	b    *loaded // nil: in memory for good
	from *blocks
}

// release gives the bytes back, of which so many were used.
func (l borrowed) release(used int) {
	if l.b != nil {
		l.from.release(l.b, used)
	}
}

// borrow returns chunk i from the cache, which it loads if need be.
func (b *blockList) borrow(i int) (borrowed, error) {
	if i == len(b.blocks) {
		return b.borrowTail()
	}
	if b.blocks[i] == 0 {
		return borrowed{data: b.r.zeros()[:b.chunkSize(i)]}, nil
	}
	at := b.at(i)
	l, err := b.r.data.get(place{b.r, uint64(at)}, func(buf []byte) ([]byte, error) { return b.load(i, buf) })
	if err != nil {
		return borrowed{}, err
	}
	if len(l.data) != b.chunkSize(i) {
		b.r.data.release(l, 0)
		return borrowed{}, b.short(at, len(l.data), i)
	}
	return borrowed{l.data, l, b.r.data}, nil
}

// borrowTail returns the end of the file from its fragment.
func (b *blockList) borrowTail() (borrowed, error) {
	l, err := b.r.fragment(b.fragment)
	if err != nil {
		return borrowed{}, err
	}
	if int64(b.offset)+int64(b.tail) > int64(len(l.data)) {
		b.r.data.release(l, 0)
		return borrowed{}, malformed("fragment %d: %d bytes at %d of %d", b.fragment, b.tail, b.offset, len(l.data))
	}
	return borrowed{l.data[b.offset:][:b.tail], l, b.r.data}, nil
}

// fragmentAt returns where fragment i stands and its size word.
func (r *Reader) fragmentAt(i uint32) (at int64, word uint32, err error) {
	rec, err := r.record(r.fragments, uint64(i))
	if err != nil {
		return 0, 0, fmt.Errorf("fragment %d: %w", i, err)
	}
	at, word = int64(le.Uint64(rec)), le.Uint32(rec[8:])
	if err := r.checkBlock(at, word); err != nil || word == 0 {
		return 0, 0, malformed("fragment %d: %d bytes at %d", i, word, at)
	}
	if unused := le.Uint32(rec[12:]); unused != 0 {
		return 0, 0, malformed("fragment %d: %#x in unused bytes", i, unused)
	}
	return at, word, nil
}

// fragment returns fragment i from the cache.
func (r *Reader) fragment(i uint32) (*loaded, error) {
	at, word, err := r.fragmentAt(i)
	if err != nil {
		return nil, err
	}
	return r.data.get(place{r, uint64(at)}, func(buf []byte) ([]byte, error) {
		n, err := r.loadBlock(at, word, buf)
		return buf[:n], err
	})
}

// loadBlock reads the block at a position into buf, which it may fill in part.
func (r *Reader) loadBlock(at int64, word uint32, buf []byte) (int, error) {
	size := int(word &^ blockRaw)
	if word&blockRaw != 0 {
		if size > len(buf) {
			return 0, malformed("block at %d: %d bytes for %d", at, size, len(buf))
		}
		_, err := r.src.ReadAt(buf[:size], at)
		return size, ignoreEOF(err)
	}
	stored := r.data.take()
	defer r.data.put(stored)
	if _, err := r.src.ReadAt(stored[:size], at); ignoreEOF(err) != nil {
		return 0, err
	}
	n, err := r.decompress(buf, stored[:size])
	if err != nil {
		return 0, fmt.Errorf("block at %d: %w", at, err)
	}
	return n, nil
}

// ignoreEOF allows an io.ReaderAt to report the end along with all the bytes
// asked for; one that gave fewer says io.EOF too, but sizes are checked before.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// zeros returns a block of zeros, to read only.
func (r *Reader) zeros() []byte {
	r.zero.Do(func() { r.hole = make([]byte, r.super.BlockSize) })
	return r.hole
}

// readAt is io.ReaderAt's, through the cache.
func (b *blockList) readAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := 0
	size := int64(b.r.super.BlockSize)
	for n < len(p) && off < b.size {
		l, err := b.borrow(int(off / size))
		if err != nil {
			return n, err
		}
		m := copy(p[n:], l.data[off%size:])
		l.release(m)
		n, off = n+m, off+int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
