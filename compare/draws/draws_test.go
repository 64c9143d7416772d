package draws

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// column is m earlier draws and a new one of n places. Levels are how far apart
// the places lie, in units of noise; run is what each draw is shifted by.
func column(r *rand.Rand, n, m int, levels, run float64, relative bool, digits int) *Column {
	level, noise := make([]float64, n), make([]float64, n)
	for i := range n {
		level[i] = 10 + levels*r.NormFloat64()
		noise[i] = math.Exp(0.3 * r.NormFloat64())
		if relative {
			level[i] = math.Exp(levels / 3 * r.NormFloat64())
			noise[i] = 0.1 * level[i]
		}
	}
	unit := math.Pow10(-digits)
	draw := func() []float64 {
		x, shift := make([]float64, n), run*r.NormFloat64()
		for i := range x {
			x[i] = math.Round((level[i]+noise[i]*(r.NormFloat64()+shift))/unit) * unit
		}
		return x
	}
	c := &Column{New: draw(), Unit: slices.Repeat([]float64{unit}, n)}
	for range m {
		c.Earlier = append(c.Earlier, draw())
	}
	return c
}

// refused reports whether a departure is beyond doubt.
func refused(ds []Departure) bool {
	return slices.ContainsFunc(ds, func(d Departure) bool { return !d.Unsure })
}

// TestGoodDraws holds the promise: a draw like the others is refused with a
// probability of at most alpha, whatever the column is like.
func TestGoodDraws(t *testing.T) {
	const alpha, rounds = 0.01, 1500
	for _, n := range []int{5, 12, 60, 200} {
		for _, m := range []int{2, 3, 8} {
			for _, levels := range []float64{0, 3, 100} {
				r := rand.New(rand.NewPCG(uint64(n), uint64(m)))
				bad, unsure := 0, 0
				for range rounds / 3 {
					ds := column(r, n, m, levels, 0, false, 6).Departures(alpha)
					if refused(ds) {
						bad++
					} else if len(ds) > 0 {
						unsure++
					}
				}
				if limit := alpha * rounds / 3 * 2; float64(bad) > limit+3 {
					t.Errorf("%d places, %d draws, levels %v: %d of %d good draws are refused, %d unsure", n, m, levels, bad, rounds/3, unsure)
				}
			}
		}
	}
}

// TestGoodDrawsOfOtherKinds is the same for noise that grows with the level,
// draws that are shifted as wholes, and numbers with few digits.
func TestGoodDrawsOfOtherKinds(t *testing.T) {
	const alpha, rounds = 0.01, 400
	for name, make := range map[string]func(*rand.Rand) *Column{
		"relative": func(r *rand.Rand) *Column { return column(r, 40, 3, 6, 0, true, 6) },
		"shifted":  func(r *rand.Rand) *Column { return column(r, 40, 4, 20, 1, false, 6) },
		"rounded":  func(r *rand.Rand) *Column { return column(r, 40, 3, 3, 0, false, 0) },
	} {
		r, bad := rand.New(rand.NewPCG(1, 2)), 0
		for range rounds {
			if refused(make(r).Departures(alpha)) {
				bad++
			}
		}
		if bad > 12 {
			t.Errorf("%s: %d of %d good draws are refused", name, bad, rounds)
		}
	}
}

