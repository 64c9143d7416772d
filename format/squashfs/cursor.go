package squashfs

import (
	"fmt"
)

// metadataBlock is one uncompressed metadataBlock of metadata and where the next one begins.
type metadataBlock struct {
	data       []byte
	next       int64
	compressed bool
}

// cursor reads a stream of metadata within its region.
type cursor struct {
	r *Reader
	region
	at     int64 // where the current metadata block begins
	offset int   // in it, uncompressed
}

// cursorAt returns a cursor at a reference: where the metadata block begins in the
// region, and the offset in it.
func (r *Reader) cursorAt(in region, start uint64, offset int) (cursor, error) {
	if start >= uint64(in.end-in.start) || offset >= metadataSize {
		return cursor{}, malformed("reference to %d:%d in a table of %d bytes", start, offset, in.end-in.start)
	}
	return cursor{r: r, region: in, at: in.start + int64(start), offset: offset}, nil
}

// read fills p.
func (c *cursor) read(p []byte) error {
	for len(p) > 0 {
		m, err := c.r.metadataBlock(c.region, c.at)
		if err != nil {
			return err
		}
		if c.offset >= len(m.data) {
			c.at, c.offset = m.next, c.offset-len(m.data)
			if c.offset > 0 {
				return malformed("offset behind the metadata block before %d", m.next)
			}
			continue
		}
		n := copy(p, m.data[c.offset:])
		p, c.offset = p[n:], c.offset+n
	}
	return nil
}

// next returns the next n bytes, which the caller must not change.
func (c *cursor) next(n int) ([]byte, error) {
	m, err := c.r.metadataBlock(c.region, c.at)
	if err != nil && n > 0 {
		return nil, err
	}
	if c.offset+n <= len(m.data) {
		b := m.data[c.offset : c.offset+n : c.offset+n]
		c.offset += n
		return b, nil
	}
	b := make([]byte, n)
	return b, c.read(b)
}

// metadataBlock returns the metadataBlock of metadata at a position, which must lie in the
// region whole.
func (r *Reader) metadataBlock(in region, at int64) (metadataBlock, error) {
	if at < in.start || at >= in.end-1 {
		return metadataBlock{}, malformed("metadata at %d: not between %d and %d", at, in.start, in.end)
	}
	p, err := r.metadata.get(place{r, uint64(at)}, func() (metadataBlock, int64, error) { return r.loadMetadataBlock(at) })
	if err == nil && p.next > in.end {
		err = malformed("metadata at %d: reaches beyond %d", at, in.end)
	}
	return p, err
}

func (r *Reader) loadMetadataBlock(at int64) (metadataBlock, int64, error) {
	var head [2]byte
	if _, err := r.src.ReadAt(head[:], at); err != nil {
		return metadataBlock{}, 0, err
	}
	size := int64(le.Uint16(head[:]) &^ metadataRaw)
	if size == 0 || size > metadataSize || at+2+size > r.size {
		return metadataBlock{}, 0, malformed("metadata at %d: %d bytes", at, size)
	}
	b := make([]byte, size)
	if _, err := r.src.ReadAt(b, at+2); err != nil {
		return metadataBlock{}, 0, err
	}
	compressed := le.Uint16(head[:])&metadataRaw == 0
	if compressed {
		out := newBuffer(metadataSize)
		n, err := r.decompress(out, b)
		if err != nil {
			return metadataBlock{}, 0, fmt.Errorf("metadata at %d: %w", at, err)
		}
		b = out[:n]
	}
	if len(b) == 0 {
		return metadataBlock{}, 0, malformed("metadata at %d: nothing in it", at)
	}
	return metadataBlock{data: b, next: at + 2 + size, compressed: compressed}, metadataSize, nil
}

// position returns the cursor with what comes next in its own metadata block,
// not at the end of the one before.
func (c cursor) position() cursor {
	if m, err := c.r.metadataBlock(c.region, c.at); err == nil && c.offset == len(m.data) {
		c.at, c.offset = m.next, 0
	}
	return c
}
