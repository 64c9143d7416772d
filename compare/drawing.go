package compare

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"repro/internal/drawing"
	"repro/internal/pattern"
	"repro/report"
)

// How far marks may be apart and still be the same (SPEC.md CMP-122b), in points.
const (
	lineSlack = 0.015 // 1/4800 inch: no printer shows less
	textSlack = 1.5   // letters in another place are not other letters
	layoutOff = 0.25  // nearly all that is drawn, where a program lays it out otherwise
	maxShift  = 20.0  // of the whole drawing
	maxPairs  = 4 << 20
)

// drawings compares what two vector figures show, mark by mark.
type drawings struct {
	pub, new *drawing.Drawing
	shift    drawing.Point // from the published to the new drawing
	clips    map[[2]*drawing.Clip]bool

	paths, texts int
	line, text   float64 // how far the furthest lie apart
	unread       []markDifference
	moved        []markDifference // text
	differ       []markDifference
}

// markDifference is a mark without its like on the other side. Of one there is
// none, pub or new is nil.
type markDifference struct {
	pub, new *drawing.Mark
	why      string
	slight   bool // it may come of how a program lays a page out
}

// compareDrawings pairs the marks of two drawings in their order.
func compareDrawings(pub, new *drawing.Drawing) *drawings {
	d := pairDrawings(pub, new, drawing.Point{})
	if len(d.differ) == 0 {
		return d
	}
	if by, ok := wholeShift(pub, new); ok {
		if shifted := pairDrawings(pub, new, by); len(shifted.differ) == 0 {
			return shifted
		}
	}
	return d
}

// wholeShift is how far the second drawing as a whole lies from the first, if
// its paths are moved by one distance.
func wholeShift(pub, new *drawing.Drawing) (drawing.Point, bool) {
	if len(pub.Marks) != len(new.Marks) {
		return drawing.Point{}, false
	}
	for i := range pub.Marks {
		p, n := &pub.Marks[i], &new.Marks[i]
		if p.Kind == drawing.Line && n.Kind == drawing.Line && len(p.Points) == len(n.Points) {
			by := drawing.Point{X: n.Points[0].X - p.Points[0].X, Y: n.Points[0].Y - p.Points[0].Y}
			if far := distanceOf(by); far > lineSlack {
				return by, far <= maxShift
			}
		}
	}
	return drawing.Point{}, false
}

func distanceOf(p drawing.Point) float64 { return math.Hypot(p.X, p.Y) }

func pairDrawings(pub, new *drawing.Drawing, shift drawing.Point) *drawings {
	d := &drawings{pub: pub, new: new, shift: shift, clips: map[[2]*drawing.Clip]bool{}}
	p, n := pub.Marks, new.Marks
	for len(p) > 0 && len(n) > 0 && d.alike(&p[0], &n[0]) {
		d.pair(&p[0], &n[0])
		p, n = p[1:], n[1:]
	}
	var after [][2]*drawing.Mark
	for len(p) > 0 && len(n) > 0 && d.alike(&p[len(p)-1], &n[len(n)-1]) {
		after = append(after, [2]*drawing.Mark{&p[len(p)-1], &n[len(n)-1]})
		p, n = p[:len(p)-1], n[:len(n)-1]
	}
	d.between(p, n)
	for _, both := range slices.Backward(after) {
		d.pair(both[0], both[1])
	}
	return d
}

// between pairs marks that neither begin nor end alike: as many as keep their
// order are paired, and what lies between two pairs is paired in order where it
// is of one kind.
func (d *drawings) between(p, n []drawing.Mark) {
	if len(p)*len(n) > maxPairs {
		d.gap(p, n)
		return
	}
	width := len(n) + 1
	best := make([]int32, (len(p)+1)*width) // the most pairs from here on
	for i := len(p) - 1; i >= 0; i-- {
		for k := len(n) - 1; k >= 0; k-- {
			at := i*width + k
			best[at] = max(best[at+1], best[at+width])
			if best[at+width+1] >= best[at] && d.alike(&p[i], &n[k]) {
				best[at] = best[at+width+1] + 1
			}
		}
	}
	i, k, fromP, fromN := 0, 0, 0, 0
	for i < len(p) && k < len(n) {
		switch at := i*width + k; {
		case best[at] == best[at+width+1]+1 && d.alike(&p[i], &n[k]):
			d.gap(p[fromP:i], n[fromN:k])
			d.pair(&p[i], &n[k])
			i, k = i+1, k+1
			fromP, fromN = i, k
		case best[at] == best[at+width]:
			i++
		default:
			k++
		}
	}
	d.gap(p[fromP:], n[fromN:])
}

// gap takes marks that have no like.
func (d *drawings) gap(p, n []drawing.Mark) {
	for i := range max(len(p), len(n)) {
		switch {
		case i >= len(p):
			d.lone(nil, &n[i])
		case i >= len(n):
			d.lone(&p[i], nil)
		case p[i].Kind != n[i].Kind:
			d.lone(&p[i], nil)
			d.lone(nil, &n[i])
		default:
			d.pair(&p[i], &n[i])
		}
	}
}

