package postscript

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// state is the graphics state.
type state struct {
	ctm     drawing.Matrix
	path    drawing.Path
	at      drawing.Point // on the page
	started bool          // there is a current point
	begin   drawing.Point
	clip    *drawing.Clip
	space   string // of colours, if not one that is known
	colour  string
	rgb     [3]float64
	width   float64
	cap     int
	join    int
	miter   float64
	dashes  []float64
	phase   float64
	font    *dict
}

func init() {
	for word, op := range map[string]builtin{
		"gsave": func(m *machine) error {
			if len(m.saved) == maxStates {
				return badfile.TooLarge("more than %d states are saved", maxStates)
			}
			if err := m.alloc(min(maxLength, len(m.gs.path.Points)), 16); err != nil {
				return err
			}
			s := m.gs
			s.path = drawing.Path{Ops: slices.Clone(s.path.Ops), Points: slices.Clone(s.path.Points)}
			m.saved = append(m.saved, s)
			return nil
		},
		"grestore": grestore,
		"save": func(m *machine) error {
			return errors.Join(operators["gsave"].(builtin)(m), m.push(mark{}))
		},
		"restore": func(m *machine) error { _, err := m.pop(); return errors.Join(err, grestore(m)) },
		"newpath": func(m *machine) error { m.gs.path, m.gs.started = drawing.Path{}, false; return nil },
		"moveto":  move(false), "rmoveto": move(true), "lineto": line(false), "rlineto": line(true),
		"curveto": curve(false), "rcurveto": curve(true), "arc": arc(1), "arcn": arc(-1),
		"closepath": func(m *machine) error {
			m.gs.path.Close()
			m.gs.at = m.gs.begin
			return nil
		},
		"currentpoint": func(m *machine) error {
			p, ok := inverse(m.gs.ctm, m.gs.at)
			if !ok || !m.gs.started {
				return errors.New("no current point")
			}
			return m.push(p.X, p.Y)
		},
		"fill": func(m *machine) error { return m.paint("fill", "") }, "eofill": func(m *machine) error { return m.paint("fill", " evenodd") },
		"stroke": func(m *machine) error { return m.paint("stroke", "") },
		"clip":   func(m *machine) error { return m.cut("") }, "eoclip": func(m *machine) error { return m.cut("evenodd") },
		"rectfill": rectangle("fill"), "rectstroke": rectangle("stroke"), "rectclip": rectangle("clip"),
		"initclip":        func(m *machine) error { m.gs.clip = nil; return nil },
		"setgray":         colours(1, func(v []float64) [3]float64 { return [3]float64{v[0], v[0], v[0]} }),
		"setrgbcolor":     colours(3, func(v []float64) [3]float64 { return [3]float64{v[0], v[1], v[2]} }),
		"currentrgbcolor": func(m *machine) error { return m.push(m.gs.rgb[0], m.gs.rgb[1], m.gs.rgb[2]) },
		"currentgray": func(m *machine) error {
			return m.push(0.3*m.gs.rgb[0] + 0.59*m.gs.rgb[1] + 0.11*m.gs.rgb[2])
		},
		"setcmykcolor": func(m *machine) error {
			v, err := m.floats(4)
			m.gs.colour, m.gs.space = fmt.Sprintf("cmyk %.4g", v), ""
			return err
		},
		"sethsbcolor": func(m *machine) error {
			v, err := m.floats(3)
			m.gs.colour, m.gs.space = fmt.Sprintf("hsb %.4g", v), ""
			return err
		},
		"setcolorspace": func(m *machine) error {
			v, err := m.pop()
			m.gs.space, m.gs.colour = digest(v), "#000000"
			if strings.Contains(plain(v, 0), "Pattern") {
				return errors.New("a pattern")
			}
			return err
		},
		"setcolor": setColour,
		"setlinewidth": func(m *machine) error {
			v, err := m.floats(1)
			return set(err, func() { m.gs.width = v[0] })
		},
		"currentlinewidth": func(m *machine) error { return m.push(m.gs.width) },
		"setlinecap":       func(m *machine) error { v, err := m.whole(); m.gs.cap = v; return err },
		"setlinejoin":      func(m *machine) error { v, err := m.whole(); m.gs.join = v; return err },
		"setmiterlimit": func(m *machine) error {
			v, err := m.floats(1)
			return set(err, func() { m.gs.miter = v[0] })
		},
		"setflat":         func(m *machine) error { _, err := m.pop(); return err },
		"setoverprint":    func(m *machine) error { _, err := m.pop(); return err },
		"setpagedevice":   func(m *machine) error { _, err := m.pop(); return err },
		"setglobal":       func(m *machine) error { _, err := m.pop(); return err },
		"currentglobal":   func(m *machine) error { return m.push(false) },
		"setstrokeadjust": func(m *machine) error { _, err := m.pop(); return err },
		"setdash":         setDash,
		"translate":       changed(2, func(v []float64) drawing.Matrix { return drawing.Matrix{1, 0, 0, 1, v[0], v[1]} }),
		"scale":           changed(2, func(v []float64) drawing.Matrix { return drawing.Matrix{v[0], 0, 0, v[1], 0, 0} }),
		"rotate": changed(1, func(v []float64) drawing.Matrix {
			sin, cos := math.Sincos(v[0] * math.Pi / 180)
			return drawing.Matrix{cos, sin, -sin, cos, 0, 0}
		}),
		"concatmatrix": func(m *machine) error {
			to, err := popped[*array](m)
			if err != nil {
				return err
			}
			b, err := popped[*array](m)
			if err != nil {
				return err
			}
			a, err := popped[*array](m)
			if err != nil {
				return err
			}
			outer, errB := asMatrix(b)
			inner, errA := asMatrix(a)
			if errA != nil || errB != nil || len(to.list) != 6 {
				return errors.New("no matrix")
			}
			copy(to.list, fromMatrix(outer.Then(inner)))
			return m.push(to)
		},
		"concat": func(m *machine) error {
			a, err := popped[*array](m)
			if err != nil {
				return err
			}
			by, err := asMatrix(a)
			m.gs.ctm = m.gs.ctm.Then(by)
			return err
		},
		"setmatrix": func(m *machine) error {
			a, err := popped[*array](m)
			if err != nil {
				return err
			}
			m.gs.ctm, err = asMatrix(a)
			return err
		},
		"currentmatrix": func(m *machine) error {
			a, err := popped[*array](m)
			if err != nil {
				return err
			}
			if len(a.list) != 6 {
				return errors.New("no matrix")
			}
			copy(a.list, fromMatrix(m.gs.ctm))
			return m.push(a)
		},
		"transform": transformed(false, false), "dtransform": transformed(true, false),
		"itransform": transformed(false, true), "idtransform": transformed(true, true),
		"showpage": func(m *machine) error {
			m.page++
			return m.out.Add(drawing.Mark{Kind: drawing.Other, Words: "the end of a page", Where: fmt.Sprintf("page %d", m.page)})
		},
	} {
		operators[word] = op
	}
}

