package compare

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limits on files of arrays, which are compared in memory.
const (
	maxArrays     = 96 << 20 // bytes of a file
	maxAxes       = 32
	maxArrayCount = 1 << 16
)

// sort of an array's elements.
type sort uint8

const (
	floats   sort = iota // 2, 4 or 8 bytes
	signed               // 1 to 8 bytes
	unsigned             // 1 to 8 bytes
	complexs             // two floats
	opaque               // bytes that are no number: text, truth values
	words                // text of any length, of which an array holds a list
)

func (s sort) String() string {
	return [...]string{"float", "int", "uint", "complex", "bytes", "text"}[s]
}

// array is numbers in binary.
type array struct {
	name        string
	sort        sort
	size        int // bytes of an element
	shape       []int
	columnMajor bool
	order       binary.ByteOrder
	data        []byte
	texts       []string // of the sort words, instead of data
	typed       string   // what else elements are, in words; must be equal
}

// count is the number of elements; -1 if there can't be so many in so many
// bytes.
func (a *array) count() int {
	n := 1
	for _, d := range a.shape {
		if d < 0 || d > 0 && n > maxArrays/d {
			return -1
		}
		n *= d
	}
	return n
}

// check refuses an array that has not the bytes for its shape.
func (a *array) check(of side, kind string) error {
	n := a.count()
	if len(a.shape) > maxAxes || n < 0 || a.size <= 0 || n > len(a.data)/a.size {
		return malformed(of, kind, "array %q of shape %v is larger than its bytes", clip(a.name), a.shape)
	}
	a.data = a.data[:n*a.size]
	return nil
}

func (a *array) describe() string {
	if a.sort == words {
		return fmt.Sprintf("text %v", a.shape)
	}
	return fmt.Sprintf("%s%d %v", a.sort, 8*a.size, a.shape)
}

// at is the element with an index in the order in which the last axis runs
// fastest.
func (a *array) at(i int) []byte {
	if a.columnMajor && len(a.shape) > 1 {
		place, stride := 0, len(a.data)/a.size
		for axis := len(a.shape) - 1; axis >= 0; axis-- {
			stride /= a.shape[axis]
			place += i % a.shape[axis] * stride
			i /= a.shape[axis]
		}
		i = place
	}
	return a.data[i*a.size : (i+1)*a.size]
}

// where names the element with an index, from 0.
func (a *array) where(i int) string {
	index := make([]string, len(a.shape))
	for axis := len(a.shape) - 1; axis >= 0; axis-- {
		index[axis] = strconv.Itoa(i % a.shape[axis])
		i /= a.shape[axis]
	}
	return clip(a.name) + "[" + strings.Join(index, ",") + "]"
}

// values appends the numbers of an element, two if it is complex.
func (a *array) values(b []byte, out []float64) []float64 {
	if a.sort == complexs {
		half := array{sort: floats, size: a.size / 2, order: a.order}
		return half.values(b[a.size/2:], half.values(b[:a.size/2], out))
	}
	switch a.size {
	case 2:
		return append(out, halfFloat(a.order.Uint16(b)))
	case 4:
		return append(out, float64(math.Float32frombits(a.order.Uint32(b))))
	}
	return append(out, math.Float64frombits(a.order.Uint64(b)))
}

// halfFloat is the value of an IEEE 754 binary16.
func halfFloat(b uint16) float64 {
	sign, exp, frac := 1.0, int(b>>10&31), float64(b&1023)
	if b>>15 == 1 {
		sign = -1
	}
	switch {
	case exp == 31 && frac != 0:
		return math.NaN()
	case exp == 31:
		return math.Inf(int(sign))
	case exp == 0:
		return sign * math.Ldexp(frac, -24)
	}
	return sign * math.Ldexp(frac+1024, exp-25)
}

// integer prints a whole number.
func (a *array) integer(b []byte) string {
	le := slices.Clone(b)
	if a.order == binary.ByteOrder(binary.BigEndian) {
		slices.Reverse(le)
	}
	var u uint64
	for i, c := range le {
		u |= uint64(c) << (8 * i)
	}
	if a.sort == signed {
		return strconv.FormatInt(int64(u<<(64-8*a.size))>>(64-8*a.size), 10)
	}
	return strconv.FormatUint(u, 10)
}

// printed is a float as the shortest decimal that reads back (CMP-111).
func (a *array) printed(v float64) string {
	bits := 64
	if size := a.size; size == 4 || a.sort == complexs && size == 8 {
		bits = 32
	}
	return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, bits), "+")
}

// compareArrays compares arrays name by name (CMP-110 to CMP-115).
func (j *job) compareArrays(ctx context.Context, pub, new []array) error {
	j.tally.binary = true
	places := map[string][]int{} // of new arrays by name; of one name, in order
	for i, n := range new {
		places[n.name] = append(places[n.name], i)
	}
	for i := range pub {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := &pub[i]
		at := -1
		if left := places[p.name]; len(left) > 0 {
			at, places[p.name] = left[0], left[1:]
		}
		if at < 0 {
			j.tally.brokenAt(clip(p.name), p.describe(), "", "array %q is not in the new file", clip(p.name))
			continue
		}
		n := &new[at]
		if p.typed != n.typed {
			j.tally.brokenAt(clip(p.name), p.typed, n.typed, "%q: published %s, new %s", clip(p.name), clip(p.typed), clip(n.typed))
			continue
		}
		if p.sort != n.sort || p.size != n.size || !slices.Equal(p.shape, n.shape) {
			j.tally.brokenAt(clip(p.name), p.describe(), n.describe(), "array %q: published %s, new %s", clip(p.name), p.describe(), n.describe())
			continue
		}
		c := &elements{j: j, pub: p, new: n}
		c.measure()
		if err := c.compare(ctx); err != nil {
			return err
		}
	}
	for i, n := range new {
		if slices.Contains(places[n.name], i) {
			j.tally.brokenAt(clip(n.name), "", n.describe(), "array %q is not in the published file", clip(n.name))
		}
	}
	return nil
}

