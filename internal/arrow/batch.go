package arrow

import (
	"encoding/binary"

	"repro/internal/badfile"
	"repro/internal/codec"
	"repro/internal/ndarray"
)

// batch hands out the buffers of a batch in their order.
type batch struct {
	*reader
	b                    []byte
	nodes, nodesLeft     int
	buffers, buffersLeft int
	body                 []byte
	codec                int64 // -1: not packed
}

// node is the length and count of missing values of the next column.
func (p *batch) node() (rows, missing int64, err error) {
	if p.nodesLeft == 0 {
		return 0, 0, badfile.Damaged("a batch has too few columns")
	}
	rows = int64(binary.LittleEndian.Uint64(p.b[p.nodes:]))
	missing = int64(binary.LittleEndian.Uint64(p.b[p.nodes+8:]))
	p.nodes, p.nodesLeft = p.nodes+16, p.nodesLeft-1
	return rows, missing, nil
}

// buffer is the next buffer, unpacked.
func (p *batch) buffer() ([]byte, error) {
	if p.buffersLeft == 0 {
		return nil, badfile.Damaged("a batch has too few buffers")
	}
	at := int64(binary.LittleEndian.Uint64(p.b[p.buffers:]))
	size := int64(binary.LittleEndian.Uint64(p.b[p.buffers+8:]))
	p.buffers, p.buffersLeft = p.buffers+16, p.buffersLeft-1
	if at < 0 || size < 0 || at > int64(len(p.body)) || size > int64(len(p.body))-at {
		return nil, badfile.Damaged("a buffer lies outside of its batch")
	}
	b := p.body[at : at+size]
	if p.codec < 0 || size == 0 {
		return b, nil
	}
	if size < 8 {
		return nil, badfile.Damaged("a packed buffer ends too early")
	}
	full := int64(binary.LittleEndian.Uint64(b))
	if b = b[8:]; full == -1 {
		return b, nil
	}
	if p.unpacked += full; full < 0 || p.unpacked > 2*ndarray.MaxData {
		return nil, badfile.TooLarge("more than %d bytes once unpacked", 2*ndarray.MaxData)
	}
	return unpack(p.codec, b, int(full))
}

func unpack(kind int64, b []byte, size int) ([]byte, error) {
	out := make([]byte, size)
	switch kind {
	case 0:
		return lz4Frame(b, size)
	case 1:
		if n, err := codec.Decode(codec.Zstd, out, b); err != nil || n != size {
			return nil, badfile.Damaged("a packed buffer is damaged")
		}
		return out, nil
	}
	return nil, badfile.Unread("packing of the kind %d", kind)
}

// lz4Frame unpacks a frame (LZ4 Frame Format 1.6.2), in which blocks may refer to
// those before them.
func lz4Frame(b []byte, size int) ([]byte, error) {
	bad := badfile.Damaged("a packed buffer is damaged")
	if len(b) < 7 || binary.LittleEndian.Uint32(b) != 0x184d2204 {
		return nil, bad
	}
	flags := b[4]
	head := 7
	if flags&8 != 0 {
		head += 8
	}
	if flags&1 != 0 || len(b) < head {
		return nil, bad
	}
	out := make([]byte, 0, size)
	for b = b[head:]; ; {
		if len(b) < 4 {
			return nil, bad
		}
		n := binary.LittleEndian.Uint32(b)
		if b = b[4:]; n == 0 {
			break
		}
		plain := n>>31 == 1
		if n &= 1<<31 - 1; uint64(n) > uint64(len(b)) {
			return nil, bad
		}
		var ok bool
		if plain {
			out, ok = append(out, b[:n]...), len(out)+int(n) <= size
		} else {
			out, ok = lz4Block(out, b[:n], size)
		}
		if !ok {
			return nil, bad
		}
		if b = b[n:]; flags&16 != 0 {
			if len(b) < 4 {
				return nil, bad
			}
			b = b[4:]
		}
	}
	if len(out) != size {
		return nil, bad
	}
	return out, nil
}

// lz4Block appends what a block holds (LZ4 Block Format), up to size bytes in all.
func lz4Block(out, b []byte, size int) ([]byte, bool) {
	more := func(n int) (int, bool) {
		for n >= 15 {
			if len(b) == 0 {
				return 0, false
			}
			c := b[0]
			if b, n = b[1:], n+int(c); c != 255 {
				break
			}
		}
		return n, n <= size
	}
	for len(b) > 0 {
		token := b[0]
		b = b[1:]
		literals, ok := more(int(token >> 4))
		if !ok || literals > len(b) || len(out)+literals > size {
			return nil, false
		}
		out, b = append(out, b[:literals]...), b[literals:]
		if len(b) == 0 {
			return out, true
		}
		if len(b) < 2 {
			return nil, false
		}
		back := int(binary.LittleEndian.Uint16(b))
		b = b[2:]
		length, ok := more(int(token & 15))
		if length += 4; !ok || back == 0 || back > len(out) || len(out)+length > size {
			return nil, false
		}
		for range length {
			out = append(out, out[len(out)-back])
		}
	}
	return out, true
}