// changed changes the matrix of the state, or one that is given.
func changed(n int, by func([]float64) drawing.Matrix) builtin {
	return func(m *machine) error {
		if k := len(m.stack); k > 0 {
			if a, ok := m.stack[k-1].(*array); ok && len(a.list) == 6 {
				m.stack = m.stack[:k-1]
				v, err := m.floats(n)
				if err != nil {
					return err
				}
				copy(a.list, fromMatrix(by(v)))
				return m.push(a)
			}
		}
		v, err := m.floats(n)
		if err != nil {
			return err
		}
		m.gs.ctm = m.gs.ctm.Then(by(v))
		return nil
	}
}

// set runs f where there was no error, and hands the error on.
func set(err error, f func()) error {
	if err == nil {
		f()
	}
	return err
}

func grestore(m *machine) error {
	if n := len(m.saved); n > 0 {
		m.gs, m.saved = m.saved[n-1], m.saved[:n-1]
	}
	return nil
}

// inverse is where a matrix takes a place from.
func inverse(c drawing.Matrix, p drawing.Point) (drawing.Point, bool) {
	det := c[0]*c[3] - c[1]*c[2]
	x, y := p.X-c[4], p.Y-c[5]
	return drawing.Point{X: (c[3]*x - c[2]*y) / det, Y: (c[0]*y - c[1]*x) / det}, det != 0
}

