package svg

import (
	"math"
	"strconv"
	"strings"

	"repro/internal/drawing"
)

// scanner takes numbers off a list.
type scanner struct {
	s  string
	at int
}

func (sc *scanner) blanks() {
	for sc.at < len(sc.s) && strings.IndexByte(" \t\r\n,", sc.s[sc.at]) >= 0 {
		sc.at++
	}
}

func (sc *scanner) end() bool {
	sc.blanks()
	return sc.at == len(sc.s)
}

// number takes one number: they may follow each other without a blank.
func (sc *scanner) number() (float64, bool) {
	sc.blanks()
	i, s := sc.at, sc.s
	digits := func() (n int) {
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n++
		}
		return n
	}
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0, false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		mark := i
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits() == 0 {
			i = mark
		}
	}
	v, err := strconv.ParseFloat(s[sc.at:i], 64)
	sc.at = i
	return v, err == nil
}

// flag takes a 0 or 1, which may stand without a blank.
func (sc *scanner) flag() (float64, bool) {
	sc.blanks()
	if sc.at == len(sc.s) || sc.s[sc.at] != '0' && sc.s[sc.at] != '1' {
		return 0, false
	}
	sc.at++
	return float64(sc.s[sc.at-1] - '0'), true
}

// takes is how many numbers each command has.
var takes = map[byte]int{'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}

// pen draws path data (SVG 1.1, 8.3).
type pen struct {
	drawing.Path
	at, start, handle drawing.Point
	last              byte
}

func data(s string) (drawing.Path, bool) {
	p := &pen{}
	sc := &scanner{s: s}
	for command := byte(0); !sc.end(); {
		if c := s[sc.at]; strings.IndexByte("MmLlHhVvCcSsQqTtAaZz", c) >= 0 {
			command = c
			sc.at++
		} else if command == 0 || command == 'Z' || command == 'z' {
			return p.Path, false
		}
		upper := command &^ 0x20
		var v [7]float64
		for i := range takes[upper] {
			var ok bool
			if upper == 'A' && (i == 3 || i == 4) {
				v[i], ok = sc.flag()
			} else {
				v[i], ok = sc.number()
			}
			if !ok {
				return p.Path, false
			}
		}
		if p.last == 0 && upper != 'M' {
			return p.Path, false
		}
		p.draw(upper, command != upper, v)
		if upper == 'M' {
			command -= 'M' - 'L'
		}
	}
	return p.Path, true
}

func (p *pen) draw(command byte, relative bool, v [7]float64) {
	from := drawing.Point{}
	if relative {
		from = p.at
	}
	at := func(i int) drawing.Point { return drawing.Point{X: from.X + v[i], Y: from.Y + v[i+1]} }
	mirrored := func(after string) drawing.Point {
		if strings.IndexByte(after, p.last) >= 0 {
			return drawing.Point{X: 2*p.at.X - p.handle.X, Y: 2*p.at.Y - p.handle.Y}
		}
		return p.at
	}
	if p.last == 'Z' && command != 'M' && command != 'Z' {
		p.Move(p.start)
	}
	switch command {
	case 'M':
		p.start = at(0)
		p.Move(p.start)
		p.at = p.start
	case 'L':
		p.line(at(0))
	case 'H':
		p.line(drawing.Point{X: from.X + v[0], Y: p.at.Y})
	case 'V':
		p.line(drawing.Point{X: p.at.X, Y: from.Y + v[0]})
	case 'C':
		p.curve(at(0), at(2), at(4))
	case 'S':
		p.curve(mirrored("CS"), at(0), at(2))
	case 'Q':
		p.quadratic(at(0), at(2))
	case 'T':
		p.quadratic(mirrored("QT"), at(0))
	case 'A':
		p.arc(v[0], v[1], v[2], v[3] == 1, v[4] == 1, at(5))
	case 'Z':
		p.Close()
		p.at = p.start
	}
	p.last = command
}

func (p *pen) line(to drawing.Point) {
	p.Line(to)
	p.at = to
}

func (p *pen) curve(a, b, to drawing.Point) {
	p.Curve(a, b, to)
	p.handle, p.at = b, to
}

func (p *pen) quadratic(h, to drawing.Point) {
	third := func(end drawing.Point) drawing.Point {
		return drawing.Point{X: end.X + (h.X-end.X)*2/3, Y: end.Y + (h.Y-end.Y)*2/3}
	}
	p.Curve(third(p.at), third(to), to)
	p.handle, p.at = h, to
}

// arc draws a part of an ellipse as curves of at most a quarter (SVG 1.1, F.6).
func (p *pen) arc(rx, ry, degrees float64, large, sweep bool, to drawing.Point) {
	rx, ry = math.Abs(rx), math.Abs(ry)
	if rx == 0 || ry == 0 || p.at == to {
		p.line(to)
		return
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	dx, dy := (p.at.X-to.X)/2, (p.at.Y-to.Y)/2
	x, y := cos*dx+sin*dy, -sin*dx+cos*dy
	if l := x*x/(rx*rx) + y*y/(ry*ry); l > 1 {
		rx, ry = rx*math.Sqrt(l), ry*math.Sqrt(l)
	}
	f := math.Sqrt(max(0, (rx*rx*ry*ry-rx*rx*y*y-ry*ry*x*x)/(rx*rx*y*y+ry*ry*x*x)))
	if large == sweep {
		f = -f
	}
	cx, cy := f*rx*y/ry, -f*ry*x/rx
	first := math.Atan2((y-cy)/ry, (x-cx)/rx)
	span := math.Atan2((-y-cy)/ry, (-x-cx)/rx) - first
	switch {
	case sweep && span < 0:
		span += 2 * math.Pi
	case !sweep && span > 0:
		span -= 2 * math.Pi
	}
	m := drawing.Matrix{cos, sin, -sin, cos, (p.at.X + to.X) / 2, (p.at.Y + to.Y) / 2}.Then(drawing.Matrix{rx, 0, 0, ry, cx, cy})
	parts := max(1, int(math.Ceil(math.Abs(span)/(math.Pi/2)-1e-9)))
	step := span / float64(parts)
	k := 4.0 / 3 * math.Tan(step/4)
	for i := range parts {
		a, b := first+step*float64(i), first+step*float64(i+1)
		end := m.Apply(drawing.Point{X: math.Cos(b), Y: math.Sin(b)})
		if i == parts-1 {
			end = to
		}
		p.curve(m.Apply(drawing.Point{X: math.Cos(a) - k*math.Sin(a), Y: math.Sin(a) + k*math.Cos(a)}),
			m.Apply(drawing.Point{X: math.Cos(b) + k*math.Sin(b), Y: math.Sin(b) - k*math.Cos(b)}), end)
	}
}
