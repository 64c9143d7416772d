package codec

import "slices"

// Huffman codes of literals, as RFC 8878 section 4.2 describes them, for
// encoding. SPEC.md, SQ-30 and SQ-31, says which of the possible codes is taken.

const (
	maxHuffman    = 11 // bits of a code
	maxWeightsLog = 6  // of the table that weights are written with
	fourStreams   = 1024
	huffmanCost   = 16 // bytes that a code must save besides its description
)

// huffman is the code of one block's literals.
type huffman struct {
	log     int // bits of the longest code
	highest int // byte that has a code
	codes   [256]huffmanCode
	size    uint64 // of what is encoded, in bits

	order   []uint32 // bytes that occur with their counts, rarest first
	weights []uint8
	table   fseTable
}

// huffmanCode is the code of a byte: its bits from the lowest up.
type huffmanCode struct {
	bits   uint16
	length uint8
}

// build makes the code of bytes that occur so often; at least two of them do.
func (h *huffman) build(counts *[256]uint32) {
	h.order = h.order[:0]
	for b, n := range counts {
		if n > 0 {
			h.order = append(h.order, n<<8|uint32(b))
			h.highest = b
		}
	}
	slices.Sort(h.order)
	lengths := codeLengths(h.order)
	limit(&lengths)
	h.assign(&lengths)
}

// codeLengths returns how many codes of each length Huffman's tree has for
// counts that ascend, with those that are longer than allowed counted as of
// the greatest length. Of what is equally rare, a byte is taken first.
func codeLengths(order []uint32) (lengths [maxHuffman + 1]int) {
	const maxNodes = 2 * 256
	var counts [maxNodes]uint32
	var parent [maxNodes]uint16
	for i, c := range order {
		counts[i] = c >> 8
	}
	leaves := len(order)
	root := 2*leaves - 2
	leaf, inner := 0, leaves
	for next := leaves; next <= root; next++ {
		for range 2 {
			rarest := inner
			if leaf < leaves && (inner == next || counts[leaf] <= counts[inner]) {
				rarest = leaf
				leaf++
			} else {
				inner++
			}
			counts[next] += counts[rarest]
			parent[rarest] = uint16(next)
		}
	}
	var depth [maxNodes]uint16
	for i := root - 1; i >= 0; i-- {
		depth[i] = depth[parent[i]] + 1
		if i < leaves {
			lengths[min(depth[i], maxHuffman)]++
		}
	}
	return lengths
}

// limit makes a code of lengths that are too short for all to fit: a longest
// one is taken away, and one that is shorter becomes two which are a bit longer.
func limit(lengths *[maxHuffman + 1]int) {
	taken := 0
	for length, n := range lengths[1:] {
		taken += n << (maxHuffman - length - 1)
	}
	for ; taken > 1<<maxHuffman; taken-- {
		length := maxHuffman - 1
		for lengths[length] == 0 {
			length--
		}
		lengths[maxHuffman]--
		lengths[length]--
		lengths[length+1] += 2
	}
}

// assign gives the longest codes to the rarest bytes, and among codes of one
// length the lower to the lower byte.
func (h *huffman) assign(lengths *[maxHuffman + 1]int) {
	h.codes, h.size, h.log = [256]huffmanCode{}, 0, 0
	at := 0
	for length := maxHuffman; length > 0; length-- {
		if lengths[length] > 0 {
			h.log = max(h.log, length)
		}
		for range lengths[length] {
			c := h.order[at]
			h.codes[uint8(c)].length = uint8(length)
			h.size += uint64(c>>8) * uint64(length)
			at++
		}
	}
	var next [maxHuffman + 1]uint16
	first := 0
	for length := h.log; length > 0; length-- {
		next[length] = uint16(first)
		first = (first + lengths[length]) >> 1
	}
	for b := range h.codes[:h.highest+1] {
		if c := &h.codes[b]; c.length > 0 {
			c.bits = next[c.length]
			next[c.length]++
		}
	}
}

