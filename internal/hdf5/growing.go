package hdf5

import (
	"math/bits"

	"repro/internal/badfile"
)

// growingArray is the form of an index for a data set of which one axis may
// grow without end: the specification's extensible array. Its entries stand in
// the index block, then in data blocks of growing size, whose addresses stand in
// the index block and later in super blocks.
type growingArray struct {
	elementBits   int // of the index of an entry
	inIndexBlock  uint64
	superPointers uint64 // least data blocks of a super block
	leastElements uint64 // of a data block
	pageBits      int
}

// readGrowingArray reads the form from a layout, or from the head of an index,
// where two of its numbers stand in the other order.
func readGrowingArray(c *cursor, head bool) growingArray {
	g := growingArray{elementBits: int(c.byte()), inIndexBlock: uint64(c.byte())}
	g.superPointers, g.leastElements = uint64(c.byte()), uint64(c.byte())
	if head {
		g.superPointers, g.leastElements = g.leastElements, g.superPointers
	}
	g.pageBits = int(c.byte())
	return g
}

// superBlock is the form of one super block: how many data blocks it has, of
// how many entries, and what stands in super blocks before it.
type superBlock struct {
	blocks, elements         uint64
	firstBlock, firstElement uint64
}

// superBlocks lists all that an array of the form can have.
func (g *growingArray) superBlocks() ([]superBlock, error) {
	powers := g.leastElements&(g.leastElements-1) == 0 && g.superPointers&(g.superPointers-1) == 0
	if g.leastElements == 0 || g.superPointers < 2 || !powers || g.elementBits > 64 || g.pageBits > 40 || 1<<min(63, g.elementBits) < g.leastElements {
		return nil, badfile.Damaged("the index of chunks is damaged")
	}
	count := 1 + g.elementBits - bits.TrailingZeros64(g.leastElements)
	var out []superBlock
	var firstBlock, firstElement uint64
	for u := range min(count, maxSuperBlocks) {
		b := superBlock{1 << (u / 2), g.leastElements << ((u + 1) / 2), firstBlock, firstElement}
		out = append(out, b)
		firstBlock, firstElement = firstBlock+b.blocks, firstElement+b.blocks*b.elements
	}
	return out, nil
}

// maxSuperBlocks is more than an index of maxIndex chunks has.
const maxSuperBlocks = 42

// growingReader finds entries of one array.
type growingReader struct {
	*chunkReader
	growingArray
	size        int // bytes of an entry
	packed      bool
	offsetBytes int
	supers      []superBlock
	inIndex     uint64 // super blocks whose data blocks' addresses stand in the index block
	index       []byte // the index block, after its head
	blocks      map[uint64][]byte
}

// growing reads an index that is an extensible array.
func (p *chunkReader) growing() error {
	if p.d.space.growing() < 0 {
		return badfile.Damaged("an index of chunks for one axis that grows, which the shape has not")
	}
	c, err := p.block(p.d.layout.address, "EAHD", 12+6*p.lengths+p.offsets)
	if err != nil {
		return err
	}
	c.take(1)
	g := &growingReader{chunkReader: p, packed: c.byte() == 1, size: int(c.byte()), blocks: map[uint64][]byte{}}
	g.growingArray = readGrowingArray(c, true)
	c.take(6 * p.lengths)
	block := p.address(c)
	if c.bad || g.growingArray != p.d.layout.array || g.size < p.offsets || g.packed != (len(p.d.filters) > 0) || g.packed && g.size < p.offsets+5 {
		return badfile.Damaged("the index of chunks is damaged")
	}
	if block == undefined {
		return nil
	}
	if g.supers, err = g.superBlocks(); err != nil {
		return err
	}
	g.offsetBytes = (g.elementBits + 7) / 8
	g.inIndex = 2 * uint64(bits.TrailingZeros64(g.superPointers))
	rest := uint64(max(0, 1+g.elementBits-bits.TrailingZeros64(g.leastElements)-int(g.inIndex)))
	size := g.inIndexBlock*uint64(g.size) + (2*(g.superPointers-1)+rest)*uint64(p.offsets)
	head := 6 + p.offsets
	if c, err = p.block(block, "EAIB", head+int(size)); err != nil {
		return err
	}
	g.index = c.b[head-4:]
	return p.inOrder(g.find)
}

