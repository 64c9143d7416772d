package squashfs

import "fmt"

// extent says where the metadata blocks of one stream stand: where each begins
// and where the last ends. Every block but the last unpacks to 8192 bytes, so
// that a reader may reckon which block holds a byte of the stream.
type extent struct {
	starts map[int64]int64 // bytes of the stream before the block that begins there
	size   int64           // bytes that all of them unpack to
}

// stream reads all metadata blocks of a region, which they must fill.
func (c *checker) stream(name string, in region) (extent, error) {
	e := extent{starts: map[int64]int64{}}
	for at := in.start; at < in.end; {
		if e.size%metadataSize != 0 {
			return e, malformed("%s: a metadata block before %d holds fewer than %d bytes and is not the last", name, at, metadataSize)
		}
		m, err := c.r.metadataBlock(in, at)
		if err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
		if err := m.worthwhile(at); err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
		e.starts[at-in.start] = e.size
		e.size += int64(len(m.data))
		at = m.next
	}
	if e.size%metadataSize == 0 { // what comes next would begin a block
		e.starts[in.end-in.start] = e.size
	}
	return e, nil
}

// worthwhile refuses a block that is compressed to no fewer bytes than it holds
// (SQ-7).
func (m metadataBlock) worthwhile(at int64) error {
	if m.compressed && m.next-at-2 >= int64(len(m.data)) {
		return malformed("metadata at %d: compressed from %d to %d bytes", at, len(m.data), m.next-at-2)
	}
	return nil
}

// place returns how many bytes of the stream stand before offset in the block
// at start, or -1.
func (e extent) place(start uint64, offset int) int64 {
	before, ok := e.starts[int64(start)]
	if !ok || start > 1<<62 || offset < 0 || offset >= metadataSize {
		return -1
	}
	return before + int64(offset)
}

// table checks a lookup table: its metadata blocks stand at the place at, one
// behind the other and listed in this order, hold exactly its records, and are
// followed by the list. It returns where the list ends.
func (c *checker) table(name string, x index, at int64) (int64, error) {
	if x.start != at {
		return 0, malformed("%s: begins at %d, what stands before it ends at %d", name, x.start, at)
	}
	e, err := c.stream(name, x.region)
	if err != nil {
		return 0, err
	}
	if want := int64(x.count) * int64(x.width); e.size != want {
		return 0, malformed("%s: %d bytes of records, want %d", name, e.size, want)
	}
	n := listSize(x.count, x.width) / 8
	for i := range n {
		var b [8]byte
		if _, err := c.r.src.ReadAt(b[:], x.at+8*i); err != nil {
			return 0, err
		}
		if e.place(le.Uint64(b[:])-uint64(x.start), 0) != i*metadataSize {
			return 0, malformed("%s: block %d is listed at %d, where it does not begin", name, i, le.Uint64(b[:]))
		}
	}
	return x.at + 8*n, nil
}