func (d *drawings) lone(p, n *drawing.Mark) {
	m, why := p, "the new file has not"
	if p == nil {
		m, why = n, "the published file has not"
	}
	found := markDifference{pub: p, new: n, why: fmt.Sprintf("%s, which %s", m.Say(), why)}
	if m.Kind == drawing.Other {
		d.unread = append(d.unread, found)
		return
	}
	d.differ = append(d.differ, found)
}

// pair counts two marks that belong together.
func (d *drawings) pair(p, n *drawing.Mark) {
	why, line, text := d.compare(p, n)
	found := markDifference{pub: p, new: n, why: why, slight: why != "" && d.slight(p, n)}
	switch {
	case why != "" && p.Kind == drawing.Other:
		d.unread = append(d.unread, found)
	case why != "":
		d.differ = append(d.differ, found)
	case text > textSlack:
		found.why = fmt.Sprintf("%s stands %.3g points from where it stood", p.Say(), text)
		d.moved = append(d.moved, found)
	}
	d.line, d.text = max(d.line, line), max(d.text, text)
	switch p.Kind {
	case drawing.Line:
		d.paths++
	case drawing.Text, drawing.Glyph:
		d.texts++
	}
}

func (d *drawings) alike(p, n *drawing.Mark) bool {
	if p.Kind != n.Kind || len(p.Points) != len(n.Points) {
		return false
	}
	for i, v := range p.Points { // most are told apart by their first
		if p.Kind == drawing.Line && max(math.Abs(n.Points[i].X-v.X-d.shift.X), math.Abs(n.Points[i].Y-v.Y-d.shift.Y)) > lineSlack {
			return false
		}
	}
	why, _, text := d.compare(p, n)
	return why == "" && text <= 4*textSlack
}

// compare says how two marks differ, and if they don't, how far their lines and
// their places lie apart.
func (d *drawings) compare(p, n *drawing.Mark) (why string, line, text float64) {
	where := p.Where
	switch {
	case p.Kind != n.Kind:
		return fmt.Sprintf("%s: published %s, new %s", where, p.Say(), n.Say()), 0, 0
	case p.Words != n.Words && p.Kind == drawing.Other:
		return fmt.Sprintf("%s: %s and %s are not read", where, p.Say(), n.Say()), 0, 0
	case p.Words != n.Words:
		return fmt.Sprintf("%s: published %s, new %s", where, quote([]byte(p.Words)), quote([]byte(n.Words))), 0, 0
	case p.Style != n.Style:
		return fmt.Sprintf("%s: published %q, new %q", where, clip(p.Style), clip(n.Style)), 0, 0
	case !bytes.Equal(p.Ops, n.Ops):
		return fmt.Sprintf("%s: published %s, new %s", where, p.Say(), n.Say()), 0, 0
	case len(p.Numbers) != len(n.Numbers):
		return fmt.Sprintf("%s: published %s, new %s", where, p.Say(), n.Say()), 0, 0
	}
	slack := lineSlack
	if p.Kind == drawing.Canvas && d.shift != (drawing.Point{}) {
		slack = maxShift
	}
	for i, v := range p.Numbers {
		if math.Abs(v-n.Numbers[i]) > slack {
			return fmt.Sprintf("%s: a width, dash or size of %.4g is %.4g", where, v, n.Numbers[i]), 0, 0
		}
	}
	shift := d.shift
	if p.Kind == drawing.Glyph {
		shift = drawing.Point{}
	}
	furthest := 0
	for i, v := range p.Points {
		by := drawing.Point{X: n.Points[i].X - v.X - shift.X, Y: n.Points[i].Y - v.Y - shift.Y}
		if far := max(math.Abs(by.X), math.Abs(by.Y)); far > line {
			line, furthest = far, i
		}
	}
	if line > lineSlack {
		v, w := p.Points[furthest], n.Points[furthest]
		return fmt.Sprintf("%s, point %d of %d: published (%.6g, %.6g), new (%.6g, %.6g), in points", where, furthest+1, len(p.Points), v.X, v.Y, w.X, w.Y), 0, 0
	}
	if !d.sameClip(p.Clip, n.Clip) {
		return fmt.Sprintf("%s: %s is cut to another path", where, p.Say()), 0, 0
	}
	if p.Kind == drawing.Text || p.Kind == drawing.Glyph {
		text = max(math.Abs(n.At.X-p.At.X-d.shift.X), math.Abs(n.At.Y-p.At.Y-d.shift.Y))
	}
	return "", line, text
}

// lineEnds are parts of a style that show at the ends and corners of lines only.
var lineEnds = pattern.New(` cap \S+ join \S+ miter \S+`)