// TestPlants holds that what is not a draw like the others is found.
func TestPlants(t *testing.T) {
	const rounds = 100
	for name, c := range map[string]struct {
		n      int
		levels float64
		plant  func(*rand.Rand, *Column)
		least  int // found of rounds
	}{
		"shift by the noise": {60, 50, func(_ *rand.Rand, c *Column) {
			for i := range c.New {
				c.New[i]++
			}
		}, 95},
		"shift of draws without levels": {60, 0, func(_ *rand.Rand, c *Column) {
			for i := range c.New {
				c.New[i]++
			}
		}, 95},
		"shift by the column's sd": {10, 50, func(_ *rand.Rand, c *Column) {
			for i := range c.New {
				c.New[i] += 50
			}
		}, 100},
		"scaled": {30, 50, func(_ *rand.Rand, c *Column) {
			for i := range c.New {
				c.New[i] *= 1.1
			}
		}, 99},
		"twice as wide": {60, 0, func(_ *rand.Rand, c *Column) {
			for i := range c.New {
				c.New[i] = 10 + 2*(c.New[i]-10)
			}
		}, 90},
		"two places swapped": {20, 50, func(_ *rand.Rand, c *Column) {
			i, k := furthestPair(c.New)
			c.New[i], c.New[k] = c.New[k], c.New[i]
		}, 99},
		"copied from an earlier draw": {40, 50, func(_ *rand.Rand, c *Column) { copy(c.New[:6], c.Earlier[1][:6]) }, 100},
		"copied within":               {40, 0, func(_ *rand.Rand, c *Column) { copy(c.New[:6], c.New[10:16]) }, 100},
		"one number off":              {20, 50, func(_ *rand.Rand, c *Column) { c.New[3] += 60 }, 99},
	} {
		r, found := rand.New(rand.NewPCG(7, 8)), 0
		for range rounds {
			col := column(r, c.n, 3, c.levels, 0, false, 6)
			c.plant(r, col)
			if refused(col.Departures(0.01)) {
				found++
			}
		}
		if found < c.least {
			t.Errorf("%s: found %d times of %d, want %d", name, found, rounds, c.least)
		}
	}
}

func furthestPair(x []float64) (low, high int) {
	for i := range x {
		if x[i] < x[low] {
			low = i
		}
		if x[i] > x[high] {
			high = i
		}
	}
	return low, high
}

// TestFew holds small columns to the ranges of their places.
func TestFew(t *testing.T) {
	c := &Column{Earlier: [][]float64{{1.50, 2.50}, {1.60, 2.45}}, Unit: []float64{0.01, 0.01}}
	for _, k := range []struct {
		new  []float64
		want string
	}{
		{[]float64{1.45, 2.52}, "[]"},
		{[]float64{1.70, 2.40}, "[]"},
		{[]float64{1.45, 2.56}, "[1 true]"},
		{[]float64{9.00, 2.50}, "[0 false]"},
		{[]float64{1.75, 9.50}, "[1 false 0 true]"},
	} {
		c.New = k.new
		var got []any
		for _, d := range c.Departures(0.01) {
			got = append(got, d.Place, d.Unsure)
		}
		if fmt.Sprint(got) != k.want {
			t.Errorf("%v: %v, want %s", k.new, got, k.want)
		}
	}
}

func TestInverseTrigamma(t *testing.T) {
	for y, want := range map[float64]float64{math.Pi * math.Pi / 6: 1, math.Pi * math.Pi / 2: 0.5} {
		if got := inverseTrigamma(y); math.Abs(got-want) > 1e-6 {
			t.Errorf("%v: %v, want %v", y, got, want)
		}
	}
}

// TestHostileColumns holds that no column stops the program, and none that
// cannot be measured passes.
func TestHostileColumns(t *testing.T) {
	inf := math.Inf(1)
	for i, c := range []Column{
		{Earlier: [][]float64{{1e308, 1}, {-1e308, 2}}, New: []float64{1e308, 1}, Unit: []float64{1, 1}},
		{Earlier: slices.Repeat([][]float64{{inf}}, 12), New: []float64{inf}, Unit: []float64{1}},
		{Earlier: slices.Repeat([][]float64{slices.Repeat([]float64{1e300}, 9)}, 2), New: slices.Repeat([]float64{-1e300}, 9), Unit: make([]float64, 9)},
	} {
		if ds := c.Departures(0.01); len(ds) == 0 {
			t.Errorf("column %d passes", i)
		}
	}
	for n := 1; n < 6; n++ { // few places, many draws
		r := rand.New(rand.NewPCG(uint64(n), 1))
		bad := 0
		for range 200 {
			if refused(column(r, n, 12, 3, 0, false, 6).Departures(0.01)) {
				bad++
			}
		}
		if bad > 10 {
			t.Errorf("%d places, 12 draws: %d of 200 good draws are refused", n, bad)
		}
		c := column(r, n, 12, 3, 0, false, 6)
		if c.New[0] += 40; !refused(c.Departures(0.01)) {
			t.Errorf("%d places: a number far off is not found", n)
		}
	}
	zero := Column{Earlier: slices.Repeat([][]float64{make([]float64, 9)}, 3), New: make([]float64, 9), Unit: make([]float64, 9)}
	zero.Departures(0.01)
}
