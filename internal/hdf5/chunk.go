package hdf5

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"repro/internal/badfile"
)

// filter is one step in which pieces were packed.
type filter struct {
	id     int
	values []uint32
}

// The filters that are read.
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
	filterLZF      = 32000
)

func pipeline(c *cursor) ([]filter, error) {
	version, count := c.byte(), int(c.byte())
	if version == 1 {
		c.take(6)
	}
	if version != 1 && version != 2 || count > 32 {
		return nil, badfile.Unread("filters of version %d", version)
	}
	var out []filter
	for range count {
		fl := filter{id: int(c.u16())}
		name := 0
		if version == 1 || fl.id >= 256 {
			name = int(c.u16())
		}
		c.take(2)
		values := int(c.u16())
		if version == 1 {
			name = (name + 7) &^ 7
		}
		c.take(name)
		for range values {
			fl.values = append(fl.values, c.u32())
			if c.bad {
				return nil, badfile.Damaged("filters end too early")
			}
		}
		if version == 1 && values%2 == 1 {
			c.take(4)
		}
		out = append(out, fl)
	}
	if c.bad {
		return nil, badfile.Damaged("filters end too early")
	}
	return out, nil
}

// pieceReader puts the pieces of a data set together.
type pieceReader struct {
	*File
	ctx  context.Context
	d    *dataset
	out  []byte
	each int // bytes of one piece
}

func (f *File) pieces(ctx context.Context, d *dataset, size int) ([]byte, error) {
	l := d.layout
	if len(l.chunk) != len(d.space.dims) || l.element != d.typed.size {
		return nil, badfile.Damaged("pieces of %d axes in a shape of %d", len(l.chunk), len(d.space.dims))
	}
	p := &pieceReader{File: f, ctx: ctx, d: d, out: d.filled(size), each: l.element}
	for _, n := range l.chunk {
		p.each *= n
	}
	if l.address == undefined {
		return p.out, nil
	}
	return p.out, p.all()
}

func (p *pieceReader) all() error {
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
					return badfile.Damaged("a piece begins at no place of the shape")
				}
				at[i] = int(v)
			}
			return p.piece(child, uint64(size), mask, at)
		})
	case indexSingle:
		size := l.single
		if len(p.d.filters) == 0 {
			size = uint64(p.each)
		}
		return p.piece(l.address, size, l.mask, make([]int, rank))
	case indexImplicit:
		return p.inOrder(func(n int) (uint64, uint64, uint32, error) {
			return l.address + uint64(n)*uint64(p.each), uint64(p.each), 0, nil
		})
	case indexFixed:
		return p.fixed()
	case indexTree2:
		return p.byTree2()
	}
	return badfile.Unread("pieces of a data set that grows along one axis")
}

// inOrder walks all pieces that the shape has, the last axis fastest.
func (p *pieceReader) inOrder(next func(n int) (address, size uint64, mask uint32, err error)) error {
	l, dims := p.d.layout, p.d.space.dims
	at := make([]int, len(dims))
	for n := 0; ; n++ {
		address, size, mask, err := next(n)
		if err != nil {
			return err
		}
		if address != undefined {
			if err := p.piece(address, size, mask, at); err != nil {
				return err
			}
		}
		axis := len(dims) - 1
		for ; axis >= 0; axis-- {
			if at[axis] += l.chunk[axis]; at[axis] < dims[axis] {
				break
			}
			at[axis] = 0
		}
		if axis < 0 {
			return nil
		}
	}
}

// fixed reads an index that is an array of fixed size.
func (p *pieceReader) fixed() error {
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
		return badfile.Damaged("the index of pieces is damaged")
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
	return p.inOrder(func(n int) (uint64, uint64, uint32, error) {
		if uint64(n) >= count {
			return 0, 0, 0, badfile.Damaged("the index holds %d pieces; there are more", count)
		}
		from := at + uint64(n)*uint64(size)
		if bitmap != nil {
			of := uint64(n) / perPage
			if bitmap[of/8]>>(7-of%8)&1 == 0 {
				return undefined, 0, 0, nil
			}
			from += of * 4 // each page ends in a checksum
		}
		b, err := p.at(from, size)
		if err != nil {
			return 0, 0, 0, err
		}
		return p.entry(&cursor{b: b}, packed, size-p.offsets-4)
	})
}

// entry reads where one piece lies.
func (p *pieceReader) entry(c *cursor, packed bool, sizeBytes int) (address, size uint64, mask uint32, err error) {
	address, size = p.address(c), uint64(p.each)
	if packed {
		if sizeBytes < 1 || sizeBytes > 8 {
			return 0, 0, 0, badfile.Damaged("the index of pieces is damaged")
		}
		size, mask = c.sized(sizeBytes), c.u32()
	}
	return address, size, mask, nil
}

