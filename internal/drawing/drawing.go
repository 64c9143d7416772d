// Package drawing is what a page of a vector figure shows, as a list of marks:
// paths as numbers on the page, text as text with its place, pictures by their
// digest, and whatever a reader does not understand as text that only equals
// itself. Readers of SVG, PostScript and PDF fill it. It says nothing of whether
// two drawings are the same.
//
// All places are in points (1/72 inch) on the page.
package drawing

import (
	"fmt"
	"math"
	"strings"

	"repro/internal/badfile"
)

// Limits on one drawing.
const (
	MaxMarks  = 1 << 18
	MaxPoints = 1 << 21
	maxDepth  = 32 // paths that one mark is cut to
)

// Point is a place on the page.
type Point struct{ X, Y float64 }

// Matrix maps (x, y) to (a·x + c·y + e, b·x + d·y + f), as PostScript, PDF and
// SVG write it.
type Matrix [6]float64

// Identity leaves everything where it is.
var Identity = Matrix{1, 0, 0, 1, 0, 0}

// Apply is where a point goes.
func (m Matrix) Apply(p Point) Point {
	return Point{m[0]*p.X + m[2]*p.Y + m[4], m[1]*p.X + m[3]*p.Y + m[5]}
}

// Then is n done first, then m: the matrix of something that lies within
// something else.
func (m Matrix) Then(n Matrix) Matrix {
	o := m.Apply(Point{n[4], n[5]})
	return Matrix{
		m[0]*n[0] + m[2]*n[1], m[1]*n[0] + m[3]*n[1],
		m[0]*n[2] + m[2]*n[3], m[1]*n[2] + m[3]*n[3],
		o.X, o.Y,
	}
}

// Scale is how much lengths grow, on the whole.
func (m Matrix) Scale() float64 { return math.Sqrt(math.Abs(m[0]*m[3] - m[1]*m[2])) }

// Path is straight and curved lines: of Ops, M and L take one point, C three,
// Z none.
type Path struct {
	Ops    []byte
	Points []Point
}

// Move, Line, Curve and Close add to the path.
func (p *Path) Move(to Point) {
	if n := len(p.Ops); n > 0 && p.Ops[n-1] == 'M' { // the one before drew nothing
		p.Points[len(p.Points)-1] = to
		return
	}
	p.Ops, p.Points = append(p.Ops, 'M'), append(p.Points, to)
}

// Line adds a straight line.
func (p *Path) Line(to Point) { p.Ops, p.Points = append(p.Ops, 'L'), append(p.Points, to) }

// Curve adds a cubic Bézier curve.
func (p *Path) Curve(a, b, to Point) {
	p.Ops, p.Points = append(p.Ops, 'C'), append(p.Points, a, b, to)
}

// Close leads back to where the part began. A straight line there that was drawn
// before is left out.
func (p *Path) Close() {
	n := len(p.Ops)
	if n == 0 || p.Ops[n-1] == 'Z' {
		return
	}
	if p.Ops[n-1] == 'L' && n > 1 {
		if last, start := p.Points[len(p.Points)-1], p.start(); math.Abs(last.X-start.X)+math.Abs(last.Y-start.Y) < 1e-6 {
			p.Ops, p.Points = p.Ops[:n-1], p.Points[:len(p.Points)-1]
		}
	}
	p.Ops = append(p.Ops, 'Z')
}

// start is where the last part of the path began.
func (p *Path) start() Point {
	at := len(p.Points)
	for i := len(p.Ops) - 1; i >= 0; i-- {
		switch p.Ops[i] {
		case 'M':
			return p.Points[at-1]
		case 'L':
			at--
		case 'C':
			at -= 3
		}
	}
	return Point{}
}

// Rect is a rectangle from a corner.
func Rect(x, y, w, h float64) Path {
	return Path{Ops: []byte("MLLLZ"), Points: []Point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}}
}

// Mapped is the path where m takes it.
func (p *Path) Mapped(m Matrix) Path {
	out := Path{Ops: p.Ops, Points: make([]Point, len(p.Points))}
	for i, at := range p.Points {
		out.Points[i] = m.Apply(at)
	}
	return out
}