// slight reports whether two marks differ by no more than what another version
// of a program may do to all marks of a page.
func (d *drawings) slight(p, n *drawing.Mark) bool {
	if p.Kind != n.Kind || p.Words != n.Words || !bytes.Equal(p.Ops, n.Ops) || len(p.Numbers) != len(n.Numbers) {
		return false
	}
	if lineEnds.ReplaceAllString(p.Style, "") != lineEnds.ReplaceAllString(n.Style, "") {
		return false
	}
	for i, v := range p.Numbers {
		if math.Abs(v-n.Numbers[i]) > lineSlack && p.Kind != drawing.Canvas {
			return false
		}
	}
	for i, v := range p.Points {
		if math.Abs(n.Points[i].X-v.X) > layoutOff || math.Abs(n.Points[i].Y-v.Y) > layoutOff {
			return false
		}
	}
	return true
}

// laidOut reports whether what differs may all come of how a page is laid out:
// it differs slightly, and either not in its places, or nearly all of it.
func (d *drawings) laidOut() bool {
	places := 0
	for i := range d.differ {
		m := &d.differ[i]
		if !m.slight {
			return false
		}
		if m.pub.Style == m.new.Style {
			places++
		}
	}
	return places == 0 || 2*places >= d.paths
}

func (d *drawings) sameClip(p, n *drawing.Clip) bool {
	if p == nil || n == nil {
		return p == n
	}
	key := [2]*drawing.Clip{p, n}
	if same, known := d.clips[key]; known {
		return same
	}
	same := p.Rule == n.Rule && bytes.Equal(p.Ops, n.Ops) && d.sameClip(p.In, n.In)
	for i := 0; same && i < len(p.Points); i++ {
		v, w := p.Points[i], n.Points[i]
		same = max(math.Abs(w.X-v.X-d.shift.X), math.Abs(w.Y-v.Y-d.shift.Y)) <= lineSlack
	}
	d.clips[key] = same
	return same
}

// settle makes a finding of what was found.
func (d *drawings) settle(f *report.Finding, w watcher) {
	f.Compared, f.Differing, f.Counted = int64(d.paths+d.texts), int64(len(d.differ)), report.CountedMarks
	for _, list := range [][]markDifference{d.differ, d.unread, d.moved} {
		if m := largest(list); m != nil && f.Worst == nil {
			f.Worst = &report.Worst{Where: m.where(), Published: clip(sayMark(m.pub)), New: clip(sayMark(m.new))}
		}
		for i := range list {
			m := &list[i]
			w.value(m.where(), sayMark(m.pub), sayMark(m.new), Off)
		}
	}
	what := fmt.Sprintf("%s and %s", plural(int64(d.paths), "path"), plural(int64(d.texts), "piece")+" of text")
	switch {
	case len(d.differ) > 0 && d.laidOut():
		f.Verdict, f.Reason = report.NeedsEyes, fmt.Sprintf("the same %s, but laid out or ended otherwise by up to %.2g point: %s", what, layoutOff, largest(d.differ).why)
	case len(d.differ) > 0:
		f.Verdict, f.Reason = report.Differs, largest(d.differ).why
		if more := len(d.differ) - 1; more > 0 {
			f.Reason += fmt.Sprintf("; %s like this", plural(int64(more), "more place"))
		}
	case len(d.unread) > 0:
		f.Verdict, f.Reason = report.NeedsEyes, "of what is drawn all that is read is the same, but "+largest(d.unread).why
	case len(d.moved) > 0:
		f.Verdict, f.Reason = report.NeedsEyes, fmt.Sprintf("the same %s, but %s", what, largest(d.moved).why)
	case d.line == 0 && d.text == 0 && d.shift == (drawing.Point{}):
		f.Verdict, f.Reason = report.SameContent, "the same drawing: "+what+"; only names, metadata or how it is written differ"
	default:
		f.Verdict, f.Reason = report.SameAsPrinted, fmt.Sprintf("the same drawing: %s; no line is off by more than %.2g points, no text by more than %.2g", what, d.line, d.text)
		if d.shift != (drawing.Point{}) {
			f.Reason += fmt.Sprintf(", once all is moved by (%.3g, %.3g)", d.shift.X, d.shift.Y)
		}
	}
}

func (m *markDifference) where() string {
	if m.pub != nil {
		return clip(m.pub.Where)
	}
	return clip(m.new.Where)
}

// sayMark is a mark for the list of differences, with its points.
func sayMark(m *drawing.Mark) string {
	if m == nil {
		return ""
	}
	out := m.Say()
	if m.Kind == drawing.Line {
		for i, p := range m.Points {
			if i == 8 {
				out += " …"
				break
			}
			out += fmt.Sprintf(" (%.5g, %.5g)", p.X, p.Y)
		}
	} else if m.Kind == drawing.Text {
		out += fmt.Sprintf(" at (%.5g, %.5g), %s", m.At.X, m.At.Y, m.Style)
	}
	return out
}
