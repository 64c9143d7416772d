package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/huff0"
)

// countsOf makes counts of bytes by a rule.
func countsOf(count func(b int) uint32) *[256]uint32 {
	var out [256]uint32
	for b := range out {
		out[b] = count(b)
	}
	return &out
}

// fibonacci counts, for which Huffman's tree is as deep as it can be.
func fibonacci(b int) uint32 {
	last, n := uint32(0), uint32(1)
	if b >= 24 {
		return 0
	}
	for range b {
		last, n = n, last+n
	}
	return n
}

func TestHuffmanLengths(t *testing.T) {
	only := func(n ...uint32) func(int) uint32 {
		return func(b int) uint32 {
			if b < len(n) {
				return n[b]
			}
			return 0
		}
	}
	for name, c := range map[string]struct {
		counts *[256]uint32
		want   []uint8 // of the first bytes
		size   uint64
	}{
		"two":             {countsOf(only(1, 9)), []uint8{1, 1}, 10},
		"by counts":       {countsOf(only(1, 8, 4, 2, 1)), []uint8{4, 1, 2, 3, 4}, 8 + 2*4 + 3*2 + 4*2},
		"bytes first":     {countsOf(only(2, 2, 1, 1)), []uint8{2, 2, 2, 2}, 12},
		"lower is rarer":  {countsOf(only(3, 3, 3)), []uint8{2, 2, 1}, 15},
		"not all occur":   {countsOf(only(5, 0, 5, 0, 10)), []uint8{2, 0, 2, 0, 1}, 30},
		"all alike":       {countsOf(func(int) uint32 { return 7 }), bytes.Repeat([]byte{8}, 256), 256 * 7 * 8},
		"at most 11 bits": {countsOf(fibonacci), slices.Concat(bytes.Repeat([]byte{11}, 16), []byte{8, 8, 6, 5, 4, 3, 2, 1}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var h huffman
			h.build(c.counts)
			for b, want := range c.want {
				if got := h.codes[b].length; got != want {
					t.Errorf("byte %d has %d bits, want %d", b, got, want)
				}
			}
			if c.size > 0 && h.size != c.size {
				t.Errorf("size %d, want %d", h.size, c.size)
			}
			checkCode(t, &h, c.counts)
		})
	}
}

// checkCode asserts that a code is whole, that nothing rarer has a shorter
// code, and that its codes begin none of each other.
func checkCode(t *testing.T, h *huffman, counts *[256]uint32) {
	t.Helper()
	sum, size := 0, uint64(0)
	used := map[uint16]bool{} // all numbers of 11 bits that begin with a code
	for b, c := range h.codes {
		if (c.length > 0) != (counts[b] > 0) || c.length > maxHuffman || int(c.length) > h.log {
			t.Fatalf("byte %d, which occurs %d times, has %d bits", b, counts[b], c.length)
		}
		if c.length == 0 {
			continue
		}
		sum += 1 << (maxHuffman - c.length)
		size += uint64(c.length) * uint64(counts[b])
		for i := range uint16(1) << (maxHuffman - c.length) {
			number := c.bits<<(maxHuffman-c.length) | i
			if used[number] {
				t.Fatalf("byte %d: the code %b of %d bits begins another", b, c.bits, c.length)
			}
			used[number] = true
		}
		for other, o := range h.codes {
			if counts[other] > counts[b] && o.length > c.length {
				t.Errorf("byte %d occurs more often than %d, and has a longer code", other, b)
			}
		}
	}
	if sum != 1<<maxHuffman || size != h.size {
		t.Errorf("codes take %d of %d, %d bits, want %d", sum, 1<<maxHuffman, h.size, size)
	}
}

// TestHuffmanDecodes has literals of many kinds decoded by the library.
func TestHuffmanDecodes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var e huffman
	direct, packed, refused := 0, 0, 0
	for i := range 600 {
		kinds, n := 2+r.IntN(255), 2+r.IntN(1<<(2+i%16))
		skew := 1 + r.IntN(4)
		lit := make([]byte, n)
		var counts [256]uint32
		for i := range lit {
			v := kinds
			for range skew {
				v = min(v, r.IntN(kinds))
			}
			lit[i] = byte(v)
			counts[lit[i]]++
		}
		if slices.Max(counts[:]) == uint32(n) {
			continue // is RLE
		}
		e.build(&counts)
		checkCode(t, &e, &counts)
		out, ok := e.appendTree([]byte("x"))
		if !ok {
			refused++
			continue
		}
		if out[1] > 127 {
			direct++
		} else {
			packed++
		}
		tree := len(out)
		out = e.appendLiterals(out, lit)
		if got := len(out) - tree; got > int(e.size/8)+11 {
			t.Errorf("%d bytes for %d bits", got, e.size)
		}
		if got := decodeHuffman(t, out[1:], n); !bytes.Equal(got, lit) {
			t.Fatalf("%d bytes of %d kinds do not come back", n, kinds)
		}
	}
	if direct < 20 || packed < 100 || refused > 20 {
		t.Errorf("%d direct trees, %d packed, %d refused: not what this test is for", direct, packed, refused)
	}
}

func decodeHuffman(t *testing.T, b []byte, n int) []byte {
	t.Helper()
	s, rest, err := huff0.ReadTable(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	if n < fourStreams {
		out, err = s.Decoder().Decompress1X(make([]byte, 0, n), rest)
	} else {
		out, err = s.Decoder().Decompress4X(make([]byte, n), rest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTreesThatCannotBeDescribed has more than 128 weights that are all equal.
func TestTreesThatCannotBeDescribed(t *testing.T) {
	for highest, want := range map[int]bool{128: true, 192: false} {
		counts := countsOf(func(b int) uint32 {
			switch {
			case b < highest:
				return 4
			case b == highest:
				return uint32(4 * (256 - highest))
			}
			return 0
		})
		var h huffman
		h.build(counts)
		out, ok := h.appendTree(nil)
		if ok != want {
			t.Errorf("%d weights: %v", highest, ok)
		}
		if ok && (out[0] != byte(127+highest) || len(out) != 1+highest/2 || out[1] != 0x11) {
			t.Errorf("%d weights: %x", highest, out)
		}
	}
}

// TestShorterTreeIsTaken compares both descriptions of a code. Where they are
// equally long, weights are written directly.
func TestShorterTreeIsTaken(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var h huffman
	equal := 0
	for range 3000 {
		var counts [256]uint32
		for range 10 + r.IntN(300) {
			counts[min(r.IntN(20), r.IntN(20))]++
		}
		h.build(&counts)
		out, ok := h.appendTree(nil)
		n := len(h.weights)
		var weights [maxHuffman + 1]uint32
		for _, w := range h.weights {
			weights[w]++
		}
		top := maxHuffman
		for weights[top] == 0 {
			top--
		}
		if int(weights[top]) == n || n <= 2 {
			continue
		}
		packed, direct := len(h.appendWeights(nil, weights[:top+1])), (n+1)/2
		if packed == direct {
			equal++
		}
		if want := min(packed, direct) + 1; !ok || len(out) != want || (out[0] > 127) != (direct <= packed) {
			t.Fatalf("%d weights: %x, want %d bytes, of which the first is %d or 127 + %d", n, out, want, packed, n)
		}
	}
	if equal < 10 {
		t.Errorf("%d descriptions are equally long: not what this test is for", equal)
	}
}
