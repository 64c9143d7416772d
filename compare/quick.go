package compare

import "math"

// quick counts two floating-point numbers that differ without writing them
// out, where float64 is sure to find what exact decimal arithmetic would. Where
// it is not, or where the two may be the worst so far, it reports false.
func (c *elements) quick(x, y float64) bool {
	t := c.j.tally
	if c.shown < maxShown || t.spread != nil || t.worst.what == same || c.pub.FloatBits() != 64 {
		return false
	}
	if x == y || x == 0 || math.IsNaN(x-y) || math.IsInf(x-y, 0) || math.IsInf(x, 0) {
		return false
	}
	what, sure := t.limits.quick(x, y, c.most)
	if !sure || what > t.worst.what || what == t.worst.what && -ratio(x, y) <= t.worst.digits.n {
		return false
	}
	t.compared++
	t.outcomes[what]++
	if what == differs {
		c.unshown++
	}
	return true
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
