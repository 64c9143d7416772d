package compare

import (
	"math"
	"math/big"
	"strconv"
)

// distance is the exact difference of two finite numbers: coef × 10^exp.
type distance struct {
	coef   *big.Int // where it does not fit in small
	small  uint64
	exp    int
	log    float64 // log10 of it; -Inf for none
	logPub float64 // log10 of the published number; -Inf for zero
}

// between measures how far new is from pub.
func between(pub, new *number) distance {
	d := distance{exp: min(pub.last, new.last), logPub: log10(pub)}
	a, okA := pub.scaled(d.exp)
	b, okB := new.scaled(d.exp)
	if okA && okB {
		if d.small = uint64(max(a, b) - min(a, b)); d.small == 0 {
			d.log = math.Inf(-1)
		} else {
			d.log = math.Log10(float64(d.small)) + float64(d.exp)
		}
		return d
	}
	d.coef = new.integer(d.exp)
	d.coef.Sub(d.coef, pub.integer(d.exp)).Abs(d.coef)
	d.log = bigLog10(d.coef) + float64(d.exp)
	return d
}

// scaled returns n / 10^exp, if that surely fits.
func (n *number) scaled(exp int) (int64, bool) {
	if len(n.digits) == 0 {
		return 0, true
	}
	if len(n.digits)+n.last-exp > 18 {
		return 0, false
	}
	var v int64
	for _, c := range n.digits {
		v = v*10 + int64(c-'0')
	}
	for range n.last - exp {
		v *= 10
	}
	if n.neg {
		v = -v
	}
	return v, true
}

// integer returns n / 10^exp, for an exp that makes it whole.
func (n *number) integer(exp int) *big.Int {
	v, _ := new(big.Int).SetString("0"+string(n.digits), 10)
	v.Mul(v, pow10(n.last-exp))
	if n.neg {
		v.Neg(v)
	}
	return v
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// log10 of the magnitude of n.
func log10(n *number) float64 {
	var v float64
	used := min(len(n.digits), 17)
	for _, c := range n.digits[:used] {
		v = v*10 + float64(c-'0')
	}
	return math.Log10(v) + float64(n.last+len(n.digits)-used)
}

func bigLog10(v *big.Int) float64 {
	var mantissa big.Float
	exp := new(big.Float).SetInt(v).MantExp(&mantissa)
	m, _ := mantissa.Float64()
	return math.Log10(m) + float64(exp)*math.Log10(2)
}

// of is the same distance, to be held against another number than pub.
func (d *distance) of(scale *number) *distance {
	out := *d
	out.logPub = log10(scale)
	return &out
}

// lre is the log relative error, the number of digits in which new agrees
// with pub: -log10(|new-pub|/|pub|), with |new-pub| alone where pub is zero
// (Sawitzki 1994; McCullough, The American Statistician 52(4), 1998).
func (d *distance) lre() float64 {
	if math.IsInf(d.logPub, -1) {
		return -d.log
	}
	return d.logPub - d.log
}

// near is the width, in powers of ten, in which logarithms are not trusted to
// order two numbers.
const near = 1e-9

// atMost reports whether the distance is at most limit × scale, exactly. A
// nil scale is one.
func (d *distance) atMost(limit *number, scale *number) bool {
	bound := log10(limit)
	if scale != nil {
		bound += d.logPub
	}
	switch {
	case math.IsInf(d.log, -1):
		return true
	case math.IsInf(bound, -1) || d.log > bound+near:
		return false
	case d.log < bound-near:
		return true
	}
	right, exp := limit.integer(limit.last), limit.last
	if scale != nil {
		right.Mul(right, scale.integer(scale.last)).Abs(right)
		exp += scale.last
	}
	left := d.coef
	if left == nil {
		left = new(big.Int).SetUint64(d.small)
	}
	if d.exp < exp {
		right.Mul(right, pow10(exp-d.exp))
	} else {
		left = new(big.Int).Mul(left, pow10(d.exp-exp))
	}
	return left.Cmp(right) <= 0
}

// absolute and relative are for people: three significant digits.
func (d *distance) absolute() string { return scientific(d.log) }

func (d *distance) relative() string {
	if math.IsInf(d.logPub, -1) {
		return ""
	}
	return scientific(d.log - d.logPub)
}

// scientific prints 10^log.
func scientific(log float64) string {
	if math.IsInf(log, -1) {
		return "0"
	}
	exp := math.Floor(log)
	mantissa := strconv.FormatFloat(math.Pow(10, log-exp), 'f', 2, 64)
	if mantissa == "10.00" {
		mantissa, exp = "1.00", exp+1
	}
	return mantissa + "e" + strconv.FormatFloat(exp, 'f', 0, 64)
}

// ulps counts the float64 steps between two finite numbers.
func ulps(a, b *number) uint64 {
	x, y := ordered(a.float()), ordered(b.float())
	return uint64(max(x, y)) - uint64(min(x, y))
}

// float is the nearest float64.
func (n *number) float() float64 {
	if len(n.digits) <= exactDigits && n.last >= -exactTens && n.last <= exactTens {
		return n.quickFloat()
	}
	f, _ := strconv.ParseFloat("0"+string(n.digits)+"e"+strconv.Itoa(n.last), 64) // out of range: ±Inf, a step like others
	if n.neg {
		f = -f
	}
	return f
}

// Whole numbers of so many digits, and powers of ten so far from 1, are float64
// values: one operation on two of them is rounded once (Clinger, PLDI 1990).
const (
	exactDigits = 15
	exactTens   = 22
)

var tens = [exactTens + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func (n *number) quickFloat() float64 {
	var m int64
	for _, c := range n.digits {
		m = m*10 + int64(c-'0')
	}
	f := float64(m)
	if n.last < 0 {
		f /= tens[-n.last]
	} else {
		f *= tens[n.last]
	}
	if n.neg {
		f = -f
	}
	return f
}

// ordered maps floats to integers in the same order, one apart.
func ordered(f float64) int64 {
	bits := int64(math.Float64bits(f))
	if bits < 0 {
		return math.MinInt64 - bits
	}
	return bits
}
