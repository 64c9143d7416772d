// Package draws tells whether a new result of a random experiment is one more
// draw of the same kind as earlier ones (SPEC.md CMP-39).
//
// A column is judged as a whole: each of its places has its own level and its
// own noise, estimated from the earlier draws; what the new numbers depart from
// these by is tested for a single place that is off, a shift, another scale,
// other noise, another distribution, and numbers that were copied. Each test may refuse a
// good draw with a probability that the caller states.
package draws

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Few is the number of differences between earlier draws from which the noise
// of a column is known well enough to be tested; with less, the ranges of the
// places decide.
const Few = 8

// tests that are made of each column; the probability is shared among them.
const tests = 5

// mostPrior bounds how far the noise of one place is drawn towards that of all.
// More would follow from places whose noise is alike by chance.
const mostPrior = 4.0

// wideLevels is how many times its least the largest level of a column must be,
// that noise may be seen to grow with the level.
const wideLevels = 10

// Probabilities with which a small column is called like the others, and not.
const (
	like   = 0.05
	unlike = 0.005
)

// Column is the numbers of one column that move from draw to draw. All slices
// are of one length, one number for each place.
type Column struct {
	Earlier [][]float64 // of each earlier draw; at least two
	New     []float64
	Unit    []float64 // of the last digit printed; 0 where none is
}

// Departure is one way in which the new draw is not like the earlier ones.
type Departure struct {
	Place  int    // of the number that shows it, or of the one furthest off
	Words  string // what departs, as a predicate: "is shifted by 1.2 of its noise"
	Unsure bool   // the earlier draws are too few to tell
}

