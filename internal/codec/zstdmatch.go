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
	longLog  = 16 // of the table of places by their 8 bytes
	shortLog = 15 // of the table of places by their 5 bytes
	minTail  = 8  // bytes at the end that no match begins in
	minMatch = 4
	wildCopy = 16 // bytes that short literals are copied by
)

// matcher finds repetitions with two tables, one for long matches and one for
// short ones, as the double-fast strategy of zstd does.
//
// Places in the tables count from base, which moves on with every input, so
// that what is left from earlier inputs is told apart and nothing depends on
// it.
type matcher struct {
	long  [1 << longLog]uint32
	short [1 << shortLog]uint32
	base  uint32

	sequences []sequence
	literals  []byte
	last      [2]uint32 // distances of the last matches

	sequenceRoom [maxZstdBlock / minMatch]sequence
	literalRoom  [maxZstdBlock + wildCopy]byte
}

// begin prepares for an input of n bytes. Base is at least 1, since 0 in the
// tables stands for no place.
func (m *matcher) begin(n int) {
	if m.base == 0 || uint64(m.base)+uint64(n) >= 1<<31 {
		clear(m.long[:])
		clear(m.short[:])
		m.base = 1
	}
	m.last = [2]uint32{1, 4}
}

func (m *matcher) end(n int) { m.base += uint32(n) }

func hashLong(v uint64) uint32  { return uint32(v * 0xcf1bbcdcb7a56463 >> (64 - longLog)) }
func hashShort(v uint64) uint32 { return uint32(v << 24 * 889523592379 >> (64 - shortLog)) }

// find takes src[from:to] apart. Matches may begin in all of src before.
func (m *matcher) find(src []byte, from, to int) {
	m.sequences, m.literals = m.sequenceRoom[:0], m.literalRoom[:0]
	base := m.base
	last0, last1 := int(m.last[0]), int(m.last[1])
	src = src[:to]
	p := unsafe.Pointer(unsafe.SliceData(src))
	anchor, at := from, max(from, 1)
	limit := to - minTail
	for at < limit {
		v := load64(p, at)
		hl, hs := hashLong(v), hashShort(v)
		long, short := int(m.long[hl])-int(base), int(m.short[hs])-int(base)
		m.long[hl], m.short[hs] = base+uint32(at), base+uint32(at)
		start := at
		var length, distance int
		if back := at + 1 - last0; back >= 0 && load32(p, back) == uint32(v>>8) {
			length = 4 + common(src, back+4, at+5)
			m.add(src, anchor, at+1, length, 1)
			at += 1 + length
			goto stored
		}
		switch {
		case long >= 0 && load64(p, long) == v:
			length, distance = 8+common(src, long+8, at+8), at-long
		case short >= 0 && load32(p, short) == uint32(v):
			next := load64(p, at+1)
			h := hashLong(next)
			after := int(m.long[h]) - int(base)
			m.long[h] = base + uint32(at) + 1
			if after >= 0 && load64(p, after) == next {
				at++
				length, distance = 8+common(src, after+8, at+8), at-after
			} else {
				length, distance = 4+common(src, short+4, at+4), at-short
			}
		default:
			at += (at-anchor)>>7 + 1
			continue
		}
		for at > anchor && at > distance && src[at-1] == src[at-1-distance] {
			at--
			length++
		}
		m.add(src, anchor, at, length, uint32(distance)+3)
		last0, last1 = distance, last0
		at += length
	stored:
		anchor = at
		if at >= limit {
			break
		}
		m.insert(src, start+2, base)
		v = load64(p, at-2)
		m.long[hashLong(v)] = base + uint32(at) - 2
		m.short[hashShort(v>>8)] = base + uint32(at) - 1
		for at < limit && at >= last1 && load32(p, at) == load32(p, at-last1) {
			length = 4 + common(src, at-last1+4, at+4)
			m.insert(src, at, base)
			m.add(src, at, at, length, 1)
			last0, last1 = last1, last0
			at += length
			anchor = at
		}
	}
	m.literals = append(m.literals, src[anchor:]...)
	m.last = [2]uint32{uint32(last0), uint32(last1)}
}

func (m *matcher) insert(src []byte, at int, base uint32) {
	p := unsafe.Pointer(unsafe.SliceData(src))
	v := load64(p, at)
	m.long[hashLong(v)] = base + uint32(at)
	m.short[hashShort(v)] = base + uint32(at)
}

// add adds the literals from anchor to at, and a match.
func (m *matcher) add(src []byte, anchor, at, length int, offset uint32) {
	n, have := at-anchor, len(m.literals)
	if n <= wildCopy && anchor+wildCopy <= len(src) {
		*(*[wildCopy]byte)(m.literalRoom[have:]) = *(*[wildCopy]byte)(src[anchor:])
		m.literals = m.literalRoom[:have+n]
	} else {
		m.literals = append(m.literals, src[anchor:at]...)
	}
	k := len(m.sequences)
	m.sequenceRoom[k] = sequence{uint32(n), uint32(length), offset}
	m.sequences = m.sequenceRoom[:k+1]
}

// common returns how many bytes from a and from b on are equal; a < b.
func common(src []byte, a, b int) int {
	p := unsafe.Pointer(unsafe.SliceData(src))
	start := b
	for b+8 <= len(src) {
		if x := load64(p, a) ^ load64(p, b); x != 0 {
			return b - start + bits.TrailingZeros64(x)>>3
		}
		a, b = a+8, b+8
	}
	for b < len(src) && src[a] == src[b] {
		a, b = a+1, b+1
	}
	return b - start
}

// load64 and load32 read what stands at p+i, in little-endian order on every
// machine. They check nothing: find stays eight bytes away from the end, and
// checks by package binary would cost an eighth of its speed.
func load64(p unsafe.Pointer, i int) uint64 { return le.Uint64((*[8]byte)(unsafe.Add(p, i))[:]) }
func load32(p unsafe.Pointer, i int) uint32 { return le.Uint32((*[4]byte)(unsafe.Add(p, i))[:]) }
