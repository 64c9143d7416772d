package compare

import (
	"math"
	"slices"
)

// Digits that say something about how numbers were written (SPEC.md CMP-28).
const (
	fullDigits  = 15 // as many are all that a double holds
	floatDigits = 8  // more than anybody rounds to, unless all numbers have as many
	maxDistinct = 64 // different numbers of a group that are told apart
	indexRows   = 4  // numbers in equal steps that are an index
)

// writing is how the numbers of one group are written.
type writing struct {
	n        int64 // finite numbers
	whole    int64 // of these, without point and at their last place whole: 12, 1e+05
	integral int64 // whole, or in an exponent form that leaves them so: 1.2e+05
	exponent int64 // with an exponent
	padded   int64 // with a zero at the end that no shortest form has: 1.50, 2.0e-03
	bare     int64 // that end in their point: 3.

	leastDecimals, mostDecimals       int
	leastSignificant, mostSignificant int
	wholeValues                       bool // every number is one: 12, 15.0
	distinct                          hashes
	low, high                         float64
	last, step                        float64 // of the numbers so far, in their order
	unequal                           bool    // the steps differ
}

// hashes is a small set of numbers' texts.
type hashes []uint64

// add reports whether text was not in the set, as long as there is room.
func (h *hashes) add(text ...[]byte) bool {
	if len(*h) == maxDistinct {
		return false
	}
	sum := newHash()
	for _, t := range text {
		sum = sum.bytes(t).byte(0)
	}
	if slices.Contains(*h, uint64(sum)) {
		return false
	}
	*h = append(*h, uint64(sum))
	return true
}

// hash is FNV-1a with 64 bits.
type hash uint64

func newHash() hash { return 14695981039346656037 }

func (h hash) byte(c byte) hash { return (h ^ hash(c)) * 1099511628211 }

func (h hash) bytes(b []byte) hash {
	for _, c := range b {
		h = h.byte(c)
	}
	return h
}

// add counts a number.
func (w *writing) add(n *number) {
	if n.class != finite {
		return
	}
	v, digits := n.float(), n.significant()
	if w.n == 0 {
		w.leastDecimals, w.mostDecimals = n.decimals(), n.decimals()
		w.leastSignificant, w.mostSignificant = digits, digits
		w.low, w.high, w.wholeValues = v, v, true
	}
	w.leastDecimals, w.mostDecimals = min(w.leastDecimals, n.decimals()), max(w.mostDecimals, n.decimals())
	w.leastSignificant, w.mostSignificant = min(w.leastSignificant, digits), max(w.mostSignificant, digits)
	w.low, w.high = math.Min(w.low, v), math.Max(w.high, v)
	w.wholeValues = w.wholeValues && v == math.Trunc(v)
	w.steps(v)
	w.n++
	w.distinct.add(n.text)
	if n.whole() {
		w.whole++
	}
	if n.last >= 0 && !n.bare() {
		w.integral++
	}
	if n.hasExponent() {
		w.exponent++
	}
	if n.padded() {
		w.padded++
	}
	if n.bare() {
		w.bare++
	}
}

// steps notes whether the numbers lie in equal steps.
func (w *writing) steps(v float64) {
	switch {
	case w.n == 1:
		w.step = v - w.last
		w.unequal = w.step == 0
	case w.n > 1 && !w.unequal:
		w.unequal = math.Abs(v-w.last-w.step) > 1e-9*math.Max(math.Abs(v), math.Abs(w.step))
	}
	w.last = v
}

// counts reports whether the numbers count something or name it: whole numbers
// throughout.
func (w *writing) counts() bool { return w.n > 0 && w.whole > 0 && w.integral == w.n }

// countsWithDecimals reports whether all values are whole, and so many that
// chance is hardly why, or with the one decimal that programs show of them.
func (w *writing) countsWithDecimals(onePen bool) bool {
	return w.wholeValues && (w.n > 1 || onePen && w.mostDecimals == 1)
}

// index reports whether the numbers lie in equal steps.
func (w *writing) index() bool { return w.n >= indexRows && !w.unequal }

// fixed reports whether all numbers show equally many decimals, or, if those
// vary or stand before exponents, equally many significant digits.
func (w *writing) fixed() bool { return w.fixedDecimals() || w.fixedSignificant() }

// enough reports whether the numbers are alike and enough to say how they were
// written, if what they are compared with bears it out.
func (w *writing) enough() bool {
	return w.fixed() && len(w.distinct) >= minDistinct
}

func (w *writing) fixedDecimals() bool {
	return w.n > 0 && w.exponent == 0 && w.leastDecimals == w.mostDecimals &&
		(w.mostDecimals > 0 || w.bare == w.n)
}

func (w *writing) fixedSignificant() bool {
	return w.n > 0 && w.whole == 0 && w.leastSignificant == w.mostSignificant && w.mostSignificant > 1 &&
		(w.exponent == w.n || w.leastDecimals < w.mostDecimals)
}

// shortest reports whether the numbers are written in full, with as few digits
// as tell them apart from others: some show more digits than anybody rounds
// to, and others far fewer.
func (w *writing) shortest() bool {
	if w.padded > 0 || w.leastSignificant == w.mostSignificant {
		return false
	}
	return w.mostSignificant >= fullDigits || w.mostSignificant >= floatDigits && w.mostDecimals-w.leastDecimals >= 3
}

// decimals are the digits after the point, or after where it would stand
// without the exponent.
func (n *number) decimals() int { return max(0, -n.last) }

func (n *number) hasPoint() bool { return slices.Contains(n.text, '.') }

func (n *number) hasExponent() bool {
	return n.class == finite && slices.ContainsFunc(n.text, func(c byte) bool { return c|0x20 == 'e' || c|0x20 == 'd' })
}

// whole reports a number without a point that is whole at its last place.
func (n *number) whole() bool { return n.class == finite && n.last >= 0 && !n.hasPoint() }

// integral reports a number whose value is whole: 12, 12.0, 1e+05.
func (n *number) integral() bool {
	v := n.float()
	return n.class == finite && v == math.Trunc(v)
}

// bare reports a number that ends in its point.
func (n *number) bare() bool { return n.class == finite && n.text[len(n.text)-1] == '.' }

// padded reports a zero at the end that only a writer with a fixed number of
// digits leaves there. Python's 2.0 is not such a number.
func (n *number) padded() bool {
	if n.class != finite || !n.hasPoint() {
		return false
	}
	mantissa := n.text
	for i, c := range mantissa {
		if c|0x20 == 'e' || c|0x20 == 'd' {
			signed := mantissa[i+1] == '+' || mantissa[i+1] == '-'
			return mantissa[i-1] == '0' && (signed || mantissa[i-2] != '.')
		}
	}
	return n.last <= -2 && mantissa[len(mantissa)-1] == '0'
}
