package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
)

// vector is an input that shows what a clause asks for.
type vector struct {
	Name   string `json:"name"`
	Clause string `json:"clause"`
	Shows  string `json:"shows"`
	input  func() []byte
}

const stretch = 1 << 17

var vectors = []vector{
	{"empty", "SQ-25", "no byte: one raw block", func() []byte { return nil }},
	{"size-255", "SQ-25", "the longest content size of 1 byte", func() []byte { return text(255) }},
	{"size-256", "SQ-25", "the shortest content size of 2 bytes", func() []byte { return text(256) }},
	{"size-65791", "SQ-25", "the longest content size of 2 bytes", func() []byte { return text(65791) }},
	{"size-65792", "SQ-25", "the shortest content size of 4 bytes", func() []byte { return text(65792) }},
	{"two-stretches", "SQ-25", "one byte more than a stretch", func() []byte { return text(stretch + 1) }},
	{"raw-stretch", "SQ-26", "last distances are those from before a raw stretch", func() []byte {
		noise := noise(stretch + 20)
		first, middle, last := noise[:10], noise[10:stretch+10], noise[stretch+10:]
		copy(middle[60:], middle[20:26])
		return slices.Concat(text(stretch-100), bytes.Repeat(first, 10), middle, bytes.Repeat(last, 10))
	}},
	{"repeat", "SQ-27", "matches at the last distance, and at the one before", func() []byte { return repeats(6000) }},
	{"backwards", "SQ-27", "matches that begin earlier than they are found", func() []byte { return shifted(6000) }},
	{"from-the-start", "SQ-27", "a match with the first byte", func() []byte {
		return slices.Concat(noise(50), text(100), noise(50), zeros())
	}},
	{"two-spans", "SQ-28", "bytes that change their nature: two blocks", func() []byte {
		return slices.Concat(text(40_000), table(40_000))
	}},
	{"joined-spans", "SQ-28", "bytes of one nature: spans that are joined", func() []byte { return table(stretch) }},
	{"literals-31", "SQ-29", "too few literals for a code", func() []byte { return slices.Concat(letters(30, 4), zeros()) }},
	{"literals-32", "SQ-29", "as many literals as a code needs", func() []byte { return slices.Concat(letters(31, 4), zeros()) }},
	{"literals-equal", "SQ-29", "literals that are one byte", zeros},
	{"literals-1023", "SQ-29", "one stream", func() []byte { return letters(1023, 20) }},
	{"literals-1024", "SQ-29", "four streams", func() []byte { return letters(1024, 20) }},
	{"literals-16383", "SQ-29", "the longest header of 4 bytes", func() []byte { return letters(16_383, 40) }},
	{"literals-16384", "SQ-29", "the shortest header of 5 bytes", func() []byte { return letters(16_384, 40) }},
	{"code-not-worth-it", "SQ-29", "a code that saves too little", func() []byte { return slices.Concat(letters(60, 40), zeros()) }},
	{"code-limited", "SQ-30", "counts that ask for codes longer than 11 bits", fibonacci},
	{"weights-direct", "SQ-31", "weights that are written directly", direct},
	{"weights-compressed", "SQ-31", "more than 128 weights", skewed},
	{"weights-neither", "SQ-31", "more than 128 weights that are all equal", oneOften},
	{"no-sequence", "SQ-32", "no match", func() []byte { return letters(300, 12) }},
	{"few-sequences", "SQ-32", "predefined distributions", func() []byte { return text(400) }},
	{"one-code", "SQ-32", "sequences that are all alike", func() []byte { return alike(64) }},
	{"three-sequences", "SQ-32", "the least sequences for the mode RLE", func() []byte { return alike(7) }},
	{"31-sequences", "SQ-32", "too few sequences for a distribution of offsets", func() []byte { return alike(35) }},
	{"32-sequences", "SQ-32", "as many sequences as a distribution of offsets needs", func() []byte { return alike(36) }},
	{"many-sequences", "SQ-33", "distributions of their own", func() []byte { return short(20_000) }},
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func text(n int) []byte {
	r := random()
	var out []byte
	for len(out) < n {
		out = fmt.Appendf(out, "%d measured %x at place %d\n", r.IntN(100), r.IntN(16), len(out))
	}
	return out[:n]
}

func noise(n int) []byte {
	r := random()
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// table has columns of fixed width.
func table(n int) []byte {
	r := random()
	var out []byte
	for len(out) < n {
		out = append(out, byte(r.IntN(4)), 0, byte(r.IntN(30))+100, 0xff, 1, 2, byte(r.IntN(4)), 3)
	}
	return out[:n]
}

// letters has n bytes of so many kinds, the low ones more often, in which no
// four bytes stand twice if there are enough kinds for that.
func letters(n, kinds int) []byte {
	r := random()
	seen := map[string]bool{}
	out := make([]byte, 0, n)
	for len(out) < n {
		var four string
		for range 100 {
			b := byte('0' + min(r.IntN(kinds), r.IntN(kinds)))
			four = string(append(out[max(len(out)-3, 0):len(out):len(out)], b))
			if !seen[four] {
				break
			}
		}
		seen[four] = true
		out = append(out, four[len(four)-1])
	}
	return out
}

// zeros are so many that they pay for a block.
func zeros() []byte { return make([]byte, 300) }

// alike has n pieces of four bytes that are the same, a random one between.
func alike(n int) []byte {
	r := random()
	var out []byte
	for range n {
		out = append(out, 1, 2, 3, 4, byte(r.Uint32()))
	}
	return out
}

// repeats has records of two sizes that resemble the one before.
func repeats(n int) []byte {
	r := random()
	record, other := noise(40), noise(23)
	var out []byte
	for len(out) < n {
		record[r.IntN(len(record))]++
		out = append(append(out, record...), record...)
		if r.IntN(3) == 0 {
			out = append(out, other...)
		}
	}
	return out[:n]
}

// shifted has runs of random bytes again, each time from another byte on.
func shifted(n int) []byte {
	r := random()
	base := noise(500)
	out := slices.Clone(base)
	for len(out) < n {
		from := r.IntN(400)
		out = append(append(out, base[from:from+10+r.IntN(90)]...), byte(r.Uint32()))
	}
	return out[:n]
}

// fibonacci has counts for which Huffman's tree is as deep as it can be.
func fibonacci() []byte {
	var out []byte
	for i, a, b := 0, 1, 1; i < 24; i, a, b = i+1, b, a+b {
		out = append(out, bytes.Repeat([]byte{byte(3 * i)}, a)...)
	}
	random().Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// skewed has all bytes, the low ones more often.
func skewed() []byte {
	r := random()
	out := make([]byte, 20_000)
	for i := range out {
		out[i] = byte(min(r.IntN(256), r.IntN(256), r.IntN(256)))
	}
	return out
}

// oneOften has 192 bytes equally often, and a higher one that is a quarter of
// all: their codes have 8 bits, that of the higher one has 2.
func oneOften() []byte {
	var out []byte
	for _, step := range []int{1, 5, 7, 11} { // so that nothing repeats
		for i := 0; i < 192; i += 3 {
			out = append(out, 192, byte(i*step%192), byte((i+1)*step%192), byte((i+2)*step%192))
		}
	}
	return out
}

// direct has the lowest bytes and no other.
func direct() []byte {
	out := letters(500, 6)
	for i := range out {
		out[i] -= '0'
	}
	return out
}

// short repeats many pieces of four bytes, in changing order.
func short(n int) []byte {
	r := random()
	var out []byte
	for len(out) < n {
		v := r.IntN(64)
		out = append(out, byte(v), byte(v*7), byte(v*31), byte(v*101))
	}
	return out[:n]
}
