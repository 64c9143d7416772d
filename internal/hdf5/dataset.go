package hdf5

import (
	"bytes"
	"context"
	"repro/internal/badfile"
)

// dataset is where values lie, and what they are.
type dataset struct {
	typed   *datatype
	space   *space
	layout  *layout
	filters []filter
	fill    []byte // nil: zeros
}

// space is the shape of a data set.
type space struct {
	null bool // it has no values at all
	dims []int
	most []uint64 // how far each axis may grow; undefined: without end
}

// growing is the axis that may grow without end, if there is just one; else -1.
func (s *space) growing() int {
	axis := -1
	for i, d := range s.most {
		if d != undefined {
			continue
		}
		if axis >= 0 {
			return -1
		}
		axis = i
	}
	return axis
}

func (s *space) count() int {
	if s.null {
		return 0
	}
	n := 1
	for _, d := range s.dims {
		n *= d
	}
	return n
}

func (f *File) dataspace(m message) (*space, error) {
	b, err := f.shared(m)
	if err != nil {
		return nil, err
	}
	c := &cursor{b: b}
	version, rank, flags := c.byte(), int(c.byte()), c.byte()
	s := &space{}
	switch version {
	case 1:
		c.take(5)
	case 2:
		s.null = c.byte() == 2
	default:
		return nil, badfile.Unread("a shape of version %d", version)
	}
	if rank > maxRank {
		return nil, badfile.TooLarge("%d axes", rank)
	}
	n := uint64(1)
	for range rank {
		d := f.length(c)
		if d > MaxData || d > 0 && n > MaxData/d {
			return nil, badfile.TooLarge("a shape of more than %d values", MaxData)
		}
		n *= d
		s.dims, s.most = append(s.dims, int(d)), append(s.most, d)
	}
	for i := range rank {
		if flags&1 == 0 {
			break
		}
		if s.most[i] = f.length(c); s.most[i] < uint64(s.dims[i]) {
			return nil, badfile.Damaged("a shape is larger than it may grow")
		}
	}
	if c.bad {
		return nil, badfile.Damaged("a shape ends too early")
	}
	return s, nil
}

// fillValue reads what stands where nothing was written.
func (d *dataset) fillValue(m message) error {
	if m.flags&flagShared != 0 {
		return badfile.Unread("a shared fill value")
	}
	c := &cursor{b: m.data}
	if m.kind == msgFill {
		version := c.byte()
		defined := true
		switch version {
		case 1:
			c.take(3)
		case 2:
			c.take(2)
			defined = c.byte() != 0
		case 3:
			defined = c.byte()&0x20 != 0
		default:
			return badfile.Unread("a fill value of version %d", version)
		}
		if !defined {
			return nil
		}
	} else if d.fill != nil {
		return nil // the new message outweighs the old
	}
	size := int(c.u32())
	if size == 0 || size == 1<<32-1 {
		return nil
	}
	if d.fill = bytes.Clone(c.take(min(size, maxMessage))); c.bad {
		return badfile.Damaged("a fill value ends too early")
	}
	return nil
}

// layout is where the bytes of a data set lie.
type layout struct {
	inline  []byte // in the header
	address uint64
	size    uint64
	chunk   []int // shape of a chunk; nil: all in one
	index   int   // of chunks: 0 is a version 1 B-tree
	single  uint64
	mask    uint32
	element int

	plainEdges bool // chunks that reach beyond the shape are not packed
	array      growingArray
}

// The ways in which chunks are found.
const (
	indexTree1    = 0
	indexSingle   = 1
	indexImplicit = 2
	indexFixed    = 3
	indexGrowing  = 4
	indexTree2    = 5
)

func (f *File) layout(c *cursor) (*layout, error) {
	l := &layout{}
	version := c.byte()
	switch version {
	case 1, 2:
		return l, f.oldLayout(c, l)
	case 3, 4, 5: // 5 has longer sizes in its indexes, which say how long they are
	default:
		return nil, badfile.Unread("a layout of version %d", version)
	}
	class := c.byte()
	switch {
	case class == 0:
		l.inline = c.take(int(c.u16()))
	case class == 1:
		l.address, l.size = f.address(c), f.length(c)
	case class == 2 && version == 3:
		rank := int(c.byte())
		l.address = f.address(c)
		l.dims(c, rank, 4)
	case class == 2:
		if err := f.newChunks(c, l); err != nil {
			return nil, err
		}
	default:
		return nil, badfile.Unread("a layout of class %d", class)
	}
	if c.bad {
		return nil, badfile.Damaged("a layout ends too early")
	}
	return l, l.check()
}

