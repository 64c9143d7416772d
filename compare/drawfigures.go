package compare

import (
	"math"
	"strings"
	"unicode/utf8"

	"repro/internal/badfile"
	"repro/internal/drawing"
	"repro/internal/postscript"
	"repro/internal/svg"
)

// Limits on what marks where two figures differ.
const (
	maxBoxes  = 12
	boxMargin = 4.0 // points around what differs
)

// Colours of what only one figure draws.
const (
	onlyPublished = "#1f5fbf"
	onlyNew       = "#d0021b"
)

// Drawn is two vector figures, to be shown in a report.
type Drawn struct {
	Published, New DrawnFigure
	// Difference is an SVG file: what both draw faintly, what only the published
	// figure draws in blue, and what only the new one draws in red; nil if
	// nothing differs, or if it is too large.
	Difference []byte
}

// DrawnFigure is one of them.
type DrawnFigure struct {
	Width, Height float64       // of its page, in points
	SVG           []byte        // its marks, drawn anew; nil if that is too large
	Places        []drawing.Box // where the figures differ
}

// DrawFigures reads two figures of a kind that is judged by its marks (svg, eps)
// and draws them, with the places where they differ. What it returns holds no
// script and refers to nothing, whatever the figures hold.
func DrawFigures(kind string, pub, new []byte) (*Drawn, error) {
	read, up := svg.Read, false
	switch kind {
	case kindSVG:
	case kindEPS:
		read, up = postscript.Read, true
	default:
		return nil, badfile.Unread("a file of kind %s", kind)
	}
	j := &job{}
	d, of, err := j.drawn(read, [2][]byte{pub, new})
	if err != nil {
		return nil, outside(err, of, kind)
	}
	out := &Drawn{}
	pages := [2]drawing.Picture{page(d.pub, up), page(d.new, up)}
	for i, figure := range []*DrawnFigure{&out.Published, &out.New} {
		p := pages[i]
		p.Layers = []drawing.Layer{{Marks: marksOf([]*drawing.Drawing{d.pub, d.new}[i], nil)}}
		figure.Width, figure.Height = p.Width, p.Height
		figure.SVG, _ = p.SVG() // where it is too large, the report says that there is none
		figure.Places = d.places(&p)
	}
	if len(out.New.Places) == 0 {
		return out, nil
	}
	both := pages[1]
	both.Width, both.Height = max(pages[0].Width, pages[1].Width), max(pages[0].Height, pages[1].Height)
	off, fresh := d.off()
	both.Layers = []drawing.Layer{
		{Marks: marksOf(d.new, fresh), Faint: true},
		{Marks: off, Colour: onlyPublished},
		{Marks: fresh, Colour: onlyNew},
	}
	out.Difference, _ = both.SVG()
	return out, nil
}

// page is an empty page of the size of a drawing's.
func page(d *drawing.Drawing, up bool) drawing.Picture {
	p := drawing.Picture{Up: up}
	for i := range d.Marks {
		if m := &d.Marks[i]; m.Kind == drawing.Canvas && len(m.Numbers) == 2 {
			p.Width, p.Height = m.Numbers[0], m.Numbers[1]
		}
	}
	return p
}

// marksOf lists a drawing's marks, but for some.
func marksOf(d *drawing.Drawing, without []*drawing.Mark) []*drawing.Mark {
	left := map[*drawing.Mark]bool{}
	for _, m := range without {
		left[m] = true
	}
	var out []*drawing.Mark
	for i := range d.Marks {
		if m := &d.Marks[i]; !left[m] {
			out = append(out, m)
		}
	}
	return out
}

// all lists what differs, is not read or stands elsewhere.
func (d *drawings) all() []markDifference {
	out := append([]markDifference{}, d.differ...)
	return append(append(out, d.unread...), d.moved...)
}

// off lists the published and the new marks that have no like.
func (d *drawings) off() (pub, new []*drawing.Mark) {
	for _, m := range d.all() {
		if m.pub != nil {
			pub = append(pub, m.pub)
		}
		if m.new != nil {
			new = append(new, m.new)
		}
	}
	return pub, new
}

// places are boxes on a page around what differs.
func (d *drawings) places(p *drawing.Picture) []drawing.Box {
	var boxes []drawing.Box
	for _, m := range d.all() {
		if low, high, ok := m.span(p.Up); ok {
			boxes = append(boxes, p.Box(low, high, boxMargin))
		}
	}
	return drawing.Joined(boxes, maxBoxes)
}

// span is where two marks differ: of paths with points that lie elsewhere those
// points, else all of both.
func (m *markDifference) span(up bool) (low, high drawing.Point, ok bool) {
	low, high = nowhere()
	if m.pub != nil && m.new != nil && m.pub.Kind == drawing.Line && len(m.pub.Points) == len(m.new.Points) {
		for i, p := range m.pub.Points {
			if n := m.new.Points[i]; max(math.Abs(p.X-n.X), math.Abs(p.Y-n.Y)) > lineSlack {
				stretch(&low, &high, p)
				stretch(&low, &high, n)
			}
		}
	}
	if low.X <= high.X {
		return low, high, true
	}
	for _, mark := range []*drawing.Mark{m.pub, m.new} {
		if mark == nil || mark.Kind == drawing.Canvas || mark.Kind == drawing.Other && len(mark.Points) == 0 {
			continue
		}
		from, to := mark.Box()
		if mark.Kind == drawing.Text {
			from, to = textBox(mark, up)
		}
		stretch(&low, &high, from)
		stretch(&low, &high, to)
	}
	return low, high, low.X <= high.X
}

// textBox is about what a text covers, along its matrix, with letters as wide as
// those of CMP-122c.
func textBox(m *drawing.Mark, up bool) (low, high drawing.Point) {
	low, high = m.At, m.At
	n := len(m.Numbers)
	if n < 4 {
		return low, high
	}
	const wide, most = 0.6, 200.0
	x, long, top := m.Numbers[n-4:], wide*min(most, float64(utf8.RuneCountInString(m.Words))), 1.0
	if !up {
		top = -1
	}
	from := 0.0
	switch {
	case strings.Contains(m.Style, "text-anchor:middle"):
		from = -long / 2
	case strings.Contains(m.Style, "text-anchor:end"):
		from = -long
	}
	low, high = nowhere()
	for _, along := range []float64{from, from + long} {
		for _, above := range []float64{0, top} {
			stretch(&low, &high, drawing.Point{X: m.At.X + x[0]*along + x[2]*above, Y: m.At.Y + x[1]*along + x[3]*above})
		}
	}
	return low, high
}

// nowhere is a span that holds nothing yet.
func nowhere() (low, high drawing.Point) {
	return drawing.Point{X: math.Inf(1), Y: math.Inf(1)}, drawing.Point{X: math.Inf(-1), Y: math.Inf(-1)}
}

func stretch(low, high *drawing.Point, p drawing.Point) {
	low.X, low.Y = min(low.X, p.X), min(low.Y, p.Y)
	high.X, high.Y = max(high.X, p.X), max(high.Y, p.Y)
}
