package parquet

import (
	"encoding/binary"

	"repro/internal/badfile"
)

// values are those of a page or dictionary in their physical form.
type values struct {
	size  int      // of fixed ones; 0: each has its own
	fixed []byte   // one after the other
	each  [][]byte // of sizes of their own
	count int
	index []uint32 // of a dictionary, which the others are then
}

func (v *values) at(i int) []byte {
	if v.index != nil {
		i = int(v.index[i])
	}
	if v.size > 0 {
		return v.fixed[i*v.size : (i+1)*v.size]
	}
	return v.each[i]
}

var errShort = badfile.Damaged("a page ends too early")

// sizeOf is the bytes of a value of a physical type; 0 if each has its own size.
func (c *Column) sizeOf() int {
	return map[int]int{typeBoolean: 1, typeInt32: 4, typeInt64: 8, typeInt96: 12, typeFloat: 4, typeDouble: 8, typeFixed: c.length}[c.physical]
}

// decode reads n values.
func (r *columnReader) decode(encoding int64, b []byte, n int) (*values, error) {
	switch encoding {
	case plain:
		return r.plain(b, n)
	case plainDictionary, runsOfDictionary:
		return r.fromDictionary(b, n)
	case runs:
		if r.physical != typeBoolean || len(b) < 4 {
			return nil, badfile.Damaged("a page in an encoding that its type has not")
		}
		bits, err := unpackRuns(b[4:], 1, n)
		return boolean(bits), err
	case deltaNumbers:
		if r.physical != typeInt32 && r.physical != typeInt64 {
			return nil, badfile.Damaged("a page in an encoding that its type has not")
		}
		numbers, _, err := unpackDeltas(b, n)
		v := &values{size: r.sizeOf(), count: n}
		for _, x := range numbers {
			v.fixed = append(v.fixed, binary.LittleEndian.AppendUint64(nil, uint64(x))[:v.size]...)
		}
		return v, err
	case deltaLengths, deltaTexts:
		if r.physical != typeBytes && r.physical != typeFixed {
			return nil, badfile.Damaged("a page in an encoding that its type has not")
		}
		return r.deltas(encoding, b, n)
	case splitBytes:
		return r.split(b, n)
	}
	return nil, badfile.Unread("pages in the encoding %d", encoding)
}

// boolean gives each of some bits a byte.
func boolean(bits []uint32) *values {
	v := &values{size: 1, count: len(bits), fixed: make([]byte, len(bits))}
	for i, bit := range bits {
		v.fixed[i] = byte(bit)
	}
	return v
}

// plain reads values that stand one after the other.
func (r *columnReader) plain(b []byte, n int) (*values, error) {
	switch {
	case r.physical == typeBoolean:
		if n > 8*len(b) {
			return nil, errShort
		}
		v := &values{size: 1, count: n, fixed: make([]byte, n)}
		for i := range v.fixed {
			v.fixed[i] = b[i/8] >> (i % 8) & 1
		}
		return v, nil
	case r.physical != typeBytes:
		v := &values{size: r.sizeOf(), count: n}
		if n > len(b)/v.size {
			return nil, errShort
		}
		v.fixed = b[:n*v.size]
		return v, nil
	}
	v := &values{count: n}
	for range n {
		if len(b) < 4 {
			return nil, errShort
		}
		size := binary.LittleEndian.Uint32(b)
		if uint64(size) > uint64(len(b)-4) {
			return nil, errShort
		}
		v.each, b = append(v.each, b[4:4+size]), b[4+size:]
	}
	return v, nil
}

func (r *columnReader) fromDictionary(b []byte, n int) (*values, error) {
	if n == 0 {
		return &values{}, nil
	}
	if r.dictionary == nil || len(b) == 0 || b[0] > 32 {
		return nil, badfile.Damaged("a page without its dictionary")
	}
	v := *r.dictionary
	var err error
	if v.index, err = unpackRuns(b[1:], int(b[0]), n); err != nil {
		return nil, err
	}
	for _, i := range v.index {
		if int64(i) >= int64(r.dictionary.count) {
			return nil, badfile.Damaged("a value that is not in its dictionary")
		}
	}
	return &v, nil
}

// split puts the bytes of each value together again, which stand in streams.
func (r *columnReader) split(b []byte, n int) (*values, error) {
	v := &values{size: r.sizeOf(), count: n}
	if v.size == 0 || r.physical == typeBoolean || n > len(b)/v.size {
		return nil, errShort
	}
	v.fixed = make([]byte, n*v.size)
	for k := range v.size {
		for i := range n {
			v.fixed[i*v.size+k] = b[k*n+i]
		}
	}
	return v, nil
}

// levels reads levels of version 1, and what stands after them.
func levels(b []byte, encoding int64, most, n int) ([]byte, []byte, error) {
	if most == 0 {
		return nil, b, nil
	}
	if encoding == bitPacked {
		return nil, nil, badfile.Unread("levels in the encoding of before 2014")
	}
	if encoding != runs || len(b) < 4 {
		return nil, nil, badfile.Damaged("the levels of a page are damaged")
	}
	size := binary.LittleEndian.Uint32(b)
	if uint64(size) > uint64(len(b)-4) {
		return nil, nil, errShort
	}
	out, err := levelRuns(b[4:4+size], most, n)
	return out, b[4+size:], err
}

// levelRuns reads n levels of up to most.
func levelRuns(b []byte, most, n int) ([]byte, error) {
	if most == 0 {
		return nil, nil
	}
	numbers, err := unpackRuns(b, widthOf(most), n)
	if err != nil {
		return nil, err
	}
	out := make([]byte, n)
	for i, v := range numbers {
		if int(v) > most {
			return nil, badfile.Damaged("the levels of a page are damaged")
		}
		out[i] = byte(v)
	}
	return out, nil
}

// unpackRuns reads n numbers of some bits each: runs of one number, and of
// numbers packed bit by bit, the lowest first.
func unpackRuns(b []byte, width, n int) ([]uint32, error) {
	out := make([]uint32, 0, n)
	for len(out) < n {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return nil, errShort
		}
		b = b[size:]
		if head&1 == 0 {
			bytes := (width + 7) / 8
			if len(b) < bytes || head == 0 {
				return nil, errShort
			}
			var v uint32
			for i := range bytes {
				v |= uint32(b[i]) << (8 * i)
			}
			b = b[bytes:]
			for range min(head>>1, uint64(n-len(out))) {
				out = append(out, v)
			}
			continue
		}
		groups := head >> 1 // of eight
		if groups == 0 || groups > uint64(len(b)/max(1, width))+1 && width > 0 {
			return nil, errShort
		}
		count := int(min(8*groups, uint64(n-len(out))))
		if (count*width+7)/8 > len(b) {
			return nil, errShort
		}
		for i := range count {
			out = append(out, uint32(bitsAt(b, i*width, width)))
		}
		b = b[min(uint64(len(b)), groups*uint64(width)):]
	}
	return out, nil
}

// bitsAt reads a number of up to 64 bits that begins at a bit.
func bitsAt(b []byte, at, width int) uint64 {
	var v uint64
	for have := 0; have < width; {
		offset := at % 8
		v |= uint64(b[at/8]>>offset) << have
		have += 8 - offset
		at += 8 - offset
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}
