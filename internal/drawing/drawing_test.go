package drawing

import (
	"errors"
	"math"
	"testing"

	"repro/internal/badfile"
)

func TestMatrix(t *testing.T) {
	outer, inner := Matrix{2, 0, 0, 3, 5, 7}, Matrix{0, 1, -1, 0, 1, 1}
	p := Point{3, 4}
	if got, want := outer.Then(inner).Apply(p), outer.Apply(inner.Apply(p)); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := outer.Scale(); math.Abs(got-math.Sqrt(6)) > 1e-12 {
		t.Errorf("grows by %v", got)
	}
}

func TestPath(t *testing.T) {
	var p Path
	p.Close() // of nothing
	p.Move(Point{1, 1})
	p.Move(Point{2, 2}) // in place of the first
	p.Line(Point{3, 2})
	p.Curve(Point{4, 2}, Point{4, 3}, Point{3, 3})
	p.Line(Point{2, 2})
	p.Close()
	p.Close()
	if string(p.Ops) != "MLCZ" || len(p.Points) != 5 || p.Points[0] != (Point{2, 2}) {
		t.Errorf("%s %v", p.Ops, p.Points)
	}
	m := Mark{Kind: Line, Path: p}
	if low, high := m.Box(); low != (Point{2, 2}) || high != (Point{4, 3}) {
		t.Errorf("spans %v %v", low, high)
	}
	m.Kind, m.At = Glyph, Point{10, 20}
	if low, _ := m.Box(); low != (Point{12, 22}) {
		t.Errorf("a letter begins at %v", low)
	}
}

func TestLimits(t *testing.T) {
	var d Drawing
	for _, m := range []Mark{{Kind: Line, Path: Path{Ops: []byte("M"), Points: []Point{{math.NaN(), 0}}}}, {Kind: Text, At: Point{0, math.Inf(1)}}} {
		if err := d.Add(m); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%v: %v", m, err)
		}
	}
	if err := d.Add(Mark{Kind: Line}); err != nil || len(d.Marks) != 0 {
		t.Errorf("an empty path is a mark: %v", err)
	}
	if err := d.Add(Mark{Kind: Line, Path: Path{Points: make([]Point, MaxPoints+1)}}); !errors.Is(err, badfile.ErrTooLarge) {
		t.Error(err)
	}
	d = Drawing{Marks: make([]Mark, MaxMarks)}
	if err := d.Add(Mark{Kind: Text}); !errors.Is(err, badfile.ErrTooLarge) {
		t.Error(err)
	}
	var c *Clip
	for i := range maxDepth + 1 {
		next, err := c.Within(Path{}, "")
		if errors.Is(err, badfile.ErrTooLarge) != (i == maxDepth) {
			t.Fatalf("after %d: %v", i, err)
		}
		c = next
	}
}

func TestHex(t *testing.T) {
	if got := Hex(1, .5, -3); got != "#ff8000" {
		t.Error(got)
	}
}