func (f *File) oldLayout(c *cursor, l *layout) error {
	rank, class := int(c.byte()), c.byte()
	c.take(5)
	if class != 0 {
		l.address = f.address(c)
	}
	switch class {
	case 0:
		c.take(4 * rank)
		l.inline = c.take(int(min(c.u32(), maxMessage)))
	case 1:
		l.size = undefined // as its shape asks
	case 2:
		l.dims(c, rank, 4)
	default:
		return badfile.Unread("a layout of class %d", class)
	}
	if c.bad {
		return badfile.Damaged("a layout ends too early")
	}
	return l.check()
}

// dims reads the shape of a chunk, whose last number is the size of an element.
func (l *layout) dims(c *cursor, rank, size int) {
	l.chunk = []int{}
	for i := range rank {
		d := int(min(c.sized(size), 1<<40))
		if i == rank-1 {
			l.element = d
		} else {
			l.chunk = append(l.chunk, d)
		}
	}
}

func (l *layout) check() error {
	if l.chunk == nil {
		return nil
	}
	n := l.element
	if n <= 0 || len(l.chunk) == 0 || len(l.chunk) > maxRank {
		return badfile.Damaged("chunks without a size")
	}
	for _, d := range l.chunk {
		if d <= 0 {
			return badfile.Damaged("chunks without a size")
		}
		if n > maxChunk/d {
			return badfile.TooLarge("chunks of more than %d bytes", maxChunk)
		}
		n *= d
	}
	return nil
}

// newChunks reads the layout of chunks of version 4.
func (f *File) newChunks(c *cursor, l *layout) error {
	flags, rank, size := c.byte(), int(c.byte()), int(c.byte())
	if size < 1 || size > 8 {
		return badfile.Damaged("a layout's sizes of %d bytes", size)
	}
	l.plainEdges = flags&1 != 0
	l.dims(c, rank, size)
	l.index = int(c.byte())
	switch l.index {
	case indexSingle:
		if flags&2 != 0 {
			l.single, l.mask = f.length(c), c.u32()
		}
	case indexImplicit:
	case indexFixed:
		c.take(1) // its index says it too
	case indexGrowing:
		l.array = readGrowingArray(c, false)
	case indexTree2:
		c.take(6)
	default:
		return badfile.Unread("chunks found in way %d", l.index)
	}
	l.address = f.address(c)
	return nil
}

// sizeOf is how many bytes the values of a data set have, once it is sure that
// these may be read.
func (f *File) sizeOf(d *dataset) (int, error) {
	count := d.space.count()
	if count > MaxData/d.typed.size {
		return 0, badfile.TooLarge("%d values of %d bytes", count, d.typed.size)
	}
	size := count * d.typed.size
	if c := d.typed.class; size > MaxMixed && (c == classCompound && !d.typed.isComplex() || c == classVariable || c == classArray) {
		return 0, badfile.TooLarge("%d values of %d bytes that are compounds", count, d.typed.size)
	}
	if f.left -= int64(size); f.left < 0 {
		return 0, badfile.TooLarge("its data sets have more than %d bytes", int64(MaxUnpacked))
	}
	return size, nil
}

// bytesOf reads all of a data set's bytes, in the order of its shape.
func (f *File) bytesOf(ctx context.Context, d *dataset) ([]byte, error) {
	size, err := f.sizeOf(d)
	if err != nil {
		return nil, err
	}
	l := d.layout
	switch {
	case size == 0:
		return nil, nil
	case l.chunk != nil:
		return f.chunks(ctx, d, size)
	case l.inline != nil || l.address == 0 && l.size == 0:
		if len(l.inline) < size {
			return nil, badfile.Damaged("%d bytes where %d should be", len(l.inline), size)
		}
		return l.inline[:size], nil
	case l.address == undefined:
		return d.filled(size), nil
	case l.size < uint64(size):
		return nil, badfile.Damaged("%d bytes where %d should be", l.size, size)
	}
	return f.at(l.address, size)
}

// filled is what was never written.
func (d *dataset) filled(size int) []byte {
	if len(d.fill) != d.typed.size || d.typed.class == classVariable {
		return make([]byte, size)
	}
	return bytes.Repeat(d.fill, size/len(d.fill))
}