// transformed takes a place, or a distance, to the page or back from it.
func transformed(distance, back bool) builtin {
	return func(m *machine) error {
		c := m.gs.ctm
		if n := len(m.stack); n > 0 {
			if a, ok := m.stack[n-1].(*array); ok {
				m.stack = m.stack[:n-1]
				var err error
				if c, err = asMatrix(a); err != nil {
					return err
				}
			}
		}
		if distance {
			c[4], c[5] = 0, 0
		}
		v, err := m.floats(2)
		if err != nil {
			return err
		}
		p, ok := c.Apply(drawing.Point{X: v[0], Y: v[1]}), true
		if back {
			p, ok = inverse(c, drawing.Point{X: v[0], Y: v[1]})
		}
		if !ok {
			return errors.New("a matrix that can't be undone")
		}
		return m.push(p.X, p.Y)
	}
}

// points takes n places off the stack, as they are on the page.
func (m *machine) points(n int, relative bool) ([]drawing.Point, error) {
	v, err := m.floats(2 * n)
	if err != nil {
		return nil, err
	}
	if relative && !m.gs.started {
		return nil, errors.New("no current point")
	}
	if len(m.gs.path.Points) > drawing.MaxPoints {
		return nil, badfile.TooLarge("a path of more than %d points", drawing.MaxPoints)
	}
	out := make([]drawing.Point, n)
	for i := range out {
		p := drawing.Point{X: v[2*i], Y: v[2*i+1]}
		if out[i] = m.gs.ctm.Apply(p); relative {
			out[i].X += m.gs.at.X - m.gs.ctm[4]
			out[i].Y += m.gs.at.Y - m.gs.ctm[5]
		}
	}
	return out, nil
}

func move(relative bool) builtin {
	return func(m *machine) error {
		p, err := m.points(1, relative)
		if err != nil {
			return err
		}
		m.gs.path.Move(p[0])
		m.gs.at, m.gs.begin, m.gs.started = p[0], p[0], true
		return nil
	}
}

// resume begins a part of the path where the last was closed.
func (m *machine) resume() error {
	if !m.gs.started {
		return errors.New("no current point")
	}
	if n := len(m.gs.path.Ops); n == 0 || m.gs.path.Ops[n-1] == 'Z' {
		m.gs.path.Move(m.gs.at)
	}
	return nil
}

func line(relative bool) builtin {
	return func(m *machine) error {
		p, err := m.points(1, relative)
		if err == nil {
			err = m.resume()
		}
		if err != nil {
			return err
		}
		m.gs.path.Line(p[0])
		m.gs.at = p[0]
		return nil
	}
}

func curve(relative bool) builtin {
	return func(m *machine) error {
		p, err := m.points(3, relative)
		if err == nil {
			err = m.resume()
		}
		if err != nil {
			return err
		}
		m.gs.path.Curve(p[0], p[1], p[2])
		m.gs.at = p[2]
		return nil
	}
}

// arc draws a part of a circle as curves of at most a quarter.
func arc(way float64) builtin {
	return func(m *machine) error {
		v, err := m.floats(5)
		if err != nil {
			return err
		}
		x, y, r, from, to := v[0], v[1], v[2], v[3]*math.Pi/180, v[4]*math.Pi/180
		if math.Abs(from) > 1e6 || math.Abs(to) > 1e6 {
			return errors.New("an angle beyond reason")
		}
		for way > 0 && to < from {
			to += 2 * math.Pi
		}
		for way < 0 && to > from {
			to -= 2 * math.Pi
		}
		on := func(a, k float64) drawing.Point {
			return m.gs.ctm.Apply(drawing.Point{X: x + r*(math.Cos(a)-k*math.Sin(a)), Y: y + r*(math.Sin(a)+k*math.Cos(a))})
		}
		if start := on(from, 0); m.gs.started {
			if err := m.resume(); err != nil {
				return err
			}
			m.gs.path.Line(start)
		} else {
			m.gs.path.Move(start)
			m.gs.begin, m.gs.started = start, true
		}
		parts := max(1, int(math.Ceil(math.Abs(to-from)/(math.Pi/2)-1e-9)))
		if parts > 64 {
			return errors.New("an angle beyond reason")
		}
		step := (to - from) / float64(parts)
		k := 4.0 / 3 * math.Tan(step/4)
		for i := range parts {
			a := from + step*float64(i)
			m.gs.path.Curve(on(a, k), on(a+step, -k), on(a+step, 0))
		}
		m.gs.at = on(to, 0)
		return nil
	}
}
