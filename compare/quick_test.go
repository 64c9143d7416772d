package compare

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"repro/format/manifest"
)

// TestQuick holds what float64 is sure of against exact decimal arithmetic,
// near the limits of each tolerance.
func TestQuick(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	sure := 0
	for range 40_000 {
		x := math.Ldexp(r.NormFloat64(), r.IntN(80)-40)
		most := math.Abs(x) * (1 + 10*r.Float64())
		size := math.Pow(10, -float64(r.IntN(17)))
		y := x + x*size*(r.Float64()*2-1)
		if r.IntN(3) == 0 { // at the limit itself
			y = x + x*size
		}
		text := strconv.FormatFloat(size, 'e', 2, 64)
		rule := []manifest.Tolerance{{Relative: text}, {Absolute: strconv.FormatFloat(size*math.Abs(x), 'e', 3, 64)},
			{Norm: text}, {ULP: 1 + r.Int64N(4)}, {Relative: text, ULP: 2}, {Digits: 3}, {}}[r.IntN(7)]
		l, err := prepareLimits(rule)
		if err != nil {
			t.Fatal(err)
		}
		what, is := l.quick(x, y, most)
		if !is || x == y {
			continue
		}
		sure++
		p, n := mustNumber(strconv.FormatFloat(x, 'g', -1, 64)), mustNumber(strconv.FormatFloat(y, 'g', -1, 64))
		d := between(p, n)
		want := differs
		if l.tolerant() && l.accepts(p, n, &d, mustNumber(strconv.FormatFloat(most, 'g', -1, 64))) {
			want = within
		}
		if what != want {
			t.Fatalf("%v, %v by %+v: sure of %d, exactly %d", x, y, rule, what, want)
		}
	}
	if sure < 20_000 {
		t.Errorf("sure of %d pairs only", sure)
	}
}
