package compare

import (
	"bytes"
	"context"
	"math"
	"repro/internal/ndarray"
	"slices"
)

// whereOf names the element of an array with an index, from 0.
func whereOf(a *ndarray.Array, i int) string { return clip(a.Name) + a.Index(i) }

// compareArrays compares arrays name by name (CMP-110 to CMP-115).
func (j *job) compareArrays(ctx context.Context, pub, new []ndarray.Array) error {
	j.tally.binary = true
	places := map[string][]int{} // of new arrays by name; of one name, in order
	for i, n := range new {
		places[n.Name] = append(places[n.Name], i)
	}
	for i := range pub {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := &pub[i]
		at := -1
		if left := places[p.Name]; len(left) > 0 {
			at, places[p.Name] = left[0], left[1:]
		}
		if at < 0 {
			j.tally.brokenAt(clip(p.Name), p.Describe(), "", "array %q is not in the new file", clip(p.Name))
			continue
		}
		n := &new[at]
		if p.Type != n.Type {
			j.tally.brokenAt(clip(p.Name), p.Type, n.Type, "%q: published %s, new %s", clip(p.Name), clip(p.Type), clip(n.Type))
			continue
		}
		if p.Class != n.Class || p.Size != n.Size || !slices.Equal(p.Shape, n.Shape) {
			j.tally.brokenAt(clip(p.Name), p.Describe(), n.Describe(), "array %q: published %s, new %s", clip(p.Name), p.Describe(), n.Describe())
			continue
		}
		c := &elements{j: j, pub: p, new: n}
		if c.measures() {
			m := c.measuring()
			m.part(p, n, 0, p.Count())
			m.finish()
		}
		if err := c.compare(ctx); err != nil {
			return err
		}
	}
	for i, n := range new {
		if slices.Contains(places[n.Name], i) {
			j.tally.brokenAt(clip(n.Name), "", n.Describe(), "array %q is not in the published file", clip(n.Name))
		}
	}
	return nil
}

// elements compares two arrays of one shape and sort.
type elements struct {
	j        *job
	pub, new *ndarray.Array
	largest  *number
	most     float64 // its magnitude; 0: not known
	flip     []bool  // vectors whose signs are to be reversed; nil: none
	from     int     // the element with which Data begins
	a, b     []float64
	shown    int   // numbers that were handed out to be shown
	unshown  int64 // numbers that differ beyond those
}

// compareTexts compares texts, each as a whole.
func (c *elements) compareTexts() {
	for i, x := range c.pub.Texts {
		if y := c.new.Texts[i]; x != y {
			at := whereOf(c.pub, i)
			c.j.tally.brokenAt(at, x, y, "%s: published %s, new %s", at, quote([]byte(x)), quote([]byte(y)))
			if c.shown++; c.shown <= maxShown {
				c.j.watch.value(at, x, y, Off)
			}
		}
	}
}

func (c *elements) compare(ctx context.Context) error {
	if c.pub.Class == ndarray.Text {
		c.compareTexts()
		return nil
	}
	c.j.tally.largest = c.largest
	c.j.tally.counts = c.counting()
	defer func() { c.j.tally.counts = notCounting }()
	if err := c.part(ctx, 0, c.pub.Count()); err != nil {
		return err
	}
	c.j.watch.more(c.unshown)
	return nil
}

// part compares the elements from..to-1, of which Data holds at least these.
func (c *elements) part(ctx context.Context, from, to int) error {
	for from < to {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if c.scannable() {
			end := min(to, from+scanned)
			for _, i := range c.scan(from, end) {
				c.one(i)
			}
			from = end
			continue
		}
		end := min(to, from+1<<12)
		for ; from < end; from++ {
			c.one(from)
		}
	}
	return nil
}

// one compares one element.
func (c *elements) one(i int) {
	x, y := c.pub.At(i-c.from), c.new.At(i-c.from)
	sameOrder := c.pub.Order == c.new.Order || c.pub.Size == 1
	if sameOrder && len(c.flip) == 0 && bytes.Equal(x, y) {
		c.j.tally.equalNumbers(c.pub.Class)
		return
	}
	c.element(i, x, y)
}

// counting reports whether the array's numbers count or name something: whole
// numbers, unless they are the pixels of a picture (CMP-32).
func (c *elements) counting() counting {
	switch kind := c.j.finding.Kind; {
	case kind == kindTIFF, kind == kindNIfTI, kind == kindFITS && len(c.pub.Shape) >= 2:
		return notCounting
	case c.pub.Class == ndarray.Int, c.pub.Class == ndarray.Uint:
		return countingAll
	case c.pub.Class == ndarray.Float && c.j.rule.limits.tolerant() && c.wholeValues():
		return countingWhole
	}
	return notCounting
}

// spareBits of a floating-point number are below its point where it may show
// that it is whole: a measured one is so with a probability of 2^-spareBits.
const spareBits = 11

// wholeValues reports whether each published number is whole (CMP-32a), though its type
// could hold others: MATLAB, R and JavaScript count in floating point.
func (c *elements) wholeValues() bool {
	most := math.Ldexp(1, map[int]int{4: 24, 8: 53}[c.pub.Size]-spareBits)
	for i := range min(c.pub.Count(), len(c.pub.Data)/c.pub.Size) { // of a large array, those at hand
		c.a = c.pub.Floats(c.pub.At(i), c.a[:0])
		for _, x := range c.a {
			if math.IsNaN(x) {
				continue
			}
			if x != math.Trunc(x) || math.Abs(x) > most {
				return false
			}
		}
	}
	return true
}

func (c *elements) element(i int, x, y []byte) {
	where := func() string { return whereOf(c.pub, i) }
	switch c.pub.Class {
	case ndarray.Bytes:
		if !bytes.Equal(x, y) {
			at := where()
			c.j.tally.brokenAt(at, string(x), string(y), "%s: published %s, new %s", at, quote(x), quote(y))
		}
	case ndarray.Int, ndarray.Uint:
		c.number(c.pub.Integer(x), c.new.Integer(y), where)
	default:
		c.a, c.b = c.pub.Floats(x, c.a[:0]), c.new.Floats(y, c.b[:0])
		for part := range c.a {
			if c.flip != nil && c.flip[c.vector(i)] {
				c.b[part] = -c.b[part]
			}
			if c.quick(c.a[part], c.b[part]) {
				continue
			}
			c.number(c.pub.Shortest(c.a[part]), c.new.Shortest(c.b[part]), func() string {
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
		t.equalNumbers(ndarray.Float)
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
func (t *tally) equalNumbers(class ndarray.Class) {
	switch class {
	case ndarray.Bytes:
		return
	case ndarray.Complex:
		t.compared++
		t.outcomes[same]++
	}
	t.compared++
	t.outcomes[same]++
}
