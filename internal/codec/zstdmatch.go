package codec

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

var le = binary.LittleEndian

// sequence is some literals, then a match.
type sequence struct {
	literals uint32
	match    uint32 // bytes
	offset   uint32 // as zstd codes it: 1 the last one again, else distance + 3
}

const (
	tableLog = 15 // of the table of places by their 5 bytes
	longLog  = 15 // of the table of places by their 8 bytes
	minTail  = 16 // bytes at the end that no match begins in
	minMatch = 4
	wildCopy = 16 // bytes that short literals are copied by
)

// matcher finds repetitions as the double fast strategy of zstd does, with one
// table of places by 8 bytes and one by 5, but looks at two places at a time:
// processors do that at little more than the cost of one. A place in a table
// that nothing was put in is 0, which is as good as any: what stands there is
// compared.
type matcher struct {
	table [1 << tableLog]uint32
	long  [1 << longLog]uint32
	last  [2]uint32 // distances of the last matches

	// What was found, and how many there are of it.
	sequences   [maxZstdBlock / minMatch]sequence
	literals    [maxZstdBlock + wildCopy]byte
	sequenceEnd int
	literalEnd  int
}

// begin prepares for an input.
func (m *matcher) begin() {
	clear(m.table[:])
	clear(m.long[:])
	m.last = [2]uint32{1, 4}
}

// slot is where the place of the 5 low bytes of v is kept.
func slot(v uint64) uint32 { return uint32(v << 24 * 0x9e3779b185ebca87 >> (64 - tableLog)) }

// slotLong is where the place of v is kept.
func slotLong(v uint64) uint32 { return uint32(v * 0xcf1bbcdcb7a56463 >> (64 - longLog)) }

// find takes src[from:to] apart. Matches may begin in all of src before.
func (m *matcher) find(src []byte, from, to int) {
	m.sequenceEnd, m.literalEnd = 0, 0
	last0, last1 := int(m.last[0]), int(m.last[1])
	src = src[:to]
	p := unsafe.Pointer(unsafe.SliceData(src))
	anchor, at := from, max(from, 1)
	limit := to - minTail
	for at < limit {
		v, next := load64(p, at), load64(p, at+1)
		h, hNext, far, farNext := slot(v), slot(next), slotLong(v), slotLong(next)
		place, placeNext := int(m.table[h]), int(m.table[hNext])
		m.table[h], m.table[hNext] = uint32(at), uint32(at)+1
		h, hNext = far, farNext
		placeFar, placeFarNext := int(m.long[h]), int(m.long[hNext])
		m.long[h], m.long[hNext] = uint32(at), uint32(at)+1
		start := at
		var length, distance int
		var differs uint64 // of 8 bytes at the two places
		if back := at + 1 - last0; back >= 0 && load32(p, back) == uint32(next) {
			length = 4 + common(src, p, back+4, at+5)
			m.add(src, p, anchor, at+1, length, 1)
			at += 1 + length
			goto stored
		}
		switch {
		case load64(p, placeFar) == v:
			distance = at - placeFar
		case load64(p, placeFarNext) == next:
			at++
			distance = at - placeFarNext
		default:
			if differs = load64(p, place) ^ v; uint32(differs) == 0 {
				distance = at - place
				break
			}
			if differs = load64(p, placeNext) ^ next; uint32(differs) == 0 {
				at++
				distance = at - placeNext
				break
			}
			at += (at-anchor)>>7 + 2
			continue
		}
		if length = bits.TrailingZeros64(differs) >> 3; differs == 0 {
			length += common(src, p, at-distance+8, at+8)
		}
		for at > anchor && at > distance && load8(p, at-1) == load8(p, at-1-distance) {
			at--
			length++
		}
		m.add(src, p, anchor, at, length, uint32(distance)+3)
		last0, last1 = distance, last0
		at += length
	stored:
		anchor = at
		if at >= limit {
			break
		}
		m.note(p, start+2)
		m.note(p, at-2)
		m.table[slot(load64(p, at-1))] = uint32(at) - 1
		for at < limit && at >= last1 && load32(p, at) == load32(p, at-last1) {
			length = 4 + common(src, p, at-last1+4, at+4)
			m.table[slot(load64(p, at))] = uint32(at)
			m.add(src, p, at, at, length, 1)
			last0, last1 = last1, last0
			at += length
			anchor = at
		}
	}
	m.literalEnd += copy(m.literals[m.literalEnd:], src[anchor:])
	m.last = [2]uint32{uint32(last0), uint32(last1)}
}

// note puts a place into both tables.
func (m *matcher) note(p unsafe.Pointer, at int) {
	v := load64(p, at)
	m.table[slot(v)] = uint32(at)
	m.long[slotLong(v)] = uint32(at)
}

// add adds the literals from anchor to at, and a match. The tail that no match
// begins in lets short literals be copied by wildCopy bytes.
func (m *matcher) add(src []byte, p unsafe.Pointer, anchor, at, length int, offset uint32) {
	n, have := at-anchor, m.literalEnd
	if n <= wildCopy {
		*(*[wildCopy]byte)(m.literals[have:]) = *(*[wildCopy]byte)(unsafe.Add(p, anchor))
	} else {
		copy(m.literals[have:], src[anchor:at])
	}
	m.literalEnd = have + n
	m.sequences[m.sequenceEnd&(len(m.sequences)-1)] = sequence{uint32(n), uint32(length), offset}
	m.sequenceEnd++
}

// common returns how many bytes from a and from b on are equal; a < b, and p
// is where src begins.
func common(src []byte, p unsafe.Pointer, a, b int) int {
	if b+8 <= len(src) {
		if x := load64(p, a) ^ load64(p, b); x != 0 {
			return bits.TrailingZeros64(x) >> 3
		}
	}
	return commonLong(src, p, a, b)
}

func commonLong(src []byte, p unsafe.Pointer, a, b int) int {
	start := b
	for b+8 <= len(src) {
		if x := load64(p, a) ^ load64(p, b); x != 0 {
			return b - start + bits.TrailingZeros64(x)>>3
		}
		a, b = a+8, b+8
	}
	for b < len(src) && load8(p, a) == load8(p, b) {
		a, b = a+1, b+1
	}
	return b - start
}

// load64, load32 and load8 read what stands at p+i, in little-endian order on
// every machine. They check nothing: find stays nine bytes away from the end,
// and checks by package binary would cost an eighth of its speed.
func load64(p unsafe.Pointer, i int) uint64 { return le.Uint64((*[8]byte)(unsafe.Add(p, i))[:]) }
func load32(p unsafe.Pointer, i int) uint32 { return le.Uint32((*[4]byte)(unsafe.Add(p, i))[:]) }
func load8(p unsafe.Pointer, i int) byte    { return *(*byte)(unsafe.Add(p, i)) }
