package compare

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"repro/format/manifest"
)

// TestFloatIsNearest holds the quick way to strconv's, at its bounds, too.
func TestFloatIsNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	texts := []string{"0", "-0", "0.0", "999999999999999e22", "999999999999999e23", "9999999999999999e22", "1e-22", "1e-23", "123456789012345e-22", "1e400", "-5e-324"}
	for range 20000 {
		digits := r.IntN(19) + 1
		text := ""
		for range digits {
			text += strconv.Itoa(r.IntN(10))
		}
		texts = append(texts, "-"+strconv.Itoa(r.IntN(9)+1)+text+"e"+strconv.Itoa(r.IntN(70)-45))
	}
	for _, text := range texts {
		var n number
		if !n.parse([]byte(text)) {
			t.Fatalf("%s is no number", text)
		}
		want, _ := strconv.ParseFloat(text, 64)
		if got := n.float(); got != want || math.Signbit(got) != math.Signbit(want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestSurely: what float64 says of a tolerance is never more than exact
// arithmetic says, and is asked for nothing at its very bound.
func TestSurely(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	sure := 0
	for _, tolerance := range []manifest.Tolerance{{Relative: "1e-9"}, {Absolute: "1e-9"}, {Relative: "0.1", Absolute: "1e-12"}, {ULP: 1}} {
		l, err := prepareLimits(tolerance)
		if err != nil {
			t.Fatal(err)
		}
		for range 20000 {
			x := r.NormFloat64()
			y := x * (1 + 2e-9*r.NormFloat64())
			p := mustNumber(strconv.FormatFloat(x, 'g', r.IntN(17)+1, 64))
			n := mustNumber(strconv.FormatFloat(y, 'g', r.IntN(17)+1, 64))
			d := between(p, n)
			if l.surely(p, n) {
				sure++
				if !l.accepts(p, n, &d, nil) {
					t.Fatalf("%s and %s are surely within %+v, and are not", p.text, n.text, tolerance)
				}
			}
		}
	}
	if sure < 1000 {
		t.Errorf("%d pairs are surely within", sure)
	}
	l, _ := prepareLimits(manifest.Tolerance{Absolute: "0.1", Relative: "0.5"})
	for _, c := range []struct {
		p, n string
		want bool
	}{{"1.5", "1.6", true}, {"0", "0.1", false}, {"0", "0.09", true}, {"0", "0.11", false}, {"10", "15", false}, {"10", "14", true}, {"1e300", "1e301", false}, {"1e400", "1e400", false}} {
		if got := l.surely(mustNumber(c.p), mustNumber(c.n)); got != c.want {
			t.Errorf("%s and %s: %v", c.p, c.n, got)
		}
	}
}

// TestCloser: a pair is passed over only if it agrees in more digits.
func TestCloser(t *testing.T) {
	for _, c := range []struct {
		p, n string
		than float64
		want bool
	}{
		{"1.000", "1.001", 2.5, true},
		{"1.000", "1.001", 3, false},
		{"1.000", "1.001", 3.5, false},
		{"1.000", "1.0", 2.5, false}, // shows two digits
		{"0", "0.001", 0.5, true},
		{"0", "0.5", 0.5, false},
	} {
		var tl tally
		tl.p.parse([]byte(c.p))
		tl.n.parse([]byte(c.n))
		if got := tl.closer(c.than); got != c.want {
			t.Errorf("%s and %s in more than %v digits: %v", c.p, c.n, c.than, got)
		}
	}
}