// Kind is what a mark is.
type Kind uint8

// The kinds.
const (
	Line   Kind = iota // a path, filled or stroked
	Text               // Words at a place
	Glyph              // a letter as a path, at a place
	Other              // Words, which say what it is, not understood
	Canvas             // the page itself, its size in Numbers
)

func (k Kind) String() string {
	return [...]string{"path", "text", "letter", "part", "page"}[k]
}

// Clip is a path that marks are cut to, within another.
type Clip struct {
	Path
	Rule string
	In   *Clip
}

// Mark is one thing that is drawn.
type Mark struct {
	Kind    Kind
	Path              // of Line, on the page; of Glyph, from At
	Style   string    // colours, caps, joins, rules: what is equal or not
	Numbers []float64 // widths, dashes, sizes: equal up to rounding
	Words   string
	At      Point // of Text and Glyph
	Clip    *Clip
	Where   string // in the file, in words
}

// Drawing is what one page shows, in the order in which it is drawn.
type Drawing struct {
	Marks  []Mark
	points int
}

// Add adds a mark. One that shows nothing, because its path is empty, is left out.
func (d *Drawing) Add(m Mark) error {
	if (m.Kind == Line || m.Kind == Glyph) && len(m.Points) == 0 {
		return nil
	}
	if len(d.Marks) == MaxMarks {
		return badfile.TooLarge("more than %d marks", MaxMarks)
	}
	if d.points += len(m.Points); d.points > MaxPoints {
		return badfile.TooLarge("more than %d points", MaxPoints)
	}
	for _, p := range m.Points {
		if !finite(p) {
			return badfile.Damaged("%s lies nowhere", m.Where)
		}
	}
	if !finite(m.At) {
		return badfile.Damaged("%s lies nowhere", m.Where)
	}
	d.Marks = append(d.Marks, m)
	return nil
}

func finite(p Point) bool {
	return !math.IsNaN(p.X) && !math.IsInf(p.X, 0) && !math.IsNaN(p.Y) && !math.IsInf(p.Y, 0)
}

// Within is the clip with one more path.
func (c *Clip) Within(p Path, rule string) (*Clip, error) {
	depth := 0
	for at := c; at != nil; at = at.In {
		depth++
	}
	if depth == maxDepth {
		return nil, badfile.TooLarge("a mark is cut to more than %d paths", maxDepth)
	}
	return &Clip{Path: p, Rule: rule, In: c}, nil
}

// Box is what a mark's points span.
func (m *Mark) Box() (low, high Point) {
	low, high = Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	if len(m.Points) == 0 {
		return m.At, m.At
	}
	for _, p := range m.Points {
		if m.Kind == Glyph {
			p = Point{p.X + m.At.X, p.Y + m.At.Y}
		}
		low = Point{min(low.X, p.X), min(low.Y, p.Y)}
		high = Point{max(high.X, p.X), max(high.Y, p.Y)}
	}
	return low, high
}

// Say is a mark in a few words.
func (m *Mark) Say() string {
	switch m.Kind {
	case Text:
		return fmt.Sprintf("the text %q", badfile.Shorten(m.Words))
	case Other:
		return badfile.Shorten(m.Words)
	case Canvas:
		return fmt.Sprintf("a page of %s", numbers(m.Numbers, " × "))
	case Glyph:
		return "a letter"
	}
	return fmt.Sprintf("a path of %d points, %s", len(m.Points), badfile.Shorten(m.Style))
}

func numbers(list []float64, between string) string {
	var out []string
	for _, v := range list {
		out = append(out, fmt.Sprintf("%.4g", v))
	}
	return strings.Join(out, between)
}

// Hex is a colour with 8 bits a channel.
func Hex(r, g, b float64) string {
	level := func(v float64) int { return int(math.Round(255 * max(0, min(1, v)))) }
	return fmt.Sprintf("#%02x%02x%02x", level(r), level(g), level(b))
}
