package hdf5

import "repro/internal/badfile"

// The messages of an object's header.
const (
	msgNil          = 0x00
	msgDataspace    = 0x01
	msgLinkInfo     = 0x02
	msgDatatype     = 0x03
	msgOldFill      = 0x04
	msgFill         = 0x05
	msgLink         = 0x06
	msgExternal     = 0x07
	msgLayout       = 0x08
	msgGroupInfo    = 0x0a
	msgFilters      = 0x0b
	msgAttribute    = 0x0c
	msgComment      = 0x0d
	msgOldTime      = 0x0e
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
	msgTime         = 0x12
	msgAttrInfo     = 0x15
	msgRefCount     = 0x16

	flagShared = 2
)

// message is one message of a header.
type message struct {
	kind  int
	flags byte
	data  []byte
}

// maxHeaders bounds the headers that are read of one file: each object has
// one, shared types more.
const maxHeaders = 4 * MaxNodes

// header reads all messages of the object at an address.
func (f *File) header(address uint64) ([]message, error) {
	if f.headers++; f.headers > maxHeaders {
		return nil, badfile.TooLarge("more than %d objects", maxHeaders)
	}
	start, err := f.at(address, 16)
	if err != nil {
		return nil, err
	}
	if string(start[:4]) == "OHDR" {
		return f.header2(address)
	}
	if start[0] != 1 {
		return nil, badfile.Damaged("no object header at %d", address)
	}
	c := &cursor{b: start[8:]}
	size := c.u32()
	h := &headerReader{f: f}
	return h.all(address+16, uint64(size))
}

// header2 reads a header of version 2.
func (f *File) header2(address uint64) ([]message, error) {
	start, err := f.at(address, int(min(64, uint64(f.size)-min(uint64(f.size), address+f.base))))
	if err != nil {
		return nil, err
	}
	c := &cursor{b: start[4:]}
	if version := c.byte(); version != 2 {
		return nil, badfile.Damaged("an object header of version %d", version)
	}
	flags := c.byte()
	if flags&0x20 != 0 {
		c.take(16) // times
	}
	if flags&0x10 != 0 {
		c.take(4) // when attributes are stored densely
	}
	size := c.sized(1 << (flags & 3))
	if c.bad {
		return nil, badfile.Damaged("an object header ends too early")
	}
	h := &headerReader{f: f, second: true, ordered: flags&4 != 0}
	return h.all(address+uint64(len(start)-len(c.b)), size)
}

// headerReader follows the blocks of one header.
type headerReader struct {
	f       *File
	second  bool // version 2
	ordered bool // messages carry an order of creation
	out     []message
	total   uint64
	blocks  [][2]uint64 // address, size: yet to be read
}

func (h *headerReader) all(address, size uint64) ([]message, error) {
	h.blocks = append(h.blocks, [2]uint64{address, size})
	for len(h.blocks) > 0 {
		next := h.blocks[0]
		h.blocks = h.blocks[1:]
		if h.total += next[1]; next[1] > maxMessage || h.total > maxMessage || len(h.blocks) > 1<<12 {
			return nil, badfile.TooLarge("an object header of more than %d bytes", maxMessage)
		}
		b, err := h.f.at(next[0], int(next[1]))
		if err != nil {
			return nil, err
		}
		if err := h.messages(b); err != nil {
			return nil, err
		}
	}
	return h.out, nil
}

func (h *headerReader) messages(b []byte) error {
	c := &cursor{b: b}
	head := 8
	if h.second {
		head = 4
		if h.ordered {
			head = 6
		}
	}
	for len(c.b) >= head { // less is a gap
		var m message
		var size int
		if h.second {
			m.kind, size, m.flags = int(c.byte()), int(c.u16()), c.byte()
			c.take(head - 4)
		} else {
			m.kind, size = int(c.u16()), int(c.u16())
			m.flags = c.byte()
			c.take(3)
		}
		m.data = c.take(size)
		if c.bad {
			return badfile.Damaged("a message of an object header ends too early")
		}
		if m.kind != msgContinuation {
			h.out = append(h.out, m)
			continue
		}
		if err := h.follow(&cursor{b: m.data}); err != nil {
			return err
		}
	}
	return nil
}

// follow notes a further block of the header.
func (h *headerReader) follow(c *cursor) error {
	address, size := h.f.address(c), h.f.length(c)
	if c.bad {
		return badfile.Damaged("a continuation of an object header ends too early")
	}
	if !h.second {
		h.blocks = append(h.blocks, [2]uint64{address, size})
		return nil
	}
	if size < 8 || size > maxMessage {
		return badfile.Damaged("a continuation of %d bytes", size)
	}
	if _, err := h.f.block(address, "OCHK", int(size)); err != nil {
		return err
	}
	h.blocks = append(h.blocks, [2]uint64{address + 4, size - 8}) // without mark and checksum
	return nil
}

// shared returns the data of a message that may stand in another object.
func (f *File) shared(m message) ([]byte, error) {
	if m.flags&flagShared == 0 {
		return m.data, nil
	}
	c := &cursor{b: m.data}
	version, kind := c.byte(), c.byte()
	if version == 1 {
		c.take(6)
	}
	if version == 3 && kind != 2 || version > 3 || version == 0 {
		return nil, badfile.Unread("a message shared through a heap")
	}
	address := f.address(c)
	if c.bad {
		return nil, badfile.Damaged("a shared message ends too early")
	}
	messages, err := f.header(address)
	if err != nil {
		return nil, err
	}
	for _, other := range messages {
		if other.kind == m.kind && other.flags&flagShared == 0 {
			return other.data, nil
		}
	}
	return nil, badfile.Damaged("a shared message is not where it should be")
}