// appendTree appends the description of the code: the weights of all bytes
// below the highest, by a table of states or as they are, whichever is shorter.
// It reports false if neither can hold them.
func (h *huffman) appendTree(dst []byte) ([]byte, bool) {
	h.weights = h.weights[:0]
	var counts [maxHuffman + 1]uint32
	top := 0
	for _, c := range h.codes[:h.highest] {
		w := 0
		if c.length > 0 {
			w = h.log + 1 - int(c.length)
		}
		h.weights = append(h.weights, uint8(w))
		counts[w]++
		top = max(top, w)
	}
	n := len(h.weights)
	start := len(dst)
	if n > 2 && int(counts[top]) < n {
		dst = h.appendWeights(append(dst, 0), counts[:top+1])
		size := len(dst) - start - 1
		if size < 128 && (n > 128 || size < (n+1)/2) {
			dst[start] = byte(size)
			return dst, true
		}
		dst = dst[:start]
	}
	if n > 128 {
		return dst, false
	}
	dst = append(dst, byte(127+n))
	for i, w := range h.weights {
		if i%2 == 0 {
			dst = append(dst, w<<4)
		} else {
			dst[len(dst)-1] |= w
		}
	}
	return dst, true
}

// appendWeights encodes the weights with two states that take turns, from the
// last weight to the first.
func (h *huffman) appendWeights(dst []byte, counts []uint32) []byte {
	var norm [maxHuffman + 1]int16
	normalize(norm[:len(counts)], counts, uint32(len(h.weights)), maxWeightsLog)
	h.table.build(norm[:len(counts)], maxWeightsLog)
	dst = appendNorm(dst, norm[:len(counts)], maxWeightsLog)
	w := bitWriter{out: dst}
	var states [2]uint32
	for i := len(h.weights) - 1; i >= 0; i-- {
		state := &states[i&1]
		if i >= len(h.weights)-2 {
			*state = h.table.start(h.weights[i])
			continue
		}
		w.acc, w.n, *state = h.table.step(w.acc, w.n, *state, h.weights[i])
		w.flush()
	}
	for _, state := range []uint32{states[1], states[0]} {
		w.add(uint64(state)&(1<<maxWeightsLog-1), maxWeightsLog)
	}
	w.add(1, 1)
	return w.end()
}

// appendLiterals appends what the code makes of literals: one stream, or four
// behind the sizes of the first three.
func (h *huffman) appendLiterals(dst, lit []byte) []byte {
	if len(lit) < fourStreams {
		return h.appendStream(dst, lit)
	}
	sizes := len(dst)
	dst = append(dst, make([]byte, 6)...)
	quarter := (len(lit) + 3) / 4
	for i := range 4 {
		start := len(dst)
		dst = h.appendStream(dst, lit[i*quarter:min((i+1)*quarter, len(lit))])
		if i < 3 {
			le.PutUint16(dst[sizes+2*i:], uint16(len(dst)-start))
		}
	}
	return dst
}

// appendStream writes codes from the last byte to the first, since they are
// read from the end, and a 1 behind them.
func (h *huffman) appendStream(dst, lit []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(lit)*maxHuffman/8+2*8)
	out := dst[start:cap(dst)]
	var acc uint64 // holds n bits
	var n uint
	at := 0
	for len(lit)&3 != 0 {
		c := h.codes[lit[len(lit)-1]]
		acc, n = acc|uint64(c.bits)<<n, n+uint(c.length)
		lit = lit[:len(lit)-1]
	}
	for ; len(lit) >= 4; lit = lit[:len(lit)-4] {
		le.PutUint64(out[at:], acc)
		at, acc, n = at+int(n>>3), acc>>(n&^7&63), n&7
		v := le.Uint32(lit[len(lit)-4:])
		a, b, c, d := h.codes[v>>24], h.codes[v>>16&255], h.codes[v>>8&255], h.codes[v&255]
		acc |= uint64(a.bits) << (n & 63)
		n += uint(a.length)
		acc |= uint64(b.bits) << (n & 63)
		n += uint(b.length)
		acc |= uint64(c.bits) << (n & 63)
		n += uint(c.length)
		acc |= uint64(d.bits) << (n & 63)
		n += uint(d.length)
	}
	le.PutUint64(out[at:], acc|1<<n)
	return dst[:start+at+(int(n)+8)>>3]
}