// elements compares two arrays of one shape and sort.
type elements struct {
	j        *job
	pub, new *array
	largest  *number
	most     float64      // its magnitude; 0: not known
	flip     map[int]bool // vectors whose signs are to be reversed
	a, b     []float64
	shown    int   // numbers that were handed out to be shown
	unshown  int64 // numbers that differ beyond those
}

// measure finds the largest published number, and the vectors whose signs are
// to be reversed: those whose largest published number has the other sign in
// the new array.
func (c *elements) measure() {
	r := c.j.rule
	numbers := c.pub.sort == floats || c.pub.sort == complexs
	if !numbers || r.norm == nil && r.Signs == "" {
		return
	}
	most, at := map[int]float64{}, map[int]int{}
	all := -1.0
	for i := range c.pub.count() {
		v := c.vector(i)
		c.a = c.pub.values(c.pub.at(i), c.a[:0])
		for part, x := range c.a {
			x = math.Abs(x)
			if math.IsInf(x, 0) || math.IsNaN(x) {
				continue
			}
			if x > all {
				all = x
			}
			if _, seen := at[v]; r.Signs != "" && (!seen || x > most[v]) {
				most[v], at[v] = x, 2*i+part
			}
		}
	}
	if all >= 0 {
		c.most = all
		c.largest = mustNumber(c.pub.printed(all))
	}
	c.flip = map[int]bool{}
	for v, i := range at {
		c.a, c.b = c.pub.values(c.pub.at(i/2), c.a[:0]), c.new.values(c.new.at(i/2), c.b[:0])
		if c.a[i%2]*c.b[i%2] < 0 {
			c.flip[v] = true
		}
	}
	c.j.tally.reversed += int64(len(c.flip))
}

// vector is the one of the vectors that the rule's signs speak of in which an
// element stands: along the last axis but one, or along the last.
func (c *elements) vector(i int) int {
	shape := c.pub.shape
	n := len(shape)
	switch {
	case c.j.rule.Signs == "" || n < 2:
		return 0
	case c.j.rule.Signs == signRows:
		return i / shape[n-1]
	}
	return i/(shape[n-1]*shape[n-2])*shape[n-1] + i%shape[n-1]
}

// compareTexts compares texts, each as a whole.
func (c *elements) compareTexts() {
	for i, x := range c.pub.texts {
		if y := c.new.texts[i]; x != y {
			at := c.pub.where(i)
			c.j.tally.brokenAt(at, x, y, "%s: published %s, new %s", at, quote([]byte(x)), quote([]byte(y)))
			if c.shown++; c.shown <= maxShown {
				c.j.watch.value(at, x, y, Off)
			}
		}
	}
}

func (c *elements) compare(ctx context.Context) error {
	if c.pub.sort == words {
		c.compareTexts()
		return nil
	}
	c.j.tally.largest = c.largest
	sameOrder := c.pub.order == c.new.order || c.pub.size == 1
	for i := range c.pub.count() {
		if i%(1<<16) == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		x, y := c.pub.at(i), c.new.at(i)
		if sameOrder && len(c.flip) == 0 && bytes.Equal(x, y) {
			c.j.tally.equalNumbers(c.pub.sort)
			continue
		}
		c.element(i, x, y)
	}
	c.j.watch.more(c.unshown)
	return nil
}

func (c *elements) element(i int, x, y []byte) {
	where := func() string { return c.pub.where(i) }
	switch c.pub.sort {
	case opaque:
		if !bytes.Equal(x, y) {
			at := where()
			c.j.tally.brokenAt(at, string(x), string(y), "%s: published %s, new %s", at, quote(x), quote(y))
		}
	case signed, unsigned:
		c.number(c.pub.integer(x), c.new.integer(y), where)
	default:
		c.a, c.b = c.pub.values(x, c.a[:0]), c.new.values(y, c.b[:0])
		for part := range c.a {
			if c.flip[c.vector(i)] {
				c.b[part] = -c.b[part]
			}
			if c.quick(c.a[part], c.b[part]) {
				continue
			}
			c.number(c.pub.printed(c.a[part]), c.new.printed(c.b[part]), func() string {
				if len(c.a) == 1 {
					return where()
				}
				return where() + [...]string{", real part", ", imaginary part"}[part]
			})
		}
	}
}

func (c *elements) number(pub, new string, where func() string) {
	t := c.j.tally
	if pub == new {
		t.equalNumbers(floats)
		return
	}
	what := t.judge([]byte(pub), []byte(new))
	if t.spread != nil {
		what = t.settle(what, []byte(pub), []byte(new), where())
	}
	t.number(what, []byte(pub), []byte(new), where)
	if what > agrees && (what == differs || c.shown < maxShown) {
		c.shown++
		c.j.watch.value(where(), pub, new, markOf(what))
	}
}

// equalNumbers counts an element that is the same on both sides.
func (t *tally) equalNumbers(s sort) {
	switch s {
	case opaque:
		return
	case complexs:
		t.compared++
		t.outcomes[same]++
	}
	t.compared++
	t.outcomes[same]++
}
