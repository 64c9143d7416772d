package codec

import "math/bits"

// A block of zstd has one set of tables. Where the bytes change their nature,
// as between the sections of a program, several blocks with tables of their
// own are shorter, so what find found is split into spans, and neighbours are
// put together again where they are not worth tables of their own.

// spanSize is how many bytes of input a span has at least, but the last.
const spanSize = 32 << 10

// tablesCost is what a span of its own must save, in bits: more than its
// tables and headers take, for the time it takes to read them.
const tablesCost = 8 * 64

// span is a run of sequences, or several side by side; the last one of an
// input also has the literals that follow.
type span struct {
	sequences []sequence
	codes     []codes
	literals  []byte
	size      int // bytes of input
	bytes     [256]uint32
	counts    [3][64]uint32 // of codes: lengths of literals, offsets, lengths of matches
	cost      uint64        // bits, about
}

// split takes apart what find found in size bytes.
func (e *zstdBlocks) split(size int) []span {
	n := 0
	sequences, literals, all := e.sequences[:e.sequenceEnd], e.literals[:e.literalEnd], e.codes[:e.sequenceEnd]
	for {
		s := &e.spans[n]
		taken, lit := s.take(sequences, all)
		if len(sequences) == taken {
			s.size, lit = size, len(literals)
		}
		s.sequences, s.codes, s.literals = sequences[:taken], all[:taken], literals[:lit]
		s.weigh()
		if n > 0 && e.spans[n-1].join(s) {
			n--
		}
		n++
		size -= s.size
		if sequences, literals, all = sequences[taken:], literals[lit:], all[taken:]; size == 0 {
			return e.spans[:n]
		}
	}
}

// take counts the codes of sequences until it has enough, and returns how many
// these are and their literals.
func (s *span) take(sequences []sequence, all []codes) (n, literals int) {
	s.size = 0
	clear(s.counts[0][:])
	clear(s.counts[1][:])
	clear(s.counts[2][:])
	l, o, m := &s.counts[0], &s.counts[1], &s.counts[2]
	for i, q := range sequences {
		if s.size >= spanSize {
			return i, literals
		}
		c := codesOf(q)
		all[i] = c
		l[c.literals&63]++
		o[c.offset&63]++
		m[c.match&63]++
		literals += int(q.literals)
		s.size += int(q.literals + q.match)
	}
	return len(sequences), literals
}

// weigh counts literals and finds the cost. Equal bytes often follow each other,
// so neighbours are counted in tables of their own: adding to one number twice
// makes the second wait for the first.
func (s *span) weigh() {
	var n [4][256]uint32
	b := s.literals
	for ; len(b) >= 4; b = b[4:] {
		v := le.Uint32(b)
		n[0][uint8(v)]++
		n[1][uint8(v>>8)]++
		n[2][uint8(v>>16)]++
		n[3][uint8(v>>24)]++
	}
	for _, c := range b {
		n[0][c]++
	}
	for i := range s.bytes {
		s.bytes[i] = n[0][i] + n[1][i] + n[2][i] + n[3][i]
	}
	s.cost = s.entropy()
}

// entropy returns how many bits s takes apart from what all ways to split it
// have in common.
func (s *span) entropy() uint64 {
	return entropy(s.bytes[:], len(s.literals)) + entropy(s.counts[0][:36], len(s.sequences)) +
		entropy(s.counts[1][:], len(s.sequences)) + entropy(s.counts[2][:53], len(s.sequences))
}

// join adds the next span if both together cost no more than apart.
func (s *span) join(next *span) bool {
	sum := span{
		sequences: s.sequences[:len(s.sequences)+len(next.sequences)],
		codes:     s.codes[:len(s.codes)+len(next.codes)],
		literals:  s.literals[:len(s.literals)+len(next.literals)],
		size:      s.size + next.size,
	}
	for i := range sum.bytes {
		sum.bytes[i] = s.bytes[i] + next.bytes[i]
	}
	for k := range sum.counts {
		for i := range sum.counts[k] {
			sum.counts[k][i] = s.counts[k][i] + next.counts[k][i]
		}
	}
	if sum.cost = sum.entropy(); sum.cost > s.cost+next.cost+tablesCost {
		return false
	}
	*s = sum
	return true
}

// log2s holds the logarithm of 1+i/256, in 1/256.
var log2s [256]uint8

func init() {
	for i := range log2s {
		x := uint64(256+i) << 24 // times 1<<32
		for range 8 {            // a bit of the logarithm for each squaring
			x = x >> 16 * (x >> 16)
			log2s[i] <<= 1
			if x >= 2<<32 {
				x >>= 1
				log2s[i]++
			}
		}
	}
}

// log2 returns the logarithm of n > 0, in 1/256.
func log2(n uint32) uint64 {
	whole := bits.Len32(n) - 1
	return uint64(whole)<<8 + uint64(log2s[n<<(31-whole)>>23&255])
}

// entropy returns how many bits the symbols take that occur so often, total
// times together, and how about many the table does.
func entropy(counts []uint32, total int) uint64 {
	if total == 0 {
		return 0
	}
	sum, tables := uint64(total)*log2(uint32(total)), uint64(0)
	for _, n := range counts {
		if n > 0 {
			sum -= uint64(n) * log2(n)
			tables += 4
		}
	}
	return sum>>8 + tables
}
