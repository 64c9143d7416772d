package drawing

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// MaxPicture limits what [Picture.SVG] returns, in bytes.
const MaxPicture = 4 << 20

// Picture is a page with marks on it, to be looked at.
type Picture struct {
	Width, Height float64 // points
	Up            bool    // places count from the lower left corner, as PostScript's and PDF's do; else from the upper left
	Layers        []Layer // the first lies below
}

// Layer is marks that are drawn in their own colours, or all in one.
type Layer struct {
	Marks  []*Mark
	Colour string // "#rrggbb", areas half transparent; "": their own
	Faint  bool   // hardly seen
}

// SVG draws the marks as an SVG file that refers to nothing outside of itself and
// runs nothing. Of a figure's text only characters get into it, and of its styles
// only numbers and the few words named here. Embedded pictures and parts that
// were not understood are drawn as dashed frames.
func (p *Picture) SVG() ([]byte, error) {
	if !(p.Width > 0 && p.Height > 0) || p.Width > 1e6 || p.Height > 1e6 {
		return nil, badfile.Unread("a page of %g × %g points", p.Width, p.Height)
	}
	w := &svgWriter{page: p, clips: map[*Clip]int{}}
	w.put(`<svg xmlns="http://www.w3.org/2000/svg" width="`, p.Width, `" height="`, p.Height, `" viewBox="0 0 `, p.Width, ` `, p.Height, `">`)
	for i := range p.Layers {
		w.put(`<g opacity="`, map[bool]float64{false: 1, true: faint}[p.Layers[i].Faint], `">`)
		for _, m := range p.Layers[i].Marks {
			w.mark(m, p.Layers[i].Colour)
			if w.out.Len() > MaxPicture {
				return nil, badfile.TooLarge("a picture of more than %d bytes", MaxPicture)
			}
		}
		w.put(`</g>`)
	}
	w.put("</svg>\n")
	return []byte(w.out.String()), nil
}

type svgWriter struct {
	page  *Picture
	out   strings.Builder
	clips map[*Clip]int // by their number in the file
}

// put writes texts that are markup, and numbers.
func (w *svgWriter) put(parts ...any) {
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			w.out.WriteString(v)
		case float64:
			w.out.WriteString(strconv.FormatFloat(math.Round(v*1000)/1000, 'g', 9, 64))
		case int:
			w.out.WriteString(strconv.Itoa(v))
		}
	}
}

func (w *svgWriter) mark(m *Mark, colour string) {
	clip := w.clip(m.Clip)
	switch m.Kind {
	case Line, Glyph:
		w.put(`<path`)
		w.paint(m, colour)
		w.cut(clip)
		offset := Point{}
		if m.Kind == Glyph {
			offset = m.At
		}
		w.path(&m.Path, offset)
		w.put(`/>`)
	case Text:
		w.text(m, colour, clip)
	case Other:
		if len(m.Points) > 0 {
			w.put(`<path fill="none" stroke="`, orElse(colour, unknownColour), `" stroke-dasharray="3 2"`)
			w.cut(clip)
			w.path(&m.Path, Point{})
			w.put(`/>`)
		}
	}
}

// How much is seen of faint layers, and of areas in the colour of their layer,
// which must not hide what lies below.
const (
	faint = 0.3
	areas = 0.35
)

// unknownColour stands for colours that no reader turned into one of a screen.
const unknownColour = "#888888"

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

// paint writes how a path is filled and stroked.
func (w *svgWriter) paint(m *Mark, colour string) {
	l := lookOf(m.Style)
	if colour != "" {
		l.fill.opacity *= areas
	}
	w.ink("fill", &l.fill, colour)
	if l.evenOdd {
		w.put(` fill-rule="evenodd"`)
	}
	if !l.stroke.shown || len(m.Numbers) == 0 {
		return
	}
	w.ink("stroke", &l.stroke, colour)
	w.put(` stroke-width="`, clamp(max(m.Numbers[0], 0.1)), `"`)
	if l.cap != "" {
		w.put(` stroke-linecap="`, l.cap, `"`)
	}
	if l.join != "" {
		w.put(` stroke-linejoin="`, l.join, `"`)
	}
	if n := len(m.Numbers); n > 2 && l.dashed {
		w.put(` stroke-dasharray="`)
		for _, v := range m.Numbers[1 : n-1] {
			w.put(clamp(math.Abs(v)), " ")
		}
		w.put(`" stroke-dashoffset="`, clamp(m.Numbers[n-1]), `"`)
	}
}

func (w *svgWriter) ink(of string, i *ink, colour string) {
	if !i.shown {
		w.put(` `, of, `="none"`)
		return
	}
	w.put(` `, of, `="`, orElse(colour, orElse(i.colour, unknownColour)), `"`)
	if i.opacity < 1 {
		w.put(` `, of, `-opacity="`, i.opacity, `"`)
	}
}