// byTree2 reads an index that is a version 2 B-tree.
func (p *pieceReader) byTree2() error {
	l, rank := p.d.layout, len(p.d.layout.chunk)
	return p.tree2(l.address, func(kind byte, record []byte) error {
		packed := kind == 11
		if kind != 10 && kind != 11 || packed != (len(p.d.filters) > 0) {
			return badfile.Damaged("an index of pieces is of type %d", kind)
		}
		c := &cursor{b: record}
		address, size, mask, err := p.entry(c, packed, len(record)-p.offsets-4-8*rank)
		if err != nil {
			return err
		}
		at := make([]int, rank)
		for i := range at {
			v := c.sized(8)
			if v > uint64(MaxData/l.chunk[i]) {
				return badfile.Damaged("a piece begins at no place of the shape")
			}
			at[i] = int(v) * l.chunk[i]
		}
		if c.bad {
			return badfile.Damaged("an index of pieces is damaged")
		}
		return p.piece(address, size, mask, at)
	})
}

// piece unpacks one piece and puts it where it stands.
func (p *pieceReader) piece(address, size uint64, mask uint32, at []int) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	for i, v := range at {
		if v >= p.d.space.dims[i] {
			return nil // beyond a shape that was made smaller
		}
	}
	if size > MaxData {
		return badfile.TooLarge("a piece of %d bytes", size)
	}
	b, err := p.File.at(address, int(size))
	if err != nil {
		return err
	}
	if p.left -= int64(p.each); p.left < 0 {
		return badfile.TooLarge("it holds more than %d bytes in pieces", int64(MaxUnpacked))
	}
	if b, err = p.unpack(b, mask); err != nil {
		return err
	}
	if len(b) != p.each {
		return badfile.Damaged("a piece of %d bytes where %d should be", len(b), p.each)
	}
	p.place(b, at)
	return nil
}

func (p *pieceReader) unpack(b []byte, mask uint32) (_ []byte, err error) {
	for i := len(p.d.filters) - 1; i >= 0; i-- {
		if mask>>i&1 == 1 {
			continue // passed over for this piece
		}
		fl := p.d.filters[i]
		switch fl.id {
		case filterDeflate:
			b, err = inflate(b, p.each+4)
		case filterShuffle:
			if len(fl.values) != 1 || fl.values[0] == 0 || fl.values[0] > maxMessage {
				return nil, badfile.Damaged("a filter without its value")
			}
			b = unshuffle(b, int(fl.values[0]))
		case filterFletcher:
			if len(b) < 4 {
				return nil, badfile.Damaged("a piece without its checksum")
			}
			b = b[:len(b)-4]
		case filterLZF:
			b, err = unpackLZF(b, p.each+4)
		default:
			return nil, badfile.Unread("pieces packed by filter %d", fl.id)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func inflate(b []byte, most int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, badfile.Damaged("a piece: %v", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil && !errors.Is(err, io.EOF) || len(out) > most {
		return nil, badfile.Damaged("a piece can't be unpacked")
	}
	return out, nil
}

// unshuffle puts the bytes of each value together again. Bytes that make no
// whole value stand at the end as they are.
func unshuffle(b []byte, size int) []byte {
	count := len(b) / size
	if size == 1 || count < 2 {
		return b
	}
	out := make([]byte, len(b))
	for k := range size {
		for i := range count {
			out[i*size+k] = b[k*count+i]
		}
	}
	copy(out[count*size:], b[count*size:])
	return out
}

// unpackLZF undoes h5py's filter (LibLZF by Marc Lehmann).
func unpackLZF(b []byte, most int) ([]byte, error) {
	out := make([]byte, 0, min(most, 1<<20))
	c := &cursor{b: b}
	for len(c.b) > 0 {
		head := int(c.byte())
		if head < 32 {
			out = append(out, c.take(head+1)...)
		} else {
			length := head >> 5
			if length == 7 {
				length += int(c.byte())
			}
			from := len(out) - (head&31<<8 | int(c.byte())) - 1
			if from < 0 {
				return nil, badfile.Damaged("a piece can't be unpacked")
			}
			for range length + 2 {
				out = append(out, out[from])
				from++
			}
		}
		if c.bad || len(out) > most {
			return nil, badfile.Damaged("a piece can't be unpacked")
		}
	}
	return out, nil
}

// place copies a piece row by row, as far as it lies within the shape.
func (p *pieceReader) place(b []byte, at []int) {
	dims, chunk, size := p.d.space.dims, p.d.layout.chunk, p.d.typed.size
	last := len(dims) - 1
	length := min(chunk[last], dims[last]-at[last]) * size
	row := make([]int, len(dims)) // within the piece
	for from := 0; from < len(b); from += chunk[last] * size {
		to, inside := 0, true
		for i := range dims {
			v := at[i] + row[i]
			inside = inside && v < dims[i]
			to = to*dims[i] + v
		}
		if inside {
			copy(p.out[to*size:to*size+length], b[from:])
		}
		for axis := last - 1; axis >= 0; axis-- {
			if row[axis]++; row[axis] < chunk[axis] {
				break
			}
			row[axis] = 0
		}
	}
}
