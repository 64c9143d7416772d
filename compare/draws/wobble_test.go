package draws

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWobble holds that a draw with another amount of noise is found where the
// levels lie far apart, and how often a good one is not.
func TestWobble(t *testing.T) {
	const rounds, alpha = 200, 0.01
	for name, c := range map[string]struct {
		n, m        int
		plant       func(*rand.Rand, *Column)
		least, most int // beyond doubt, of rounds
		seen        int // at least, those in doubt with them
	}{
		"a good draw, 2":   {60, 2, func(*rand.Rand, *Column) {}, 0, 4, 0},
		"a good draw, 5":   {60, 5, func(*rand.Rand, *Column) {}, 0, 4, 0},
		"a good draw, 10":  {8, 10, func(*rand.Rand, *Column) {}, 0, 4, 0},
		"heavy tails":      {60, 5, heavy, 0, 4, 0},
		"shifted draws":    {60, 5, shifted, 0, 4, 0},
		"a random walk":    {60, 5, walk, 0, 8, 0},
		"twice the noise":  {60, 5, spreadBy(2), 60, rounds, 190},
		"half the noise":   {200, 5, spreadBy(0.5), 120, rounds, 185},
		"none of it":       {60, 5, spreadBy(0), 120, rounds, 190},
		"thrice, 2 draws":  {200, 2, spreadBy(3), 0, 0, 195},
		"thrice, 10 draws": {20, 10, spreadBy(3), 120, rounds, 180},
		"too few places":   {7, 10, spreadBy(9), 0, 0, 0},
	} {
		r, found, seen := rand.New(rand.NewPCG(3, 4)), 0, 0
		for range rounds {
			col := column(r, c.n, c.m, 50, 0, false, 6)
			c.plant(r, col)
			z, noise := col.standardised()
			if d := col.wobble(alpha, z, noise); d != nil {
				if seen++; !d.Unsure {
					found++
				}
			}
		}
		if found < c.least || found > c.most || seen < c.seen {
			t.Errorf("%s: %d of %d found and %d seen, want %d to %d and %d", name, found, rounds, seen, c.least, c.most, c.seen)
		}
	}
}

// spreadBy draws all numbers anew, the new ones with f times the noise.
func spreadBy(f float64) func(*rand.Rand, *Column) {
	return func(r *rand.Rand, c *Column) {
		for s, draw := range append([][]float64{c.New}, c.Earlier...) {
			for i := range draw {
				draw[i] = 50*float64(i) + r.NormFloat64()
				if s == 0 {
					draw[i] = 50*float64(i) + f*r.NormFloat64()
				}
			}
		}
	}
}

// shifted moves each draw as a whole, which is the business of [Column.shift].
func shifted(r *rand.Rand, c *Column) {
	for _, draw := range append([][]float64{c.New}, c.Earlier...) {
		by := 3 * r.NormFloat64()
		for i := range draw {
			draw[i] = 50*float64(i) + by + r.NormFloat64()
		}
	}
}

// walk replaces all draws by sums of noise, whose places move together.
func walk(r *rand.Rand, c *Column) {
	for _, draw := range append([][]float64{c.New}, c.Earlier...) {
		at := 0.0
		for i := range draw {
			at += r.NormFloat64()
			draw[i] = 50*float64(i) + at
		}
	}
}

// heavy replaces all draws by such with Student's t of 2 degrees of freedom.
func heavy(r *rand.Rand, c *Column) {
	for _, draw := range append([][]float64{c.New}, c.Earlier...) {
		for i := range draw {
			draw[i] = float64(i) + r.NormFloat64()/math.Sqrt(r.ExpFloat64())
		}
	}
}

// TestWobbleOfWholes holds that draws that differ in their noise as wholes are no
// measure, and one far beyond them is refused all the same.
func TestWobbleOfWholes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	good, far := 0, 0
	for range 100 {
		c := column(r, 100, 6, 50, 0, false, 6)
		for s, draw := range append([][]float64{c.New}, c.Earlier...) {
			f := []float64{1, 0.2, 3, 0.5, 2, 1, 0.3}[s]
			for i := range draw {
				draw[i] = float64(i) + f*r.NormFloat64()
			}
		}
		z, noise := c.standardised()
		if d := c.wobble(0.01, z, noise); d == nil {
			good++
		}
		for i := range c.New {
			c.New[i] = float64(i) + 1000*r.NormFloat64()
		}
		if d := c.wobble(0.01, z, noise); d != nil {
			far++
		}
	}
	if good != 100 || far < 50 {
		t.Errorf("%d of 100 good draws pass, %d of 100 far ones are seen", good, far)
	}
}

func TestShare(t *testing.T) {
	c := Column{Earlier: [][]float64{{0, 5, 1}, {2, 5, 3}}}
	// At the first place 1.5 of 2/3·(3-1)² + 2, at the second nothing moves, at the
	// third nothing of what moves is the draw's.
	got, n := c.share([]float64{3, 5, 2})
	part := (2.0 / 3 * 4) / (2.0/3*4 + 2)
	sd := math.Sqrt(max(2.0/16, square(part)/2))
	if want := (part/2 - 0.5) / (sd / math.Sqrt2); n != 2 || math.Abs(got-want) > 1e-12 {
		t.Errorf("%v at %d places, want %v", got, n, want)
	}
	if got, n := c.share([]float64{1, 5, 2}); n != 2 || got >= 0 {
		t.Errorf("%v at %d places", got, n)
	}
}
