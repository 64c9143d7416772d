package squashfs

import (
	"cmp"
	"math"
	"slices"

	"repro/internal/codec"
)

// stored is where the blocks of a file stand, or those of a fragment.
type stored struct{ start, size int64 }

// end is a file's end in a fragment.
type end struct{ fragment, offset, size uint32 }

// file holds what an inode says of a regular file against its blocks: those of
// several files are either the same ones or apart, each holds as many bytes as
// a reader would ask of it, and none is smaller as it is (SQ-7, SQ-9 to SQ-12).
func (c *checker) file(in *record) (int64, error) {
	b, err := c.r.fileBlocks(in)
	if err != nil {
		return 0, err
	}
	at, holes := int64(in.start), int64(0)
	for i, word := range b.blocks {
		if word == 0 {
			holes += int64(b.chunkSize(i))
			continue
		}
		if err := c.blockSize(at, word, int64(b.chunkSize(i)), int64(b.chunkSize(i))); err != nil {
			return 0, err
		}
		at += int64(word &^ blockRaw)
	}
	if at == int64(in.start) && at != 0 {
		return 0, malformed("starts at %d without a block", at)
	}
	if at > int64(in.start) {
		c.data = append(c.data, stored{int64(in.start), at - int64(in.start)})
	}
	switch {
	case in.fragment == none32 && in.offset != 0:
		return 0, malformed("offset %d in no fragment", in.offset)
	case b.tail > 0:
		c.ends = append(c.ends, end{in.fragment, in.offset, uint32(b.tail)})
	}
	size := 4 * int64(len(b.blocks))
	if !in.long {
		if holes > 0 {
			return 0, malformed("holes in the basic form")
		}
		return size + 32, nil
	}
	if int64(in.holes) != holes {
		return 0, malformed("%d bytes in holes, it says %d", holes, in.holes)
	}
	if in.links == 1 && in.xattr == none32 && holes == 0 && in.start <= math.MaxUint32 && b.size <= math.MaxUint32 {
		return 0, malformed("in the extended form without need")
	}
	return size + 56, nil
}

// blockSize checks that the block at a place holds from least to most bytes,
// and that it is compressed to fewer than these. It asks the head of the block
// and unpacks it only if that doesn't say.
func (c *checker) blockSize(at int64, word uint32, least, most int64) error {
	size := int64(word &^ blockRaw)
	n, err := size, error(nil)
	if word&blockRaw == 0 {
		if n, err = c.unpacked(at, word); err == nil && size >= n {
			err = malformed("block at %d: compressed from %d to %d bytes", at, n, size)
		}
	}
	if err == nil && (n < least || n > most) {
		err = malformed("block at %d: %d bytes, want %d", at, n, most)
	}
	return err
}

func (c *checker) unpacked(at int64, word uint32) (int64, error) {
	var head [codec.MaxHead]byte
	b := head[:min(len(head), int(word))]
	if _, err := c.r.src.ReadAt(b, at); ignoreEOF(err) != nil {
		return 0, err
	}
	if h, ok := codec.ReadHead(c.r.super.algorithm(), b); ok {
		return h.Content, nil
	}
	buf := c.r.data.take()
	defer c.r.data.put(buf)
	n, err := c.r.loadBlock(at, word, buf)
	return int64(n), err
}

// dataArea checks that blocks and fragments fill the bytes before the inode
// table, and ends each fragment.
func (c *checker) dataArea(begin int64) error {
	slices.SortFunc(c.ends, func(a, b end) int {
		return cmp.Or(cmp.Compare(a.fragment, b.fragment), cmp.Compare(a.offset, b.offset), cmp.Compare(a.size, b.size))
	})
	ends := slices.Compact(c.ends)
	for i := range c.r.super.Fragments {
		at, word, err := c.r.fragmentAt(i)
		if err != nil {
			return err
		}
		filled := int64(0)
		for ; len(ends) > 0 && ends[0].fragment == i; ends = ends[1:] {
			if int64(ends[0].offset) != filled {
				return malformed("fragment %d: ends overlap or leave a gap at %d", i, filled)
			}
			filled += int64(ends[0].size)
		}
		if err := c.blockSize(at, word, filled, filled); err != nil {
			return malformed("fragment %d: its ends take %d bytes: %v", i, filled, err)
		}
		c.data = append(c.data, stored{at, int64(word &^ blockRaw)})
	}
	slices.SortFunc(c.data, func(a, b stored) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.size, b.size)) })
	for _, s := range slices.Compact(c.data) {
		if s.start != begin {
			return malformed("data: blocks overlap or leave a gap at %d: the next begin at %d", begin, s.start)
		}
		begin += s.size
	}
	if begin != c.r.inodes.start {
		return malformed("data ends at %d, the inode table begins at %d", begin, c.r.inodes.start)
	}
	return nil
}
