package compare

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"

	"repro/internal/ndarray"
)

// scanned is how many elements are looked at together, by all processors.
const scanned = 1 << 18

// quick counts two floating-point numbers that differ without writing them
// out, where float64 is sure to find what exact decimal arithmetic would. Where
// it is not, or where the two may be the worst so far, it reports false.
func (c *elements) quick(x, y float64) bool {
	if !c.settled() {
		return false
	}
	what, ok := c.j.tally.quick(x, y, c.most)
	if ok {
		c.j.tally.compared++
		c.j.tally.outcomes[what]++
		if what == differs {
			c.unshown++
		}
	}
	return ok
}

// settled reports whether what is found of most numbers only has to be counted.
func (c *elements) settled() bool {
	t := c.j.tally
	return c.shown >= maxShown && t.spread == nil && t.worst.what != same && c.pub.FloatBits() == 64
}

// quick judges two numbers that differ, if that is sure and they can't be the
// worst so far. It changes nothing.
func (t *tally) quick(x, y, most float64) (outcome, bool) {
	if x == y || x == 0 || math.IsNaN(x-y) || math.IsInf(x-y, 0) || math.IsInf(x, 0) {
		return differs, false
	}
	what, sure := t.limits.quick(x, y, most)
	return what, sure && what <= t.worst.what && (what < t.worst.what || -ratio(x, y) > t.worst.digits.n)
}

// scannable reports whether the numbers can be looked at in any order.
func (c *elements) scannable() bool {
	little := binary.ByteOrder(binary.LittleEndian)
	return c.pub.Class == ndarray.Float && c.pub.Order == little && c.new.Order == little &&
		!(c.pub.ColumnMajor || c.new.ColumnMajor) && len(c.flip) == 0 && c.settled()
}

// scan counts the elements from..to-1 on all processors, as [elements.quick]
// does, and returns the others, in order. What is the worst so far only gets
// worse: what can't be the worst of all now can't become it.
func (c *elements) scan(from, to int) (others []int) {
	workers := runtime.GOMAXPROCS(0)
	found := make([]scan, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			count := to - from
			found[i].look(c, from+count*i/workers, from+count*(i+1)/workers)
		})
	}
	all.Wait()
	t := c.j.tally
	for i := range found {
		for what, n := range found[i].outcomes {
			t.outcomes[what] += n
			t.compared += n
		}
		c.unshown += found[i].outcomes[differs]
		others = append(others, found[i].others...)
	}
	return others
}

// scan is what one processor found.
type scan struct {
	outcomes [differs + 1]int64
	others   []int
}

func (s *scan) look(c *elements, from, to int) {
	x, y := c.pub.Data[8*(from-c.from):8*(to-c.from)], c.new.Data[8*(from-c.from):8*(to-c.from)]
	for i := 0; i+8 <= len(x); i += 8 {
		a, b := binary.LittleEndian.Uint64(x[i:]), binary.LittleEndian.Uint64(y[i:])
		if a == b {
			s.outcomes[same]++
		} else if what, ok := c.j.tally.quick(math.Float64frombits(a), math.Float64frombits(b), c.most); ok {
			s.outcomes[what]++
		} else {
			s.others = append(s.others, from+i/8)
		}
	}
}

// quick judges two finite numbers by the tolerances, and says whether that is
// sure. The decimals that stand for x and y (CMP-111) are within half a step of
// float64 of them; most is the largest published number, or not more than 0.
func (l *limits) quick(x, y, most float64) (what outcome, sure bool) {
	if l.power != nil {
		return differs, false // asks for digits
	}
	if l.tolerance.ULP > 0 {
		a, b := ordered(x), ordered(y)
		if uint64(max(a, b))-uint64(min(a, b)) <= uint64(l.tolerance.ULP) {
			return within, true
		}
	}
	const step, near = 0x1p-52, 1e-9
	d := math.Abs(y - x)
	slack := step * (math.Abs(x) + math.Abs(y))
	sure = true
	for i, scale := range [3]float64{1, math.Abs(x), most} {
		if l.quickly[i] < 0 || scale <= 0 {
			continue
		}
		most := l.quickly[i] * scale
		switch {
		case math.IsInf(most, 0) || math.IsNaN(most):
			sure = false
		case d+slack < most*(1-near):
			return within, true
		case d-slack <= most*(1+near):
			sure = false
		}
	}
	return differs, sure
}
