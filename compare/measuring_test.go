package compare

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"repro/format/manifest"
	"repro/internal/ndarray"
	"repro/report"
)

func floatsAs(shape []int, of ...float64) *ndarray.Array {
	a := &ndarray.Array{Name: "x", Class: ndarray.Float, Size: 8, Shape: shape, Order: binary.LittleEndian}
	for _, v := range of {
		a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(v))
	}
	return a
}

// TestMeasuring finds the largest number and the reversed vectors, whether all
// elements come at once or two by two.
func TestMeasuring(t *testing.T) {
	nan := math.NaN()
	pub := floatsAs([]int{3, 2}, 1, -5, 2, 4, nan, 0)
	for _, c := range []struct {
		signs    string
		new      *ndarray.Array
		flip     []bool
		reversed int64
	}{
		{"", floatsAs([]int{3, 2}, -1, 5, -2, -4, nan, 0), nil, 0},
		{signColumns, floatsAs([]int{3, 2}, 1, 5, 2, -4, nan, 0), []bool{false, true}, 1},
		{signColumns, floatsAs([]int{3, 2}, -1, -5, 2, 4, nan, 0), nil, 0}, // not its largest
		{signColumns, floatsAs([]int{3, 2}, -1, 5, -2, -4, nan, 0), []bool{true, true}, 2},
		{signRows, floatsAs([]int{3, 2}, -1, 5, 2, 4, nan, 0), []bool{true, false, false}, 1},
		{signRows, floatsAs([]int{3, 2}, 1, -5, -2, -4, nan, 0), []bool{false, true, false}, 1},
	} {
		for _, step := range []int{2, 6} {
			ready, err := prepare(manifest.Rule{Norm: "1e-9", Signs: c.signs})
			if err != nil {
				t.Fatal(err)
			}
			e := &elements{j: &job{rule: ready, tally: newTally(ready), finding: &report.Finding{}}, pub: pub, new: c.new}
			if !e.measures() {
				t.Fatal("nothing is asked for")
			}
			m := e.measuring()
			for from := 0; from < 6; from += step {
				p, n := *pub, *c.new
				p.Data, n.Data = p.Data[8*from:8*(from+step)], n.Data[8*from:8*(from+step)]
				m.part(&p, &n, from, from+step)
			}
			m.finish()
			if e.most != 5 || string(e.largest.text) != "5" && string(e.largest.text) != "5.0" {
				t.Errorf("largest %v, %s", e.most, e.largest.text)
			}
			if !slices.Equal(e.flip, c.flip) || e.j.tally.reversed != c.reversed {
				t.Errorf("signs of %s, %d at once: %v, %d reversed, want %v", c.signs, step, e.flip, e.j.tally.reversed, c.flip)
			}
		}
	}
}

// TestVectorsOf counts the vectors of shapes.
func TestVectorsOf(t *testing.T) {
	for _, c := range []struct {
		signs string
		shape []int
		want  int
	}{{signColumns, []int{3, 2}, 2}, {signRows, []int{3, 2}, 3}, {signColumns, []int{4, 3, 2}, 8}, {signRows, []int{4, 3, 2}, 12}, {signRows, []int{7}, 1}, {signRows, []int{3, 0}, 1}} {
		ready, err := prepare(manifest.Rule{Signs: c.signs})
		if err != nil {
			t.Fatal(err)
		}
		e := &elements{j: &job{rule: ready}, pub: &ndarray.Array{Shape: c.shape, Size: 8, Class: ndarray.Float}}
		if got := e.vectors(); got != c.want {
			t.Errorf("%s of %v: %d, want %d", c.signs, c.shape, got, c.want)
		}
		for i := range e.pub.Count() {
			if v := e.vector(i); v < 0 || v >= c.want {
				t.Errorf("%s of %v: element %d lies in vector %d", c.signs, c.shape, i, v)
			}
		}
	}
}
