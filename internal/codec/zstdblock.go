package codec

import (
	"errors"
	"math/bits"
	"slices"
)

// kind is one of the three numbers that a sequence has.
type kind struct {
	table    fseTable // chosen for this block
	standard fseTable // RFC 8878, section 3.1.1.3.2.2
	log      uint     // of standard
	most     uint     // log of a table of a block's own
	norm     [53]int16
}

var (
	standardLiterals = []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}
	standardMatch    = []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}
	standardOffset   = []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}
)

// minHuffman is how many literals a code is made for.
const minHuffman = 32

// How a table is given, as the header of the sequences says it.
const (
	modeStandard = 0
	modeOnly     = 1
	modeOwn      = 2
)

// codes of one sequence.
type codes struct{ literals, match, offset uint8 }

// Codes of lengths below 64 (literals) and below 128 (matches, less 3), and
// how many further bits each code takes.
var (
	literalsCode [64]uint8
	matchCode    [128]uint8
	literalsBits = [64]uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	matchBits    = [64]uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

func init() {
	fill := func(codes []uint8, extra []uint8) {
		at := 0
		for code, n := range extra {
			for range min(1<<n, len(codes)-at) {
				codes[at] = uint8(code)
				at++
			}
		}
	}
	fill(literalsCode[:], literalsBits[:36])
	fill(matchCode[:], matchBits[:53])
}

func codesOf(s sequence) codes {
	c := codes{offset: uint8(bits.Len32(s.offset) - 1)}
	if s.literals < 64 {
		c.literals = literalsCode[s.literals]
	} else {
		c.literals = uint8(bits.Len32(s.literals) - 1 + 19)
	}
	if m := s.match - 3; m < 128 {
		c.match = matchCode[m]
	} else {
		c.match = uint8(bits.Len32(m) - 1 + 36)
	}
	return c
}

// appendLiterals appends the literals section: by a code, as one byte that is
// repeated, or as they are.
func (e *zstdBlocks) appendLiterals(dst []byte, s *span) []byte {
	lit := s.literals
	if len(lit) > 0 && int(s.bytes[lit[0]]) == len(lit) {
		return append(appendLiteralsHeader(dst, 1, len(lit)), lit[0])
	}
	if len(lit) >= minHuffman {
		start := len(dst)
		if dst, ok := e.appendHuffman(dst, s); ok {
			return dst
		}
		dst = dst[:start]
	}
	return append(appendLiteralsHeader(dst, 0, len(lit)), lit...)
}

// appendHuffman appends literals by a code of their own, if that is shorter.
func (e *zstdBlocks) appendHuffman(dst []byte, s *span) ([]byte, bool) {
	h, n := &e.literalCode, len(s.literals)
	h.build(&s.bytes)
	if h.size/8+huffmanCost >= uint64(n) {
		return dst, false
	}
	start := len(dst)
	head := literalsHeaderSize(n)
	dst, ok := h.appendTree(append(dst, make([]byte, head)...))
	if !ok || len(dst)-start-head+int(h.size/8)+huffmanCost >= n {
		return dst, false
	}
	dst = h.appendLiterals(dst, s.literals)
	putLiteralsHeader(dst[start:], n, len(dst)-start-head)
	return dst, true
}

func appendLiteralsHeader(dst []byte, kind, n int) []byte {
	switch {
	case n < 1<<5:
		return append(dst, byte(kind|n<<3))
	case n < 1<<12:
		return append(dst, byte(kind|1<<2|n<<4), byte(n>>4))
	}
	return append(dst, byte(kind|3<<2|n<<4), byte(n>>4), byte(n>>12))
}

// literalsHeaderSize is how many bytes come before compressed literals.
func literalsHeaderSize(n int) int {
	switch {
	case n < 1<<10:
		return 3
	case n < 1<<14:
		return 4
	}
	return 5
}

// putLiteralsHeader writes the header of n literals that a code made size
// bytes of.
func putLiteralsHeader(dst []byte, n, size int) {
	format, width := 0, 10
	switch {
	case n >= 1<<14:
		format, width = 3, 18
	case n >= fourStreams:
		format, width = 2, 14
	}
	h := 2 | uint64(format)<<2 | uint64(n)<<4 | uint64(size)<<(4+width)
	for i := range literalsHeaderSize(n) {
		dst[i] = byte(h >> (8 * i))
	}
}

// choose picks how the block's codes of one kind are written, and appends the
// description of a table of its own.
func (k *kind) choose(dst []byte, counts []uint32, total int) (mode byte, out []byte) {
	var most uint32
	highest := 0
	for s, n := range counts {
		if n > 0 {
			highest = s
		}
		most = max(most, n)
	}
	switch {
	case int(most) == total && total > 2:
		k.table.only(uint8(highest))
		return modeOnly, append(dst, byte(highest))
	case total < 1<<k.log || most < uint32(total)>>(k.log-1):
		k.table = k.standard
		return modeStandard, dst
	}
	log := min(k.most, uint(max(bits.Len(uint(total-1))-3, 5)))
	log = max(log, uint(bits.Len(uint(highest))+1))
	log = min(max(log, 5), k.most)
	norm := k.norm[:highest+1]
	normalize(norm, counts[:highest+1], uint32(total), log)
	k.table.build(norm, log)
	return modeOwn, appendNorm(dst, norm, log)
}

// appendSequences appends the sequences section.
func (e *zstdBlocks) appendSequences(dst []byte, s *span) []byte {
	seqs := s.sequences
	switch n := len(seqs); {
	case n == 0:
		return append(dst, 0)
	case n < 128:
		dst = append(dst, byte(n))
	case n < 0x7f00:
		dst = append(dst, byte(n>>8)+128, byte(n))
	default:
		dst = append(dst, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
	}
	modes := len(dst)
	dst = append(dst, 0)
	var l, o, m byte
	l, dst = e.kinds[0].choose(dst, s.counts[0][:], len(seqs))
	o, dst = e.kinds[1].choose(dst, s.counts[1][:], len(seqs))
	m, dst = e.kinds[2].choose(dst, s.counts[2][:], len(seqs))
	dst[modes] = l<<6 | o<<4 | m<<2
	return e.appendBits(dst, seqs, s.codes)
}

// appendBits writes sequences from the last to the first, since they are read
// from the end.
func (e *zstdBlocks) appendBits(dst []byte, seqs []sequence, all []codes) []byte {
	lt, ot, mt := &e.kinds[0].table, &e.kinds[1].table, &e.kinds[2].table
	start := len(dst)
	dst = slices.Grow(dst, maxSequenceBytes*len(seqs)+maxSequenceBytes)
	out := dst[start:cap(dst)]
	var acc uint64 // holds n bits
	var n uint
	at := 0
	i := len(seqs) - 1
	c := all[i]
	ls, os, ms := lt.start(c.literals), ot.start(c.offset), mt.start(c.match)
	for {
		acc, n = addExtra(acc, n, seqs[i], c)
		le.PutUint64(out[at:], acc)
		at, acc, n = at+int(n>>3), acc>>(n&^7&63), n&7
		if i--; i < 0 {
			break
		}
		c = all[i]
		acc, n, os = ot.step(acc, n, os, c.offset)
		acc, n, ms = mt.step(acc, n, ms, c.match)
		acc, n, ls = lt.step(acc, n, ls, c.literals)
		le.PutUint64(out[at:], acc)
		at, acc, n = at+int(n>>3), acc>>(n&^7&63), n&7
	}
	w := bitWriter{out: dst[:start+at], acc: acc, n: n}
	w.add(uint64(ms)&(1<<mt.log-1), mt.log)
	w.add(uint64(os)&(1<<ot.log-1), ot.log)
	w.add(uint64(ls)&(1<<lt.log-1), lt.log)
	w.add(1, 1)
	return w.end()
}

// maxSequenceBytes is more than a sequence takes, with room to store a word.
const maxSequenceBytes = 16

// step adds what a state gives up for a symbol and returns the next state.
func (t *fseTable) step(acc uint64, n uint, state uint32, symbol uint8) (uint64, uint, uint32) {
	s := t.symbols[symbol&63]
	give := uint(state+s.bits) >> 16
	acc |= uint64(state) & (1<<(give&31) - 1) << (n & 63)
	return acc, n + give, uint32(t.states[(int32(state>>(give&31))+s.find)&511])
}

// addExtra adds the bits of lengths and offset that their codes leave open:
// with 7 that wait already not more than 63.
func addExtra(acc uint64, n uint, s sequence, c codes) (uint64, uint) {
	if c.literals >= 16 {
		k := uint(literalsBits[c.literals])
		acc |= uint64(s.literals) & (1<<(k&31) - 1) << (n & 63)
		n += k
	}
	if c.match >= 32 {
		k := uint(matchBits[c.match])
		acc |= uint64(s.match-3) & (1<<(k&31) - 1) << (n & 63)
		n += k
	}
	k := uint(c.offset)
	acc |= uint64(s.offset) & (1<<(k&31) - 1) << (n & 63)
	return acc, n + k
}

var errBlockSize = errors.New("input is too long for one frame")
