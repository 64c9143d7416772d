package draws

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// leastNoisy is how many places that move a column must have, that how far its
// numbers lie from their levels can be tested.
const leastNoisy = 8

// spreads looks for numbers that lie further apart or closer, from each other or
// from their levels.
func (c *Column) spreads(alpha float64, z []float64, noise *noiseModel) *Departure {
	scaled, wobbles := c.scale(alpha/2, z, noise), c.wobble(alpha/2, z, noise)
	if scaled == nil || scaled.Unsure && wobbles != nil {
		return wobbles
	}
	return scaled
}

// likeWholes is the probability with which draws whose places move each for itself
// are taken for such whose places move together.
const likeWholes = 0.1

// wobble looks for a draw whose numbers lie further from their levels than those
// of earlier draws do, or closer: another number of samples behind each, another
// temperature, or means that were taken for a draw. [Column.scale] sees that only
// where the levels do not lie far apart themselves.
//
// What moved a draw as a whole is taken out first. Where the places of one draw
// move together otherwise, the earlier draws show it, and are the measure; few
// of them leave it open.
func (c *Column) wobble(alpha float64, z []float64, noise *noiseModel) *Departure {
	m := len(c.Earlier)
	c = c.unshifted(noise)
	got, n := c.share(c.New)
	if n < leastNoisy {
		return nil
	}
	bound := shareBound(alpha, n, m)
	if math.Abs(got) <= bound {
		return nil
	}
	words := "lies further from where it was than earlier draws do"
	if got < 0 {
		words = "lies closer to the mean of earlier draws than these do"
	}
	found := &Departure{Place: furthest(z), Words: fmt.Sprintf("%s (by %.1f standard errors, %.1f may occur)", words, math.Abs(got), bound)}
	if m < 3 { // two draws are equally far from their mean
		found.Unsure = true
		return found
	}
	var own, rms float64
	for s := range c.Earlier {
		rest := Column{Earlier: without(c.Earlier, s)}
		t, _ := rest.share(c.Earlier[s])
		own, rms = math.Max(own, math.Abs(t)), rms+square(t)/float64(m)
	}
	if own > shareBound(likeWholes/float64(m), n, m-1) && math.Abs(got) <= 2*own {
		return nil
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(m - 1)}
	found.Unsure = math.Abs(got) <= t.Quantile(1-alpha/2)*math.Sqrt(math.Max(rms, 1))
	return found
}

// unshifted is the column without what each draw was shifted by, in units of the
// noise.
func (c *Column) unshifted(noise *noiseModel) *Column {
	levels := make([]float64, len(c.New))
	for i := range levels {
		levels[i], _ = c.level(i)
	}
	shift := func(draw []float64) []float64 {
		var by float64
		for i, x := range draw {
			by += (x - levels[i]) / noise.sd[i] / float64(len(draw))
		}
		out := make([]float64, len(draw))
		for i, x := range draw {
			out[i] = x - by*noise.sd[i]
		}
		return out
	}
	out := &Column{New: shift(c.New), Unit: c.Unit}
	for _, draw := range c.Earlier {
		out.Earlier = append(out.Earlier, shift(draw))
	}
	return out
}

// share is by how many standard errors the draw has more than its part in what
// all draws depart from their means by, and at how many places any does. Of m + 1
// draws that are alike this part is, at each place and whatever its noise, a Beta
// variable with 1/2 and (m - 1)/2 where noise is normal, and 1/m in the mean in
// any case; where it scatters more than that, its own scatter is the measure.
func (c *Column) share(draw []float64) (t float64, n int) {
	m := float64(len(c.Earlier))
	var parts []float64
	for i, x := range draw {
		level, sum := 0.0, 0.0
		for _, d := range c.Earlier {
			level += d[i] / m
		}
		for _, d := range c.Earlier {
			sum += square(d[i] - level)
		}
		own := m / (m + 1) * square(x-level)
		if all := sum + own; all > 0 {
			parts = append(parts, own/all)
		}
	}
	if n = len(parts); n == 0 {
		return 0, 0
	}
	sd := math.Sqrt(math.Max(shareVariance(m), variance(parts)))
	return (mean(parts) - 1/m) / (sd / math.Sqrt(float64(n))), n
}

// shareVariance is that of a place's part.
func shareVariance(m float64) float64 { return 2 * (m - 1) / (m * m * (m + 2)) }

// shareBound is how far the mean of n parts may lie above or below 1/m: the normal
// bound, widened by what their skewness adds (Cornish and Fisher, 1938).
func shareBound(alpha float64, n, m int) float64 {
	z := distuv.UnitNormal.Quantile(1 - alpha/2)
	a, b := 0.5, float64(m-1)/2
	skew := 2 * (b - a) * math.Sqrt(a+b+1) / ((a + b + 2) * math.Sqrt(a*b))
	return z + (z*z-1)*math.Abs(skew)/(6*math.Sqrt(float64(n)))
}

// without is the draws but one.
func without(draws [][]float64, s int) [][]float64 {
	out := append([][]float64{}, draws[:s]...)
	return append(out, draws[s+1:]...)
}
