package spss

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"math"

	"repro/internal/badfile"
)

// data returns the cases, unpacked.
func (f *file) data() ([]byte, error) {
	switch f.packing {
	case 0:
		if len(f.b) > maxUnpacked {
			return nil, badfile.TooLarge("data of more than %d bytes", maxUnpacked)
		}
		return f.b, nil
	case 1:
		return f.codes(f.b)
	}
	b, err := f.inflate()
	if err != nil {
		return nil, err
	}
	return f.codes(b)
}

// codes undoes SPSS's packing: eight codes, each for a segment, then those
// segments that the codes say stand as they are.
func (f *file) codes(b []byte) ([]byte, error) {
	var out []byte
	width := f.segments * segment
	blanks := []byte("        ")
	for len(b) >= segment {
		codes := b[:segment]
		b = b[segment:]
		for _, code := range codes {
			if len(out) > maxUnpacked {
				return nil, badfile.TooLarge("data of more than %d bytes", maxUnpacked)
			}
			switch code {
			case 0:
			case 252:
				return f.whole(out, width)
			case 253:
				if len(b) < segment {
					return nil, badfile.Damaged("its data ends too early")
				}
				out = append(out, b[:segment]...)
				b = b[segment:]
			case 254:
				out = append(out, blanks...)
			case 255:
				out = f.number(out, -math.MaxFloat64)
			default:
				out = f.number(out, float64(code)-f.bias)
			}
		}
	}
	return f.whole(out, width)
}

func (f *file) number(out []byte, v float64) []byte {
	if f.order == binary.ByteOrder(binary.BigEndian) {
		return binary.BigEndian.AppendUint64(out, math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
}

func (f *file) whole(out []byte, width int) ([]byte, error) {
	if width > 0 && len(out)%width != 0 {
		return nil, badfile.Damaged("its data ends within a case")
	}
	return out, nil
}

// inflate undoes the outer packing of .zsav: blocks of zlib, which a trailer
// lists.
func (f *file) inflate() ([]byte, error) {
	before := f.take(24) // where this and the trailer stand, and how long that is
	length := f.order.Uint64(before[16:])
	if f.bad || length < 24 || length > uint64(len(f.b)) {
		return nil, badfile.Damaged("its packed data is damaged")
	}
	blocks := f.b[:uint64(len(f.b))-length]
	trailer := f.b[uint64(len(f.b))-length:]
	count := f.order.Uint32(trailer[20:])
	if uint64(count)*24+24 != length {
		return nil, badfile.Damaged("its packed data is damaged")
	}
	var out []byte
	for trailer = trailer[24:]; len(trailer) > 0; trailer = trailer[24:] {
		size, packed := f.order.Uint32(trailer[16:]), f.order.Uint32(trailer[20:])
		if uint64(packed) > uint64(len(blocks)) || len(out)+int(size) > maxUnpacked {
			return nil, badfile.Damaged("its packed data is damaged")
		}
		z, err := zlib.NewReader(bytes.NewReader(blocks[:packed]))
		if err != nil {
			return nil, badfile.Damaged("%s", badfile.Cause(err))
		}
		b, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
		if err != nil || len(b) != int(size) {
			return nil, badfile.Damaged("its packed data is damaged")
		}
		out = append(out, b...)
		blocks = blocks[packed:]
	}
	return out, nil
}
