package parquet

import (
	"encoding/binary"

	"repro/internal/badfile"
)

// unpackDeltas reads n numbers of which differences are packed in blocks, and
// what stands after them.
func unpackDeltas(b []byte, n int) ([]int64, []byte, error) {
	d := &thrift{b: b}
	block, miniblocks, total := d.varint(), d.varint(), d.varint()
	value := zigzag(d.varint())
	if d.bad || block == 0 || block > 1<<20 || miniblocks == 0 || block%(8*miniblocks) != 0 || total != uint64(n) {
		return nil, nil, badfile.Damaged("a page of differences is damaged")
	}
	perMini := int(block / miniblocks)
	var out []int64
	if n > 0 {
		out = append(out, value)
	}
	for len(out) < n {
		least := zigzag(d.varint())
		widths := d.take(miniblocks)
		if d.bad {
			return nil, nil, errShort
		}
		for _, width := range widths {
			if len(out) == n {
				break // the rest of the widths stands for nothing
			}
			if width > 64 {
				return nil, nil, badfile.Damaged("a page of differences is damaged")
			}
			packed := d.take(uint64(perMini * int(width) / 8))
			if d.bad {
				return nil, nil, errShort
			}
			for i := range min(perMini, n-len(out)) {
				value += least + int64(bitsAt(packed, i*int(width), int(width)))
				out = append(out, value)
			}
		}
	}
	return out, d.b, nil
}

// deltas reads texts of which lengths, and perhaps what they share with the one
// before, are packed as differences.
func (r *columnReader) deltas(encoding int64, b []byte, n int) (*values, error) {
	var shared []int64
	var err error
	if encoding == deltaTexts {
		if shared, b, err = unpackDeltas(b, n); err != nil {
			return nil, err
		}
	}
	lengths, b, err := unpackDeltas(b, n)
	if err != nil {
		return nil, err
	}
	v := &values{count: n, size: r.sizeOf()}
	var last []byte
	left := maxPage
	for i, length := range lengths {
		if length < 0 || length > int64(len(b)) {
			return nil, errShort
		}
		text := b[:length:length]
		b = b[length:]
		if shared != nil {
			if shared[i] < 0 || shared[i] > int64(len(last)) {
				return nil, badfile.Damaged("a page of texts is damaged")
			}
			text = append(append(make([]byte, 0, int(shared[i])+len(text)), last[:shared[i]]...), text...)
			last = text
		}
		if left -= len(text); left < 0 {
			return nil, badfile.TooLarge("a page of more than %d bytes", maxPage)
		}
		if v.size == 0 {
			v.each = append(v.each, text)
		} else if len(text) != v.size {
			return nil, badfile.Damaged("a value of %d bytes where %d should be", len(text), v.size)
		} else {
			v.fixed = append(v.fixed, text...)
		}
	}
	return v, nil
}

// unpackSnappy undoes Snappy ("Snappy compressed format description", Google).
func unpackSnappy(dst, src []byte) (int, error) {
	size, n := binary.Uvarint(src)
	if n <= 0 || size != uint64(len(dst)) {
		return 0, errShort
	}
	src = src[n:]
	at := 0
	for len(src) > 0 {
		tag := src[0]
		var length, offset int
		switch head := int(tag >> 2); tag & 3 {
		case 0:
			extra := max(0, head-59) // bytes that hold the length
			if len(src) < 1+extra {
				return 0, errShort
			}
			if length = head + 1; extra > 0 {
				length = 0
				for i := range extra {
					length |= int(src[1+i]) << (8 * i)
				}
				length++
			}
			src = src[1+extra:]
			if length > len(src) || length > len(dst)-at {
				return 0, errShort
			}
			at += copy(dst[at:], src[:length])
			src = src[length:]
			continue
		case 1:
			if len(src) < 2 {
				return 0, errShort
			}
			length, offset = 4+head&7, head>>3<<8|int(src[1])
			src = src[2:]
		case 2:
			if len(src) < 3 {
				return 0, errShort
			}
			length, offset = head+1, int(binary.LittleEndian.Uint16(src[1:]))
			src = src[3:]
		default:
			if len(src) < 5 {
				return 0, errShort
			}
			length, offset = head+1, int(binary.LittleEndian.Uint32(src[1:]))
			src = src[5:]
		}
		if offset == 0 || offset > at || length > len(dst)-at {
			return 0, errShort
		}
		for range length {
			dst[at] = dst[at-offset]
			at++
		}
	}
	return at, nil
}
