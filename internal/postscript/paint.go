package postscript

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"repro/internal/drawing"
	"slices"
	"strings"
)

func (m *machine) where() string { return fmt.Sprintf("line %d", m.in.line()) }

// paint adds the path as a mark, and ends it.
func (m *machine) paint(how, rule string) error {
	g := &m.gs
	mark := drawing.Mark{Kind: drawing.Line, Path: g.path, Style: how + " " + g.colour + rule + g.space, Clip: g.clip, Where: m.where()}
	if how == "stroke" {
		mark.Style += fmt.Sprintf(" cap %d join %d miter %g", g.cap, g.join, g.miter)
		mark.Numbers = []float64{g.width * g.ctm.Scale()}
		if len(g.dashes) > 0 {
			mark.Style += " dashed"
			for _, d := range append(slices.Clone(g.dashes), g.phase) {
				mark.Numbers = append(mark.Numbers, d*g.ctm.Scale())
			}
		}
	}
	g.path, g.started = drawing.Path{}, false
	return m.out.Add(mark)
}

func (m *machine) cut(rule string) (err error) {
	g := &m.gs
	g.clip, err = g.clip.Within(drawing.Path{Ops: slices.Clone(g.path.Ops), Points: slices.Clone(g.path.Points)}, rule)
	return err
}

func rectangle(how string) builtin {
	return func(m *machine) error {
		v, err := m.floats(4)
		if err != nil {
			return err
		}
		g := &m.gs
		before, at, started := g.path, g.at, g.started
		r := drawing.Rect(v[0], v[1], v[2], v[3])
		g.path = r.Mapped(g.ctm)
		if how == "clip" {
			err = m.cut("")
			g.path, g.started = drawing.Path{}, false
			return err
		}
		err = m.paint(how, "")
		g.path, g.at, g.started = before, at, started
		return err
	}
}

func colours(n int, rgb func([]float64) [3]float64) builtin {
	return func(m *machine) error {
		v, err := m.floats(n)
		if err != nil {
			return err
		}
		m.gs.rgb = rgb(v)
		m.gs.colour, m.gs.space = drawing.Hex(m.gs.rgb[0], m.gs.rgb[1], m.gs.rgb[2]), ""
		return nil
	}
}

// setColour takes all numbers there are, as their count hangs on the space.
func setColour(m *machine) error {
	var v []float64
	for len(m.stack) > 0 && len(v) < 4 {
		f, ok := m.stack[len(m.stack)-1].(float64)
		if !ok {
			break
		}
		v = append([]float64{f}, v...)
		m.stack = m.stack[:len(m.stack)-1]
	}
	if len(v) == 0 {
		return errors.New("a colour that is no number")
	}
	m.gs.colour = fmt.Sprintf("colour %.4g", v)
	if len(v) == 3 {
		m.gs.rgb, m.gs.colour = [3]float64(v), drawing.Hex(v[0], v[1], v[2])
	}
	return nil
}

func setDash(m *machine) error {
	phase, err := m.floats(1)
	if err != nil {
		return err
	}
	a, err := popped[*array](m)
	if err != nil {
		return err
	}
	m.gs.dashes, m.gs.phase = nil, phase[0]
	for _, v := range a.list {
		f, ok := v.(float64)
		if !ok || len(m.gs.dashes) > 64 {
			return errors.New("dashes that are not numbers")
		}
		m.gs.dashes = append(m.gs.dashes, f)
	}
	return nil
}

// digest sums an object.
func digest(v any) string { return fmt.Sprintf(" %.12x", sha256.Sum256([]byte(plain(v, 0)))) }

// plain writes an object out.
func plain(v any, depth int) string {
	if depth > 16 {
		return "…"
	}
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%.6g", v)
	case name:
		return "/" + v.text
	case *text:
		return fmt.Sprintf("(%x)", v.b)
	case *array:
		var out []string
		for _, e := range v.list {
			out = append(out, plain(e, depth+1))
		}
		return "[" + strings.Join(out, " ") + "]"
	case *dict:
		var out []string
		for key, e := range v.m {
			if key != "FID" && key != "UniqueID" {
				out = append(out, fmt.Sprint(key, " ", plain(e, depth+1)))
			}
		}
		slices.Sort(out)
		return "<<" + strings.Join(out, " ") + ">>"
	case builtin:
		return "operator"
	}
	return fmt.Sprint(v)
}
