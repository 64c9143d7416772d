package hdf5

import (
	"bytes"
	"repro/internal/badfile"
)

// localHeap reads the names of an old group.
func (f *File) localHeap(address uint64) ([]byte, error) {
	c, err := f.block(address, "HEAP", 8+2*f.lengths+f.offsets)
	if err != nil {
		return nil, err
	}
	c.take(4)
	size := f.length(c)
	f.length(c)
	at := f.address(c)
	if size > maxMessage {
		return nil, badfile.TooLarge("a heap of %d bytes", size)
	}
	return f.at(at, int(size))
}

func textAt(heap []byte, offset uint64) (string, error) {
	if offset >= uint64(len(heap)) {
		return "", badfile.Damaged("a name lies beyond its heap")
	}
	b := heap[offset:]
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return "", badfile.Damaged("a name does not end")
	}
	return string(b[:end]), nil
}

// globalHeap is one collection of a global heap: objects by their index.
type globalHeap map[uint16][]byte

// global returns an object of a global heap: what a value of variable length
// refers to.
func (f *File) global(address uint64, index uint32) ([]byte, error) {
	heap, known := f.heaps[address]
	if !known {
		var err error
		if heap, err = f.readGlobal(address); err != nil {
			return nil, err
		}
		if len(f.heaps) >= 16 {
			clear(f.heaps)
		}
		f.heaps[address] = heap
	}
	b, ok := heap[uint16(index)]
	if !ok || index > 1<<16-1 {
		return nil, badfile.Damaged("object %d is not in its heap", index)
	}
	return b, nil
}

func (f *File) readGlobal(address uint64) (globalHeap, error) {
	c, err := f.block(address, "GCOL", 8+f.lengths)
	if err != nil {
		return nil, err
	}
	c.take(4)
	size := f.length(c)
	if size > maxMessage {
		return nil, badfile.TooLarge("a heap of %d bytes", size)
	}
	if c, err = f.block(address, "GCOL", int(size)); err != nil {
		return nil, err
	}
	c.take(4 + f.lengths)
	out := globalHeap{}
	for len(c.b) >= 8+f.lengths {
		index := c.u16()
		c.take(6)
		length := f.length(c)
		if index == 0 {
			break // free room
		}
		if length > uint64(len(c.b)) {
			return nil, badfile.Damaged("an object lies beyond its heap")
		}
		out[index] = c.take(int(length))
		c.take(min(len(c.b), int(-length&7)))
	}
	return out, nil
}

// fractalHeap holds the links or attributes of an object that has many.
type fractalHeap struct {
	f           *File
	idSize      int
	flags       byte
	maxManaged  uint64
	tableWidth  uint64
	startSize   uint64
	maxDirect   uint64
	heapBits    int
	root        uint64
	currentRows int
}

func (f *File) fractalHeap(address uint64) (*fractalHeap, error) {
	c, err := f.block(address, "FRHP", 22+12*f.lengths+3*f.offsets)
	if err != nil {
		return nil, err
	}
	if version := c.byte(); version != 0 {
		return nil, badfile.Unread("a heap of version %d", version)
	}
	h := &fractalHeap{f: f, idSize: int(c.u16())}
	filters := c.u16()
	h.flags = c.byte()
	h.maxManaged = uint64(c.u32())
	c.take(f.lengths + f.offsets + f.lengths + f.offsets + 8*f.lengths)
	h.tableWidth, h.startSize, h.maxDirect = uint64(c.u16()), f.length(c), f.length(c)
	h.heapBits = int(c.u16())
	c.take(2)
	h.root, h.currentRows = f.address(c), int(c.u16())
	switch {
	case filters != 0:
		return nil, badfile.Unread("a packed heap")
	case c.bad || h.tableWidth == 0 || h.startSize == 0 || h.maxDirect > maxMessage || h.startSize > h.maxDirect || h.heapBits > 64:
		return nil, badfile.Damaged("the head of a heap is damaged")
	}
	return h, nil
}

// object returns the object with an id.
func (h *fractalHeap) object(id []byte) ([]byte, error) {
	c := &cursor{b: id}
	flags := c.byte()
	switch flags >> 4 & 3 {
	case 0:
	case 2:
		if h.idSize > 18 {
			return nil, badfile.Unread("a large object in a heap's id")
		}
		return c.take(int(flags&15) + 1), nil
	default:
		return nil, badfile.Unread("a huge object in a heap")
	}
	offset := c.sized((h.heapBits + 7) / 8)
	length := c.sized(width(min(h.maxDirect, h.maxManaged)))
	if c.bad || length > h.maxDirect {
		return nil, badfile.Damaged("the id of an object in a heap is damaged")
	}
	block, size, from, err := h.find(offset)
	if err != nil {
		return nil, err
	}
	if offset-from > size || length > size-(offset-from) {
		return nil, badfile.Damaged("an object lies beyond its block")
	}
	if _, err := h.f.block(block, "FHDB", 5); err != nil {
		return nil, err
	}
	return h.f.at(block+offset-from, int(length))
}

// rowSize is the size of a block in a row of the doubling table.
func (h *fractalHeap) rowSize(row int) uint64 {
	if row == 0 {
		return h.startSize
	}
	if row > 60 {
		return 0
	}
	return h.startSize << (row - 1)
}

// find returns the direct block that holds an offset of the heap, its size and
// where it begins.
func (h *fractalHeap) find(offset uint64) (block, size, from uint64, err error) {
	block, rows := h.root, h.currentRows
	for range maxDepth {
		if rows == 0 {
			if size == 0 {
				size = h.startSize // the root is a direct block
			}
			return block, size, from, nil
		}
		if block, rows, size, from, err = h.descend(block, rows, offset, from); err != nil {
			return 0, 0, 0, err
		}
	}
	return 0, 0, 0, badfile.Damaged("a heap lies too deep")
}

// descend takes one step from an indirect block, which begins at from.
func (h *fractalHeap) descend(block uint64, rows int, offset, from uint64) (uint64, int, uint64, uint64, error) {
	head := 1 + h.f.offsets + (h.heapBits+7)/8
	if rows > 60 {
		return 0, 0, 0, 0, badfile.Damaged("a heap's block of %d rows", rows)
	}
	c, err := h.f.block(block, "FHIB", 4+head+rows*int(h.tableWidth)*h.f.offsets)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	c.take(head)
	for row := range rows {
		size := h.rowSize(row)
		for range h.tableWidth {
			child := h.f.address(c)
			if offset-from >= size {
				from += size
				continue
			}
			if size <= h.maxDirect {
				return child, 0, size, from, nil
			}
			return child, h.rowsOf(size), size, from, nil
		}
	}
	return 0, 0, 0, 0, badfile.Damaged("an object lies beyond its heap")
}

// rowsOf is how many rows an indirect block of a size has.
func (h *fractalHeap) rowsOf(size uint64) int {
	rows := 1
	for have := h.startSize * h.tableWidth; have < size && rows < 61; rows++ {
		have += h.rowSize(rows) * h.tableWidth
	}
	return rows
}
