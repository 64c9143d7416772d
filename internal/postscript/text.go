package postscript

import (
	"bytes"
	"errors"
	"fmt"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// advance is how wide a letter is taken to be, by the size of its font.
const advance = 0.6

func init() {
	for word, op := range map[string]builtin{
		"findfont":   findFont,
		"definefont": defineFont,
		"scalefont": func(m *machine) error {
			v, err := m.floats(1)
			return errors.Join(err, m.scaled(err, func() drawing.Matrix { return drawing.Matrix{v[0], 0, 0, v[0], 0, 0} }))
		},
		"makefont": func(m *machine) error {
			a, err := popped[*array](m)
			if err != nil {
				return err
			}
			by, err := asMatrix(a)
			return errors.Join(err, m.scaled(err, func() drawing.Matrix { return by }))
		},
		"setfont": func(m *machine) error {
			d, err := popped[*dict](m)
			if err != nil {
				return err
			}
			m.gs.font = d
			return nil
		},
		"currentfont": func(m *machine) error {
			if m.gs.font == nil {
				return errors.New("no font")
			}
			return m.push(m.gs.font)
		},
		"selectfont": func(m *machine) error {
			v, err := m.pop()
			if err != nil {
				return err
			}
			if err := findFont(m); err != nil {
				return err
			}
			by := drawing.Matrix{}
			switch v := v.(type) {
			case float64:
				by = drawing.Matrix{v, 0, 0, v, 0, 0}
			case *array:
				if by, err = asMatrix(v); err != nil {
					return err
				}
			}
			if err := m.scaled(nil, func() drawing.Matrix { return by }); err != nil {
				return err
			}
			return operators["setfont"].(builtin)(m)
		},
		"show": func(m *machine) error {
			t, err := popped[*text](m)
			if err != nil {
				return err
			}
			return m.show(string(t.b), "", len(t.b))
		},
		"ashow": func(m *machine) error {
			t, err := popped[*text](m)
			if err != nil {
				return err
			}
			v, err := m.floats(2)
			if err != nil {
				return err
			}
			return m.show(string(t.b), fmt.Sprintf(" spaced %.3g", v), len(t.b))
		},
		"widthshow": func(m *machine) error {
			t, err := popped[*text](m)
			if err != nil {
				return err
			}
			v, err := m.floats(3)
			if err != nil {
				return err
			}
			return m.show(string(t.b), fmt.Sprintf(" spaced %.3g", v), len(t.b))
		},
		"xshow": placed, "yshow": placed, "xyshow": placed,
		"glyphshow": func(m *machine) error {
			n, err := popped[name](m)
			if err != nil {
				return err
			}
			return m.show("/"+n.text, m.glyph(n.text), 1)
		},
		"stringwidth": func(m *machine) error {
			t, err := popped[*text](m)
			if err != nil {
				return err
			}
			size, err := m.fontMatrix()
			if err != nil {
				return err
			}
			return m.push(advance*float64(len(t.b))*size[0], advance*float64(len(t.b))*size[1])
		},
		// What stands between these and a mark is a font that is packed: it only
		// equals itself.
		"currentfile": func(m *machine) error { return m.push(mark{}) },
		"eexec":       eexec,
	} {
		operators[word] = op
	}
	operators["StandardEncoding"] = &array{list: []any{name{text: "StandardEncoding"}}}
	operators["ISOLatin1Encoding"] = &array{list: []any{name{text: "ISOLatin1Encoding"}}}
}

// sizeKey is where a font's size is kept.
const sizeKey = "the size of this font"

func (m *machine) scaled(bad error, by func() drawing.Matrix) error {
	if bad != nil {
		return nil
	}
	d, err := popped[*dict](m)
	if err != nil {
		return err
	}
	if err := m.alloc(1, 256); err != nil {
		return err
	}
	out := &dict{m: map[any]any{}, font: d.font}
	for k, v := range d.m {
		out.m[k] = v
	}
	size := by()
	if a, ok := d.m[sizeKey].(*array); ok {
		if old, err := asMatrix(a); err == nil {
			size = size.Then(old)
		}
	}
	out.m[sizeKey] = &array{list: fromMatrix(size)}
	return m.push(out)
}

// findFont takes a font that was defined, or one of the machine's own, of which
// the name is all that is known.
func findFont(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	key, err := keyOf(v)
	if err != nil {
		return err
	}
	n := fmt.Sprint(key)
	if d := m.fonts[n]; d != nil {
		return m.push(d)
	}
	return m.push(&dict{font: n, m: map[any]any{
		"FontName": name{text: n}, "FontType": 1.0, "Encoding": operators["StandardEncoding"], "FID": 0.0,
		"FontMatrix": &array{list: []any{.001, 0.0, 0.0, .001, 0.0, 0.0}}, "FontBBox": &array{list: []any{0.0, 0.0, 1000.0, 1000.0}},
	}})
}

func defineFont(m *machine) error {
	d, err := popped[*dict](m)
	if err != nil {
		return err
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	key, err := keyOf(v)
	if err != nil {
		return err
	}
	if err := m.alloc(1, 256); err != nil {
		return err
	}
	out := &dict{m: d.m}
	base, _ := d.m["FontName"].(name)
	out.font = base.text + digest(d)
	if _, outlines := d.m["CharProcs"].(*dict); outlines { // letter by letter, by their names
		out.font = base.text
	}
	m.fonts[fmt.Sprint(key)] = out
	return m.push(out)
}

// glyph is what a font draws for a letter, where the program says it.
func (m *machine) glyph(n string) string {
	if m.gs.font == nil {
		return ""
	}
	if procs, ok := m.gs.font.m["CharProcs"].(*dict); ok {
		if v, ok := procs.m[n]; ok {
			return " drawn as" + digest(v)
		}
	}
	return ""
}

func (m *machine) fontMatrix() (drawing.Matrix, error) {
	if m.gs.font == nil {
		return drawing.Matrix{}, errors.New("no font")
	}
	a, ok := m.gs.font.m[sizeKey].(*array)
	if !ok {
		return drawing.Matrix{1, 0, 0, 1, 0, 0}, nil
	}
	return asMatrix(a)
}

// placed shows letters each at its place: as one text, with the places.
func placed(m *machine) error {
	a, err := m.pop()
	if err != nil {
		return err
	}
	t, err := popped[*text](m)
	if err != nil {
		return err
	}
	return m.show(string(t.b), " placed"+digest(a), len(t.b))
}

// show adds a text where the current point is, and moves that on.
func (m *machine) show(words, style string, letters int) error {
	g := &m.gs
	size, err := m.fontMatrix()
	if err != nil || !g.started {
		return errors.Join(err, errors.New("a text without a place"))
	}
	if procs, ok := g.font.m["CharProcs"].(*dict); ok && style == "" { // by codes: their letters are the whole font's
		style = digest(procs) + digest(g.font.m["Encoding"])
	}
	c := g.ctm.Then(size)
	mark := drawing.Mark{Kind: drawing.Text, Words: words, Style: "fill " + g.colour + g.space + " font " + g.font.font + style,
		Numbers: []float64{c[0], c[1], c[2], c[3]}, At: g.at, Clip: g.clip, Where: m.where()}
	g.at.X += advance * float64(letters) * c[0]
	g.at.Y += advance * float64(letters) * c[1]
	g.path.Move(g.at)
	return m.out.Add(mark)
}

// eexec passes over a packed font: its bytes are a part that only equals itself.
func eexec(m *machine) error {
	if _, err := m.pop(); err != nil {
		return err
	}
	rest := m.in.b[m.in.at:]
	at := bytes.Index(rest, []byte("cleartomark"))
	if at < 0 {
		return badfile.Damaged("a packed font does not end")
	}
	m.in.at += at
	if err := m.push(mark{}); err != nil {
		return err
	}
	return m.out.Add(drawing.Mark{Kind: drawing.Other, Words: "a packed font" + digest(&text{rest[:at]}), Where: m.where()})
}
