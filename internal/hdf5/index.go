package hdf5

import "repro/internal/badfile"

// maxIndex bounds the chunks that an index counts.
const maxIndex = 1 << 40

// location is where one chunk lies in the file.
type location struct {
	address, size uint64
	mask          uint32 // filters that were passed over
}

// nowhere is the location of a chunk that was never written.
var nowhere = location{address: undefined}

func (p *chunkReader) all() error {
	l, rank := p.d.layout, len(p.d.layout.chunk)
	switch l.index {
	case indexTree1:
		return p.tree1(l.address, 1, 8+8*(rank+1), 0, func(key []byte, child uint64) error {
			c := &cursor{b: key}
			size, mask := c.u32(), c.u32()
			at := make([]int, rank)
			for i := range at {
				v := c.sized(8)
				if v > MaxData || int(v)%l.chunk[i] != 0 {
					return badfile.Damaged("a chunk begins at no place of the shape")
				}
				at[i] = int(v)
			}
			return p.found(location{child, uint64(size), mask}, at)
		})
	case indexSingle:
		size := l.single
		if len(p.d.filters) == 0 {
			size = uint64(p.each)
		}
		return p.found(location{l.address, size, l.mask}, make([]int, rank))
	case indexImplicit:
		return p.inOrder(func(n uint64) (location, error) {
			return location{l.address + n*uint64(p.each), uint64(p.each), 0}, nil
		})
	case indexFixed:
		return p.fixed()
	case indexTree2:
		return p.byTree2()
	}
	return p.growing()
}

// inOrder walks all chunks that the shape has. The index of a chunk counts the
// chunks that the shape may come to have, the last axis fastest; the axis that
// may grow without end, if there is one, counts as the first.
func (p *chunkReader) inOrder(find func(n uint64) (location, error)) error {
	l, s := p.d.layout, p.d.space
	growing := s.growing()
	strides, err := p.strides(growing)
	if err != nil {
		return err
	}
	at := make([]int, len(s.dims))
	for {
		n := uint64(0)
		for axis, v := range at {
			n += uint64(v/l.chunk[axis]) * strides[axis]
		}
		where, err := find(n)
		if err != nil {
			return err
		}
		if where.address != undefined {
			if err := p.found(where, at); err != nil {
				return err
			}
		}
		axis := len(at) - 1
		for ; axis >= 0; axis-- {
			if at[axis] += l.chunk[axis]; at[axis] < s.dims[axis] {
				break
			}
			at[axis] = 0
		}
		if axis < 0 {
			return nil
		}
	}
}

// strides says, for each axis, how far apart in the index two chunks are that
// follow each other along it.
func (p *chunkReader) strides(growing int) ([]uint64, error) {
	l, s := p.d.layout, p.d.space
	out := make([]uint64, len(s.dims))
	n := uint64(1)
	for axis := len(out) - 1; axis >= 0; axis-- {
		if axis == growing {
			continue
		}
		out[axis] = n
		count := (s.most[axis]-1)/uint64(l.chunk[axis]) + 1
		if count > maxIndex/n {
			return nil, badfile.TooLarge("an index of more than %d chunks", uint64(maxIndex))
		}
		n *= count
	}
	if growing >= 0 {
		out[growing] = n
	}
	return out, nil
}

// fixed reads an index that is an array of fixed size.
func (p *chunkReader) fixed() error {
	c, err := p.block(p.d.layout.address, "FAHD", 8+p.lengths+p.offsets)
	if err != nil {
		return err
	}
	c.take(1)
	packed := c.byte() == 1
	size := int(c.byte())
	page := c.byte()
	count := p.length(c)
	data := p.address(c)
	if c.bad || page > 40 || size < p.offsets || packed != (len(p.d.filters) > 0) || packed && size < p.offsets+5 || count > MaxData {
		return badfile.Damaged("the index of chunks is damaged")
	}
	if data == undefined {
		return nil
	}
	at, perPage, bitmap := data+uint64(6+p.offsets), count, []byte(nil)
	if _, err := p.block(data, "FADB", 6+p.offsets); err != nil {
		return err
	}
	if perPage = 1 << page; count > perPage {
		pages := (count + perPage - 1) / perPage
		if bitmap, err = p.at(at, int((pages+7)/8)); err != nil {
			return err
		}
		at += (pages+7)/8 + 4
	}
	return p.inOrder(func(n uint64) (location, error) {
		if n >= count {
			return location{}, badfile.Damaged("the index holds %d chunks; there are more", count)
		}
		from := at + n*uint64(size)
		if bitmap != nil {
			of := n / perPage
			if bitmap[of/8]>>(7-of%8)&1 == 0 {
				return nowhere, nil
			}
			from += of * 4 // each page ends in a checksum
		}
		return p.entryAt(from, size, packed)
	})
}

// entryAt reads an entry of an index that is an array.
func (p *chunkReader) entryAt(address uint64, size int, packed bool) (location, error) {
	b, err := p.at(address, size)
	if err != nil {
		return location{}, err
	}
	return p.entry(&cursor{b: b}, packed, size-p.offsets-4)
}

// entry reads where one chunk lies.
func (p *chunkReader) entry(c *cursor, packed bool, sizeBytes int) (location, error) {
	where := location{address: p.address(c), size: uint64(p.each)}
	if packed {
		if sizeBytes < 1 || sizeBytes > 8 {
			return where, badfile.Damaged("the index of chunks is damaged")
		}
		where.size, where.mask = c.sized(sizeBytes), c.u32()
	}
	return where, nil
}

// byTree2 reads an index that is a version 2 B-tree.
func (p *chunkReader) byTree2() error {
	l, rank := p.d.layout, len(p.d.layout.chunk)
	return p.tree2(l.address, func(kind byte, record []byte) error {
		packed := kind == 11
		if kind != 10 && kind != 11 || packed != (len(p.d.filters) > 0) {
			return badfile.Damaged("an index of chunks is of type %d", kind)
		}
		c := &cursor{b: record}
		where, err := p.entry(c, packed, len(record)-p.offsets-4-8*rank)
		if err != nil {
			return err
		}
		at := make([]int, rank)
		for i := range at {
			v := c.sized(8)
			if v > uint64(MaxData/l.chunk[i]) {
				return badfile.Damaged("a chunk begins at no place of the shape")
			}
			at[i] = int(v) * l.chunk[i]
		}
		if c.bad {
			return badfile.Damaged("an index of chunks is damaged")
		}
		return p.found(where, at)
	})
}