// Departures tests a column. A draw like the earlier ones has none with a
// probability of at least 1 - alpha.
func (c *Column) Departures(alpha float64) []Departure {
	n, m := len(c.New), len(c.Earlier)
	if n*(m-1) < Few {
		return c.byRange()
	}
	z, noise := c.standardised()
	if at := slices.IndexFunc(slices.Concat(z, noise.sd), notFinite); at >= 0 {
		return []Departure{{Place: at % n, Words: "holds numbers that cannot be measured", Unsure: true}}
	}
	var out []Departure
	for _, test := range []func(float64, []float64, *noiseModel) *Departure{c.outlier, c.shift, c.spreads, c.distribution, c.copies} {
		if d := test(alpha/tests, z, noise); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// byRange holds each number of a small column to what was found at its place:
// the range, widened by its own width. Beyond that a t test with the noise of
// the whole column decides, and says whether it can be told at all.
func (c *Column) byRange() (out []Departure) {
	m := len(c.Earlier)
	var sum float64
	for i := range c.New {
		level, _ := c.level(i)
		for s := range c.Earlier {
			sum += square(c.Earlier[s][i] - level)
		}
	}
	free := float64(len(c.New) * (m - 1))
	sd := math.Sqrt(sum/free) * math.Sqrt(1+1/float64(m))
	t := distuv.StudentsT{Sigma: 1, Nu: free}
	places := float64(2 * len(c.New))
	good, bad := 0.0, t.Quantile(1-unlike/places)*sd
	if free >= Few/2 {
		good = t.Quantile(1-like/places) * sd
	}
	if notFinite(sd) {
		return []Departure{{Words: "holds numbers that cannot be measured", Unsure: true}}
	}
	for i, x := range c.New {
		low, high := math.Inf(1), math.Inf(-1)
		for _, draw := range c.Earlier {
			low, high = math.Min(low, draw[i]), math.Max(high, draw[i])
		}
		width := high - low
		if x >= low-width-c.Unit[i]/2 && x <= high+width+c.Unit[i]/2 {
			continue
		}
		level, _ := c.level(i)
		if off := math.Abs(x - level); off > good {
			out = append(out, Departure{Place: i, Words: "is beyond what was found there before", Unsure: off <= bad})
		}
	}
	slices.SortStableFunc(out, func(a, b Departure) int { return cmp.Compare(truth(a.Unsure), truth(b.Unsure)) })
	return out
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

func square(x float64) float64 { return x * x }

// level is the mean and the variance of the earlier draws at a place. What
// rounding for print adds is the least that a variance can be.
func (c *Column) level(i int) (mean, variance float64) {
	m := float64(len(c.Earlier))
	for _, draw := range c.Earlier {
		mean += draw[i] / m
	}
	for _, draw := range c.Earlier {
		variance += square(draw[i]-mean) / (m - 1)
	}
	return mean, math.Max(variance, square(c.Unit[i])/12)
}

// noiseModel is the noise of each place: its own, drawn towards that of all
// (Smyth, Statistical Applications in Genetics and Molecular Biology 3(1),
// 2004).
type noiseModel struct {
	sd       []float64
	relative bool    // it grows with the level
	free     float64 // degrees of freedom
}

// noise estimates the noise of each place. Where it grows with the level, it is
// relative to that.
func (c *Column) noise() *noiseModel {
	n, m := len(c.New), len(c.Earlier)
	levels, logs := make([]float64, n), make([]float64, n)
	for i := range n {
		level, variance := c.level(i)
		levels[i], logs[i] = math.Abs(level), math.Log(math.Max(variance, math.SmallestNonzeroFloat64))
	}
	relative := slices.Max(levels) > wideLevels*slices.Min(levels) && slices.Min(levels) > 0
	scaled := slices.Clone(logs)
	for i := range scaled {
		if relative {
			scaled[i] -= 2 * math.Log(levels[i])
		}
	}
	if relative = relative && variance(scaled) < variance(logs); !relative {
		scaled = logs
	}
	own := float64(m - 1)
	excess := variance(scaled) - mathext.Zeta(2, own/2) // trigamma
	prior := mostPrior
	if excess > 0 {
		prior = math.Min(prior, 2*inverseTrigamma(excess))
	}
	common := mean(scaled) - mathext.Digamma(own/2) + math.Log(own/2) + mathext.Digamma(prior/2) - math.Log(prior/2)
	out := &noiseModel{sd: make([]float64, n), relative: relative, free: prior + own}
	for i := range out.sd {
		v := (prior*math.Exp(common) + own*math.Exp(scaled[i])) / (prior + own)
		if out.sd[i] = math.Sqrt(v); relative {
			out.sd[i] *= levels[i]
		}
	}
	return out
}

// inverseTrigamma solves trigamma(x) = y by Newton's method.
func inverseTrigamma(y float64) float64 {
	if y > 1e7 {
		return 1 / math.Sqrt(y)
	}
	if y < 1e-6 {
		return 1 / y
	}
	x := 0.5 + 1/y
	for range 50 {
		t := mathext.Zeta(2, x)
		step := t * (1 - t/y) / (-2 * mathext.Zeta(3, x))
		x += step
		if -step/x < 1e-8 {
			break
		}
	}
	return x
}

// standardised is the new numbers' distance from the levels in units of noise.
func (c *Column) standardised() ([]float64, *noiseModel) {
	noise := c.noise()
	z := make([]float64, len(c.New))
	for i, x := range c.New {
		level, _ := c.level(i)
		z[i] = (x - level) / (noise.sd[i] * math.Sqrt(1+1/float64(len(c.Earlier))))
	}
	return z, noise
}

// outlier looks for one number that is too far from its level.
func (c *Column) outlier(alpha float64, z []float64, noise *noiseModel) *Departure {
	bound := distuv.StudentsT{Sigma: 1, Nu: noise.free}.Quantile(1 - alpha/(2*float64(len(z))))
	at := furthest(z)
	if math.Abs(z[at]) <= bound {
		return nil
	}
	return &Departure{Place: at, Words: fmt.Sprintf("is %.1f times its noise from where it was (%.1f may occur)", math.Abs(z[at]), bound)}
}

func furthest(z []float64) int {
	at := 0
	for i := range z {
		if math.Abs(z[i]) > math.Abs(z[at]) {
			at = i
		}
	}
	return at
}

// location is the t statistic of a mean that should be nothing.
func location(z []float64) float64 {
	sd := math.Sqrt(variance(z))
	if sd == 0 {
		sd = math.SmallestNonzeroFloat64
	}
	return mean(z) / (sd / math.Sqrt(float64(len(z))))
}

// shift looks for a column that moved as a whole, further than the earlier
// draws did among themselves.
func (c *Column) shift(alpha float64, z []float64, noise *noiseModel) *Departure {
	n, m := len(z), len(c.Earlier)
	if n < 3 {
		return nil
	}
	got := math.Abs(location(z))
	bound := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(1 - alpha/2)
	if got <= bound {
		return nil
	}
	var own, rms float64
	for s := range c.Earlier {
		t := math.Abs(location(c.against(s, noise)))
		own, rms = math.Max(own, t), rms+square(t)/float64(m)
	}
	found := &Departure{Place: furthest(z), Words: fmt.Sprintf("is shifted as a whole, by %.1f times the noise of a number", math.Abs(mean(z)))}
	if own <= bound { // draws are not shifted as wholes
		return found
	}
	if got <= 2*own {
		return nil
	}
	found.Unsure = got <= distuv.StudentsT{Sigma: 1, Nu: float64(m - 1)}.Quantile(1-alpha/2)*math.Sqrt(rms)
	return found
}

// against is one earlier draw as [Column.standardised] has it, measured at the
// others.
func (c *Column) against(s int, noise *noiseModel) []float64 {
	others := Column{Earlier: slices.Delete(slices.Clone(c.Earlier), s, s+1), New: c.Earlier[s], Unit: c.Unit}
	z := make([]float64, len(c.New))
	for i, x := range others.New {
		var level float64
		for _, draw := range others.Earlier {
			level += draw[i] / float64(len(others.Earlier))
		}
		z[i] = (x - level) / (noise.sd[i] * math.Sqrt(1+1/float64(len(others.Earlier))))
	}
	return z
}

// scale looks for a column whose numbers lie further apart, or closer: two
// draws have the same variance if their sum and their difference are not
// correlated (Pitman; Morgan, Biometrika 31, 1939), also where the places have
// levels of their own.
func (c *Column) scale(alpha float64, z []float64, noise *noiseModel) *Departure {
	n, m := len(c.New), len(c.Earlier)
	if n < 4 {
		return nil
	}
	bound := distuv.StudentsT{Sigma: 1, Nu: float64(n - 2)}.Quantile(1 - alpha/2)
	least := math.Inf(1)
	for _, draw := range c.Earlier {
		least = math.Min(least, math.Abs(unequal(draw, c.New, noise.relative)))
	}
	if least <= bound {
		return nil
	}
	var own float64
	for s := range m {
		for t := range s {
			own = math.Max(own, math.Abs(unequal(c.Earlier[s], c.Earlier[t], noise.relative)))
		}
	}
	found := &Departure{Place: furthest(z), Words: fmt.Sprintf("is scaled, by about %.3g", math.Sqrt(variance(c.New)/variance(c.Earlier[0])))}
	if own > bound {
		if least <= 2*own {
			return nil
		}
		found.Unsure = m < 3
	}
	return found
}

// unequal is the t statistic of Pitman and Morgan; of logarithms, where noise
// grows with the level.
func unequal(a, b []float64, logarithms bool) float64 {
	sums, gaps := make([]float64, len(a)), make([]float64, len(a))
	for i := range a {
		x, y := a[i], b[i]
		if logarithms {
			if x*y <= 0 {
				return 0
			}
			x, y = math.Log(math.Abs(x)), math.Log(math.Abs(y))
		}
		sums[i], gaps[i] = x+y, y-x
	}
	r := correlation(sums, gaps)
	if r*r >= 1 {
		return math.Copysign(math.Inf(1), r)
	}
	return r * math.Sqrt((float64(len(a))-2)/(1-r*r))
}

// distribution compares all numbers to those of the earlier draws by the test
// of Kolmogorov and Smirnov.
func (c *Column) distribution(alpha float64, z []float64, _ *noiseModel) *Departure {
	all := slices.Sorted(slices.Values(slices.Concat(c.Earlier...)))
	fresh := slices.Sorted(slices.Values(c.New))
	a, b := float64(len(all)), float64(len(fresh))
	gap := steps(all, fresh)
	bound := math.Sqrt(-math.Log(alpha/2)/2) * math.Sqrt((a+b)/(a*b))
	if gap <= bound {
		return nil
	}
	return &Departure{Place: furthest(z), Words: fmt.Sprintf("is distributed otherwise (the distributions are %.2f apart, %.2f may occur)", gap, bound)}
}

// steps is the largest distance between two empirical distributions of sorted
// numbers.
func steps(a, b []float64) (most float64) {
	for i, k := 0, 0; i < len(a) && k < len(b); {
		x := math.Min(a[i], b[k])
		for i < len(a) && a[i] == x {
			i++
		}
		for k < len(b) && b[k] == x {
			k++
		}
		most = math.Max(most, math.Abs(float64(i)/float64(len(a))-float64(k)/float64(len(b))))
	}
	return most
}

// copies looks for new numbers that are those of an earlier draw, or of another
// place of the new one, more often than digits and noise let expect.
func (c *Column) copies(alpha float64, _ []float64, noise *noiseModel) *Departure {
	n := len(c.New)
	var expected, within float64 // by chance
	low, high := slices.Min(c.New), slices.Max(c.New)
	for i := range n {
		expected += float64(len(c.Earlier)) * math.Min(1, c.Unit[i]/(2*noise.sd[i]))
		if high > low {
			within += float64(n-1) / 2 * math.Min(1, 4*c.Unit[i]/(high-low))
		}
	}
	taken, at := 0, 0
	for i, x := range c.New {
		for _, draw := range c.Earlier {
			if draw[i] == x {
				taken, at = taken+1, i
				break
			}
		}
	}
	if unlikely(taken, expected+float64(n*c.shared()), alpha/2) {
		return &Departure{Place: at, Words: fmt.Sprintf("holds %d numbers that are those of an earlier draw", taken)}
	}
	most := 0
	for _, draw := range c.Earlier {
		twice, _ := repeated(draw)
		most = max(most, twice)
	}
	twice, at := repeated(c.New)
	if unlikely(twice, within+float64(most), alpha/2) {
		return &Departure{Place: at, Words: fmt.Sprintf("holds %d numbers that stand there twice", twice)}
	}
	return nil
}

// shared is 1 if earlier draws have numbers in common at their places, as
// discrete ones have; such columns hold no copies that could be told.
func (c *Column) shared() int {
	for i := range c.New {
		for s := range c.Earlier {
			for t := range s {
				if c.Earlier[s][i] == c.Earlier[t][i] {
					return 1
				}
			}
		}
	}
	return 0
}

// unlikely reports whether so many were found though few are expected.
func unlikely(found int, expected, alpha float64) bool {
	return found > 0 && distuv.Poisson{Lambda: math.Max(expected, 1e-12)}.Survival(float64(found)-0.5) < alpha
}

// repeated counts the numbers that were met before, and names the last.
func repeated(draw []float64) (count, at int) {
	seen := map[float64]bool{}
	for i, x := range draw {
		if seen[x] {
			count, at = count+1, i
		}
		seen[x] = true
	}
	return count, at
}

func mean(x []float64) (out float64) {
	for _, v := range x {
		out += v / float64(len(x))
	}
	return out
}

func variance(x []float64) (out float64) {
	if len(x) < 2 {
		return 0
	}
	m := mean(x)
	for _, v := range x {
		out += square(v-m) / float64(len(x)-1)
	}
	return out
}

func correlation(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += square(x[i] - mx)
		yy += square(y[i] - my)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
