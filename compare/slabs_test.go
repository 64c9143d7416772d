package compare

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/internal/ndarray"
	"repro/report"
)

// TestSlabs holds that a data set compared a few rows at a time gets the
// finding that it gets at once.
func TestSlabs(t *testing.T) {
	defer func(was func(context.Context, *job) error) { comparers[kindHDF5] = was }(comparers[kindHDF5])
	var pairs [][2]string
	folders, err := filepath.Glob("../testdata/vectors/compare/hdf5-*/published.h5")
	if err != nil || len(folders) < 10 {
		t.Fatal(folders, err)
	}
	for _, name := range folders {
		pairs = append(pairs, [2]string{name, strings.Replace(name, "published", "new", 1)})
	}
	planted, err := filepath.Glob("../testdata/vectors/planted/*/*.h5")
	if err != nil || len(planted) < 5 {
		t.Fatal(planted, err)
	}
	for _, name := range planted {
		pairs = append(pairs, [2]string{filepath.Join(filepath.Dir(name), "base.h5"), name})
	}
	for _, pair := range pairs {
		for _, rule := range []manifest.Rule{{}, {Relative: "1e-6"}, {Norm: "1e-6"}, {Signs: signColumns}, {Signs: signRows, Norm: "1e-9"}} {
			var found [2]any
			for i, least := range []int{0, 1 << 62} {
				comparers[kindHDF5] = func(ctx context.Context, j *job) error { return compareHDF5From(ctx, j, least) }
				f, err := Files(t.Context(), Path(pair[0]), Path(pair[1]), rule)
				found[i] = []any{f, err}
			}
			if !reflect.DeepEqual(found[0], found[1]) {
				t.Errorf("%s by %+v:\n%+v\n%+v", pair[1], rule, found[0], found[1])
			}
		}
	}
}

// TestDivisor is what steps of two data sets have in common.
func TestDivisor(t *testing.T) {
	for _, c := range [][3]int{{1, 1, 1}, {4, 6, 2}, {6, 4, 2}, {5, 7, 1}, {8, 2, 2}, {3, 0, 3}} {
		if got := divisor(c[0], c[1]); got != c[2] {
			t.Errorf("%d, %d: %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

// TestScan holds what all processors find together against what is found
// number by number.
func TestScan(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, math.MaxFloat64, 1}
	for _, tolerance := range []manifest.Tolerance{{}, {Relative: "1e-9"}, {Absolute: "1e-10", ULP: 3}, {Digits: 5}} {
		const n = 3*(1<<12) + 77
		pub := &ndarray.Array{Name: "x", Class: ndarray.Float, Size: 8, Shape: []int{n}, Order: binary.LittleEndian}
		fresh := *pub
		for i := range n {
			x := r.NormFloat64()
			y := x * (1 + r.NormFloat64()*math.Pow(10, -float64(r.IntN(17))))
			switch r.IntN(200) {
			case 0:
				x = special[r.IntN(len(special))]
			case 1:
				y = special[r.IntN(len(special))]
			}
			if i < maxShown+5 {
				y = x + 1 // fills what is shown
			}
			pub.Data = binary.LittleEndian.AppendUint64(pub.Data, math.Float64bits(x))
			fresh.Data = binary.LittleEndian.AppendUint64(fresh.Data, math.Float64bits(y))
		}
		together, single := elementsOf(t, tolerance, pub, &fresh, true), elementsOf(t, tolerance, pub, &fresh, false)
		if !reflect.DeepEqual(together.j.tally.outcomes, single.j.tally.outcomes) || together.j.tally.worst != single.j.tally.worst ||
			together.j.tally.compared != single.j.tally.compared || together.unshown+int64(together.shown) != single.unshown+int64(single.shown) {
			t.Errorf("%+v:\n%+v\n%+v", tolerance, together.j.tally, single.j.tally)
		}
		if single.j.tally.compared != n {
			t.Errorf("%d of %d numbers compared", single.j.tally.compared, n)
		}
	}
}

// elementsOf compares two arrays, number by number or as they come.
func elementsOf(t *testing.T, by manifest.Tolerance, pub, fresh *ndarray.Array, together bool) *elements {
	t.Helper()
	ready, err := prepare(manifest.Rule{Absolute: by.Absolute, Relative: by.Relative, ULP: by.ULP, Digits: by.Digits})
	if err != nil {
		t.Fatal(err)
	}
	j := &job{rule: ready, tally: newTally(ready), finding: &report.Finding{}, watch: &differ{}}
	j.tally.binary = true
	e := &elements{j: j, pub: pub, new: fresh}
	if !together {
		for i := range pub.Count() {
			e.one(i)
		}
		return e
	}
	if err := e.part(t.Context(), 0, pub.Count()); err != nil {
		t.Fatal(err)
	}
	if !e.scannable() {
		t.Error("nothing was looked at together")
	}
	return e
}
