package svg

import (
	"math"
	"strconv"
	"strings"

	"repro/internal/drawing"
)

// number is a coordinate in user units; "" is 0.
func number(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, true
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "px"), 64)
	return v, err == nil
}

// length is a length in points.
func length(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	for unit, points := range map[string]float64{"pt": 1, "px": pixel, "in": 72, "cm": 72 / 2.54, "mm": 72 / 25.4, "pc": 12} {
		if v, ok := strings.CutSuffix(s, unit); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			return f * points, err == nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f * pixel, err == nil
}

// numbers is a list with blanks or commas.
func numbers(s string) ([]float64, bool) {
	var out []float64
	sc := scanner{s: s}
	for {
		v, ok := sc.number()
		if !ok {
			return out, sc.end()
		}
		out = append(out, v)
	}
}

// transform reads a list of transformations.
func transform(s string) (drawing.Matrix, bool) {
	m := drawing.Identity
	for s = strings.Trim(s, " ,\t\r\n"); s != ""; s = strings.TrimLeft(s, " ,\t\r\n") {
		name, after, ok := strings.Cut(s, "(")
		body, more, closed := strings.Cut(after, ")")
		list, isList := numbers(body)
		one, known := single(strings.TrimSpace(name), list)
		if !ok || !closed || !isList || !known {
			return m, false
		}
		m, s = m.Then(one), more
	}
	return m, true
}

func single(name string, v []float64) (drawing.Matrix, bool) {
	m := drawing.Identity
	switch {
	case name == "translate" && (len(v) == 1 || len(v) == 2):
		m[4] = v[0]
		if len(v) == 2 {
			m[5] = v[1]
		}
	case name == "scale" && len(v) == 1:
		m[0], m[3] = v[0], v[0]
	case name == "scale" && len(v) == 2:
		m[0], m[3] = v[0], v[1]
	case name == "rotate" && (len(v) == 1 || len(v) == 3):
		sin, cos := math.Sincos(v[0] * math.Pi / 180)
		m = drawing.Matrix{cos, sin, -sin, cos, 0, 0}
		if len(v) == 3 {
			m = drawing.Matrix{1, 0, 0, 1, v[1], v[2]}.Then(m).Then(drawing.Matrix{1, 0, 0, 1, -v[1], -v[2]})
		}
	case name == "matrix" && len(v) == 6:
		m = drawing.Matrix(v)
	case name == "skewX" && len(v) == 1:
		m[2] = math.Tan(v[0] * math.Pi / 180)
	case name == "skewY" && len(v) == 1:
		m[1] = math.Tan(v[0] * math.Pi / 180)
	default:
		return m, false
	}
	return m, true
}

// outline is the path of a shape in its own coordinates.
func outline(e *element) (drawing.Path, bool) {
	var v [8]float64
	for i, name := range []string{"x", "y", "width", "height", "cx", "cy", "r", "rx"} {
		var ok bool
		if v[i], ok = number(e.attr[name]); !ok {
			return drawing.Path{}, false
		}
	}
	ry, ok := number(e.attr["ry"])
	switch e.name {
	case "path":
		return data(e.attr["d"])
	case "rect":
		return drawing.Rect(v[0], v[1], v[2], v[3]), v[7] == 0 && ry == 0 && ok
	case "circle":
		return ellipse(v[4], v[5], v[6], v[6]), true
	case "ellipse":
		return ellipse(v[4], v[5], v[7], ry), ok
	case "line":
		var p drawing.Path
		for i, name := range []string{"x1", "y1", "x2", "y2"} {
			if v[i], ok = number(e.attr[name]); !ok {
				return p, false
			}
		}
		p.Move(drawing.Point{X: v[0], Y: v[1]})
		p.Line(drawing.Point{X: v[2], Y: v[3]})
		return p, true
	case "polyline", "polygon":
		return polygon(e)
	}
	return drawing.Path{}, false
}

func polygon(e *element) (drawing.Path, bool) {
	var p drawing.Path
	list, ok := numbers(e.attr["points"])
	if !ok || len(list)%2 != 0 {
		return p, false
	}
	for i := 0; i < len(list); i += 2 {
		if at := (drawing.Point{X: list[i], Y: list[i+1]}); i == 0 {
			p.Move(at)
		} else {
			p.Line(at)
		}
	}
	if e.name == "polygon" {
		p.Close()
	}
	return p, true
}

// quarter is how far the handles of a curve for a quarter of a circle stand.
const quarter = 0.5522847498307936

func ellipse(x, y, rx, ry float64) drawing.Path {
	var p drawing.Path
	at := func(a, b float64) drawing.Point { return drawing.Point{X: x + a*rx, Y: y + b*ry} }
	p.Move(at(1, 0))
	for _, q := range [][6]float64{{1, quarter, quarter, 1, 0, 1}, {-quarter, 1, -1, quarter, -1, 0}, {-1, -quarter, -quarter, -1, 0, -1}, {quarter, -1, 1, -quarter, 1, 0}} {
		p.Curve(at(q[0], q[1]), at(q[2], q[3]), at(q[4], q[5]))
	}
	p.Close()
	return p
}
