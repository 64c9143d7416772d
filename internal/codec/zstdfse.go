package codec

import "math/bits"

// Finite state entropy, as RFC 8878 section 4.1 describes it, for encoding.

// fseTable encodes symbols of one kind.
type fseTable struct {
	log     uint // of the number of states; 0: only one symbol, which takes no bits
	states  [512]uint16
	symbols [64]fseSymbol
}

// fseSymbol says how many bits a state gives up for a symbol, and where the
// states that follow are found.
type fseSymbol struct {
	bits uint32
	find int32
}

// build makes the table for counts that sum to 1<<log; -1 counts as 1.
func (t *fseTable) build(norm []int16, log uint) {
	t.log = log
	size := 1 << log
	var symbolAt [512]uint8
	var first [54]int
	high := size - 1
	for s, n := range norm {
		if n == -1 {
			first[s+1] = first[s] + 1
			symbolAt[high] = uint8(s)
			high--
		} else {
			first[s+1] = first[s] + int(n)
		}
	}
	step, at := size>>1+size>>3+3, 0
	for s, n := range norm {
		for range n {
			symbolAt[at] = uint8(s)
			for at = (at + step) & (size - 1); at > high; {
				at = (at + step) & (size - 1)
			}
		}
	}
	next := first
	for i, s := range symbolAt[:size] {
		t.states[next[s]] = uint16(size + i)
		next[s]++
	}
	for s, n := range norm {
		switch {
		case n == 0:
		case n == -1 || n == 1:
			t.symbols[s] = fseSymbol{bits: uint32(log<<16) - uint32(size), find: int32(first[s] - 1)}
		default:
			most := log - uint(bits.Len16(uint16(n-1))-1)
			t.symbols[s] = fseSymbol{bits: uint32(most<<16) - uint32(n)<<most, find: int32(first[s]) - int32(n)}
		}
	}
}

// only makes the table of a single symbol.
func (t *fseTable) only(symbol uint8) {
	t.log, t.states[0], t.symbols[symbol] = 0, 0, fseSymbol{}
}

// start returns the state that begins with a symbol.
func (t *fseTable) start(symbol uint8) uint32 {
	s := t.symbols[symbol]
	n := (s.bits + 1<<15) >> 16
	return uint32(t.states[int32((n<<16-s.bits)>>n)+s.find])
}

// normalize scales counts, which sum to total, so that they sum to 1<<log:
// each symbol that occurs has at least 1, or -1 if it has less than its share
// of one state. What rounding leaves over goes to, or comes from, the most
// frequent.
func normalize(norm []int16, counts []uint32, total uint32, log uint) {
	size := uint32(1) << log
	left := int32(size)
	for s, n := range counts {
		share := (uint64(n)<<log + uint64(total)/2) / uint64(total)
		switch {
		case n == 0:
			norm[s] = 0
			continue
		case uint64(n)<<log < uint64(total):
			norm[s] = -1
			left--
			continue
		}
		norm[s] = int16(max(share, 1))
		left -= int32(norm[s])
	}
	for left != 0 {
		most := 0
		for s := range norm {
			if norm[s] > norm[most] {
				most = s
			}
		}
		change := left
		if left < 0 { // leave at least half of what it has
			change = max(left, -int32(norm[most]/2))
		}
		norm[most] += int16(change)
		left -= change
	}
}

// appendNorm appends normalized counts as a table's description.
func appendNorm(dst []byte, norm []int16, log uint) []byte {
	w := bitWriter{out: dst}
	w.add(uint64(log-5), 4)
	left, limit, width := 1<<log+1, 1<<log, log+1
	for s := 0; s < len(norm) && left > 1; {
		n := int(norm[s])
		s++
		most := 2*limit - 1 - left
		left -= max(n, -n)
		v := n + 1
		if v >= limit {
			v += most
		}
		if v < most {
			w.add(uint64(v), width-1)
		} else {
			w.add(uint64(v), width)
		}
		w.flush()
		if n == 0 {
			s = w.zeros(norm, s)
		}
		for left < limit {
			width--
			limit >>= 1
		}
	}
	return w.end()
}

// zeros writes how many zeros follow a zero and returns the place behind them.
func (w *bitWriter) zeros(norm []int16, s int) int {
	n := 0
	for s+n < len(norm) && norm[s+n] == 0 {
		n++
	}
	for left := n; ; left -= 3 {
		if left < 3 {
			w.add(uint64(left), 2)
			w.flush()
			return s + n
		}
		w.add(3, 2)
		w.flush()
	}
}

// bitWriter writes numbers from the low bits of bytes up.
type bitWriter struct {
	out []byte
	acc uint64
	n   uint
}

// add appends the low n bits of v; 57 may wait for a flush.
func (w *bitWriter) add(v uint64, n uint) {
	w.acc |= v << (w.n & 63)
	w.n += n
}

// flush moves whole bytes out.
func (w *bitWriter) flush() {
	whole := w.n >> 3
	w.out = le.AppendUint64(w.out, w.acc)
	w.out = w.out[:len(w.out)-8+int(whole)]
	w.acc >>= whole * 8
	w.n &= 7
}

// end fills the last byte with zeros.
func (w *bitWriter) end() []byte {
	w.flush()
	if w.n > 0 {
		w.out = append(w.out, byte(w.acc))
	}
	return w.out
}