// pointer is the address with an index among those in the index block.
func (g *growingReader) pointer(n uint64) uint64 {
	from := g.inIndexBlock*uint64(g.size) + n*uint64(g.offsets)
	return (&cursor{b: g.index[from:]}).sized(g.offsets)
}

func (g *growingReader) find(n uint64) (location, error) {
	if n < g.inIndexBlock {
		from := int(n) * g.size
		return g.entry(&cursor{b: g.index[from : from+g.size]}, g.packed, g.size-g.offsets-4)
	}
	n -= g.inIndexBlock
	at := bits.Len64(n/g.leastElements+1) - 1
	if at >= len(g.supers) {
		return nowhere, badfile.Damaged("the index of chunks has not room for all of them")
	}
	s := g.supers[at]
	n -= s.firstElement
	block := n / s.elements
	if uint64(at) < g.inIndex {
		if s.elements > 1<<g.pageBits {
			return nowhere, badfile.Unread("an index of chunks with pages in its first blocks")
		}
		return g.inBlock(g.pointer(s.firstBlock+block), n%s.elements)
	}
	super := g.pointer(2*(g.superPointers-1) + uint64(at) - g.inIndex)
	if super == undefined {
		return nowhere, nil
	}
	return g.inSuper(super, s, block, n%s.elements)
}

// inBlock finds an entry of a data block.
func (g *growingReader) inBlock(address, n uint64) (location, error) {
	if address == undefined {
		return nowhere, nil
	}
	head := uint64(6 + g.offsets + g.offsetBytes)
	if _, err := g.once(address, "EADB", int(head)); err != nil {
		return nowhere, err
	}
	return g.entryAt(address+head+n*uint64(g.size), g.size, g.packed)
}

// once reads a block's beginning, or returns what was read before.
func (g *growingReader) once(address uint64, mark string, size int) ([]byte, error) {
	if b := g.blocks[address]; b != nil {
		return b, nil
	}
	c, err := g.block(address, mark, size)
	if err != nil {
		return nil, err
	}
	if len(g.blocks) >= 64 {
		clear(g.blocks)
	}
	g.blocks[address] = c.b
	return c.b, nil
}

// inSuper finds an entry of a data block of a super block.
func (g *growingReader) inSuper(address uint64, s superBlock, block, n uint64) (location, error) {
	perPage := uint64(1) << g.pageBits
	pages := uint64(0) // of a data block
	if s.elements > perPage {
		pages = s.elements / perPage
	}
	bitmap := s.blocks * ((pages + 7) / 8)
	head := uint64(6 + g.offsets + g.offsetBytes)
	size := head + bitmap + s.blocks*uint64(g.offsets)
	if size > maxMessage {
		return nowhere, badfile.TooLarge("a block of %d bytes", size)
	}
	b, err := g.once(address, "EASB", int(size))
	if err != nil {
		return nowhere, err
	}
	b = b[head-4:]
	data := (&cursor{b: b[bitmap+block*uint64(g.offsets):]}).sized(g.offsets)
	if pages == 0 || data == undefined {
		return g.inBlock(data, n)
	}
	page := n / perPage
	if bit := block*pages + page; b[bit/8]>>(7-bit%8)&1 == 0 {
		return nowhere, nil
	}
	const checksum = 4
	from := data + head + checksum + page*(perPage*uint64(g.size)+checksum) + n%perPage*uint64(g.size)
	return g.entryAt(from, g.size, g.packed)
}