// text writes words at their place, with the size and slant of their matrix.
func (w *svgWriter) text(m *Mark, colour string, clip int) {
	n := len(m.Numbers)
	if n < 4 {
		return
	}
	x := [4]float64(m.Numbers[n-4:])
	size := math.Hypot(x[2], x[3])
	if !(size > 0) || math.IsInf(size, 0) {
		return
	}
	if w.page.Up {
		x[1], x[2] = -x[1], -x[2]
	}
	at := w.place(m.At)
	l := lookOf(m.Style)
	w.put(`<g`)
	w.cut(clip)
	w.put(`><text xml:space="preserve" font-family="sans-serif" font-size="`, clamp(size), `" fill="`, orElse(colour, orElse(l.fill.colour, unknownColour)), `"`)
	if l.anchor != "" {
		w.put(` text-anchor="`, l.anchor, `"`)
	}
	w.put(` transform="matrix(`, clamp(x[0]/size), ` `, clamp(x[1]/size), ` `, clamp(x[2]/size), ` `, clamp(x[3]/size), ` `, at.X, ` `, at.Y, `)">`)
	_ = xml.EscapeText(&w.out, []byte(strings.ToValidUTF8(letters(m.Words), "\ufffd"))) // a Builder takes all
	w.put(`</text></g>`)
}

// path writes where a path leads.
func (w *svgWriter) path(p *Path, offset Point) {
	w.put(` d="`)
	at := p.Points
	for _, op := range p.Ops {
		n, known := map[byte]int{'M': 1, 'L': 1, 'C': 3, 'Z': 0}[op]
		if !known || n > len(at) {
			break
		}
		w.put(string(rune(op)))
		for _, point := range at[:n] {
			to := w.place(Point{point.X + offset.X, point.Y + offset.Y})
			w.put(to.X, " ", to.Y, " ")
		}
		at = at[n:]
		if w.out.Len() > MaxPicture {
			break
		}
	}
	w.put(`"`)
}

// place is where a point lies on the screen, from the upper left.
func (w *svgWriter) place(p Point) Point {
	if w.page.Up {
		p.Y = w.page.Height - p.Y
	}
	return Point{clamp(p.X), clamp(p.Y)}
}

// clamp keeps numbers within what browsers draw.
func clamp(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return max(-1e6, min(1e6, v))
}

// clip writes what marks are cut to, once, and returns its number: 0 for none.
func (w *svgWriter) clip(c *Clip) int {
	if c == nil {
		return 0
	}
	if n := w.clips[c]; n > 0 {
		return n
	}
	outer := w.clip(c.In)
	n := len(w.clips) + 1
	w.clips[c] = n
	w.put(`<clipPath id="c`, n, `"`)
	w.cut(outer)
	w.put(`><path`)
	if strings.Contains(c.Rule, "evenodd") {
		w.put(` clip-rule="evenodd"`)
	}
	w.path(&c.Path, Point{})
	w.put(`/></clipPath>`)
	return n
}

func (w *svgWriter) cut(clip int) {
	if clip > 0 {
		w.put(` clip-path="url(#c`, clip, `)"`)
	}
}

// Box is a rectangle on the screen, from the upper left.
type Box struct{ X, Y, Width, Height float64 }

// Box is where low and high lie on the screen, with a margin all around.
func (p *Picture) Box(low, high Point, margin float64) Box {
	if p.Up {
		low.Y, high.Y = p.Height-high.Y, p.Height-low.Y
	}
	low = Point{max(0, min(p.Width, low.X)-margin), max(0, min(p.Height, low.Y)-margin)}
	high = Point{min(p.Width, max(0, high.X)+margin), min(p.Height, max(0, high.Y)+margin)}
	return Box{low.X, low.Y, high.X - low.X, high.Y - low.Y}
}

// Joined is boxes of which none touch another: those that do are made one. Of
// more than most, one box remains that holds all.
func Joined(boxes []Box, most int) []Box {
	var out []Box
	for _, b := range boxes {
		for i := 0; i < len(out); i++ {
			if b.touches(out[i]) {
				b = b.with(out[i])
				out = append(out[:i], out[i+1:]...)
				i = -1
			}
		}
		if out = append(out, b); len(out) > most {
			all := out[0]
			for _, o := range out[1:] {
				all = all.with(o)
			}
			out = []Box{all}
		}
	}
	return out
}

func (b Box) touches(o Box) bool {
	return b.X <= o.X+o.Width && o.X <= b.X+b.Width && b.Y <= o.Y+o.Height && o.Y <= b.Y+b.Height
}

func (b Box) with(o Box) Box {
	x, y := min(b.X, o.X), min(b.Y, o.Y)
	return Box{x, y, max(b.X+b.Width, o.X+o.Width) - x, max(b.Y+b.Height, o.Y+o.Height) - y}
}
