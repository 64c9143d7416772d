// Package svg reads what an SVG drawing shows (Scalable Vector Graphics 1.1) as
// a list of marks: shapes, text, and references to them, through groups, their
// transformations and inherited styles. Ids, metadata, the first description,
// comments and layout carry nothing. Whatever else there is (filters, gradients,
// patterns, masks, scripts, style sheets, pictures, animation) is a mark of its
// own that only equals itself.
package svg

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// Limits on one file.
const (
	maxElements = 1 << 20
	maxDeep     = 256
	maxUses     = 16 // references within references
	maxVisited  = 1 << 21
)

// Read reads a file of SVG.
func Read(b []byte) (*drawing.Drawing, error) {
	root, err := parse(b)
	if err != nil {
		return nil, err
	}
	if root.name != "svg" {
		return nil, badfile.Damaged("it begins with <%s>", badfile.Shorten(root.name))
	}
	r := &reader{ids: map[string]*element{}, twice: map[string]bool{}, out: &drawing.Drawing{}}
	r.index(root)
	r.sheets(root)
	return r.out, r.root(root)
}

type reader struct {
	ids     map[string]*element
	twice   map[string]bool // ids that several elements have
	base    map[string]string
	sheet   bool // there is a style sheet that is not understood
	out     *drawing.Drawing
	groups  int // that are drawn as a whole
	visited int
	clips   map[string]*drawing.Clip
}

func (r *reader) index(e *element) {
	if id := e.attr["id"]; id != "" {
		if r.ids[id] != nil {
			r.twice[id] = true
		}
		r.ids[id] = e
	}
	for _, c := range e.children {
		r.index(c)
	}
}

// sheets takes rules for all elements, which plotting programs write; any other
// style sheet makes of every class, id and place in the tree a part of the style.
func (r *reader) sheets(e *element) {
	if e.name == "style" {
		if props, ok := universal(e.text); ok {
			r.base = props
		} else {
			r.sheet = true
		}
	}
	for _, c := range e.children {
		r.sheets(c)
	}
}

// state is what elements inherit.
type state struct {
	m     drawing.Matrix
	props map[string]string
	group string // what holds for the groups around, as wholes
	clip  *drawing.Clip
	path  string // names of the elements around
	uses  int
	glyph bool
}

func (r *reader) root(e *element) error {
	w, okW := length(e.attr["width"])
	h, okH := length(e.attr["height"])
	box, okBox := numbers(e.attr["viewBox"])
	okBox = okBox && len(box) == 4 && box[2] > 0 && box[3] > 0
	switch {
	case !okBox && !(okW && okH):
		return badfile.Unread("a drawing without a size")
	case !okBox:
		box = []float64{0, 0, w / pixel, h / pixel}
	case !okW || !okH:
		w, h = box[2]*pixel, box[3]*pixel
	}
	scale := min(w/box[2], h/box[3])
	m := drawing.Matrix{scale, 0, 0, scale, -scale*box[0] + (w-scale*box[2])/2, -scale*box[1] + (h-scale*box[3])/2}
	style := r.rest(e, "width", "height", "viewBox", "version", "baseProfile", "xmlns", "id", "x", "y", "style", "class")
	if err := r.out.Add(drawing.Mark{Kind: drawing.Canvas, Numbers: []float64{w, h}, Style: style, Where: "the page"}); err != nil {
		return err
	}
	return r.inside(e, &state{m: m, props: r.styled(e, map[string]string{})}, true)
}

// inside draws what an element holds.
func (r *reader) inside(e *element, s *state, first bool) error {
	for _, c := range e.children {
		if first && c.name == "desc" {
			continue // by what it was made
		}
		if err := r.element(c, s); err != nil {
			return err
		}
	}
	return nil
}

// element draws one element.
func (r *reader) element(e *element, outer *state) error {
	if r.visited++; r.visited > maxVisited {
		return badfile.TooLarge("more than %d elements are drawn", maxVisited)
	}
	switch e.name {
	case "metadata":
		return nil
	case "defs", "symbol", "clipPath", "linearGradient", "radialGradient", "pattern", "filter", "mask", "marker":
		return r.definitions(e, outer)
	case "title":
		return r.out.Add(drawing.Mark{Kind: drawing.Other, Words: "a title: " + oneBlank(e.all()), Where: e.where()})
	case "style":
		if !r.sheet {
			return nil
		}
		return r.other(e)
	}
	s, err := r.enter(e, outer)
	if err != nil || s == nil {
		return err
	}
	switch e.name {
	case "g", "a":
		return r.inside(e, s, false)
	case "use":
		return r.use(e, s)
	case "path", "rect", "circle", "ellipse", "line", "polyline", "polygon":
		return r.shape(e, s)
	case "text":
		return r.text(e, s)
	case "image":
		return r.picture(e, s)
	}
	return r.other(e)
}

// definitions are drawn where something refers to them. What stands among them
// and can't be referred to may change everything.
func (r *reader) definitions(e *element, s *state) error {
	for _, c := range e.children {
		switch c.name {
		case "style", "script":
			if err := r.element(c, s); err != nil {
				return err
			}
		default:
			if err := r.definitions(c, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// other adds an element that is not understood, as its text.
func (r *reader) other(e *element) error {
	return r.out.Add(drawing.Mark{Kind: drawing.Other, Words: fmt.Sprintf("<%s> %s", badfile.Shorten(e.name), r.digest(e)), Where: e.where()})
}

// digest sums an element with all that it holds and refers to.
func (r *reader) digest(e *element) string {
	var b strings.Builder
	r.write(&b, e, 0)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(b.String())))[:16]
}

func (r *reader) write(b *strings.Builder, e *element, depth int) {
	if r.visited++; depth > maxDeep || r.visited > maxVisited {
		b.WriteString("…")
		return
	}
	fmt.Fprintf(b, "<%s", e.name)
	for _, name := range slices.Sorted(maps.Keys(e.attr)) {
		if name != "id" || r.sheet {
			fmt.Fprintf(b, " %s=%q", name, r.resolved(e.attr[name], name, depth))
		}
	}
	fmt.Fprintf(b, ">%q", e.text)
	for _, c := range e.children {
		r.write(b, c, depth+1)
	}
	fmt.Fprintf(b, "</%s>", e.name)
}

// resolved is a value with what it refers to in place of names.
func (r *reader) resolved(value, name string, depth int) string {
	id := reference(value)
	if id == "" && name == "href" {
		id = strings.TrimPrefix(value, "#")
		if id == value {
			return value
		}
	}
	to := r.ids[id]
	if id == "" || to == nil || r.twice[id] || depth > maxUses {
		return value
	}
	var b strings.Builder
	r.write(&b, to, depth+1)
	return fmt.Sprintf("(%x)", sha256.Sum256([]byte(b.String())))[:18]
}

// enter is the state within an element; nil where nothing of it is shown.
func (r *reader) enter(e *element, outer *state) (*state, error) {
	s := *outer
	s.props = r.styled(e, outer.props)
	if s.props["display"] == "none" && !r.sheet {
		return nil, nil
	}
	m, ok := transform(e.attr["transform"])
	if !ok {
		return nil, badfile.Unread("%s has the transformation %q", e.where(), badfile.Shorten(e.attr["transform"]))
	}
	s.m = s.m.Then(m)
	if r.sheet {
		s.path += "/" + e.name + "." + e.attr["class"] + "#" + e.attr["id"]
	}
	for _, name := range wholes {
		v := s.props[name]
		delete(s.props, name)
		if v == "" || v == "none" || name == "display" || name == "opacity" && oneValue(v) {
			continue
		}
		if name == "clip-path" {
			var err error
			if s.clip, err = r.clip(v, &s); err != nil {
				return nil, err
			}
			continue
		}
		if len(e.children) > 1 || e.name == "use" { // what lies in it is drawn together
			r.groups++
			s.group += fmt.Sprintf(" in %d", r.groups)
		}
		s.group += " " + name + ":" + r.resolved(v, "", 0)
	}
	return &s, nil
}

// clip adds the path that a clip-path names to what a mark is cut to.
func (r *reader) clip(value string, s *state) (*drawing.Clip, error) {
	id := reference(value)
	e := r.ids[id]
	if e == nil || e.name != "clipPath" || r.twice[id] || e.attr["clipPathUnits"] == "objectBoundingBox" {
		return nil, badfile.Unread("the clip path %q", badfile.Shorten(value))
	}
	key := fmt.Sprint(id, s.m, fmt.Sprintf("%p", s.clip))
	if known := r.clips[key]; known != nil {
		return known, nil
	}
	m, ok := transform(e.attr["transform"])
	if !ok || len(e.children) != 1 || e.attr["clip-path"] != "" || reference(e.attr["style"]) != "" {
		return nil, badfile.Unread("the clip path %q", badfile.Shorten(value))
	}
	c := e.children[0]
	own, okOwn := transform(c.attr["transform"])
	p, okShape := outline(c)
	if !okOwn || !okShape || c.attr["clip-path"] != "" {
		return nil, badfile.Unread("the clip path %q", badfile.Shorten(value))
	}
	props := r.styled(c, r.styled(e, map[string]string{}))
	out, err := s.clip.Within(p.Mapped(s.m.Then(m).Then(own)), props["clip-rule"])
	if r.clips == nil {
		r.clips = map[string]*drawing.Clip{}
	}
	r.clips[key] = out
	return out, err
}

// use draws what another element is, once more.
func (r *reader) use(e *element, s *state) error {
	id, ok := strings.CutPrefix(e.attr["href"], "#")
	to := r.ids[id]
	if !ok || to == nil || r.twice[id] {
		return badfile.Unread("%s refers to %q", e.where(), badfile.Shorten(e.attr["href"]))
	}
	if s.uses++; s.uses > maxUses {
		return badfile.TooLarge("references lie more than %d deep", maxUses)
	}
	x, okX := number(e.attr["x"])
	y, okY := number(e.attr["y"])
	if !okX || !okY {
		return badfile.Unread("%s stands at %q, %q", e.where(), badfile.Shorten(e.attr["x"]), badfile.Shorten(e.attr["y"]))
	}
	s.m = s.m.Then(drawing.Matrix{1, 0, 0, 1, x, y})
	s.glyph = s.glyph || letter(id)
	if to.name != "symbol" {
		return r.element(to, s)
	}
	if to.attr["viewBox"] != "" || to.attr["overflow"] != "visible" && !strings.Contains(to.attr["style"], "overflow:visible") {
		return badfile.Unread("%s draws a symbol with a frame of its own", e.where())
	}
	inner, err := r.enter(to, s)
	if err != nil || inner == nil {
		return err
	}
	return r.inside(to, inner, false)
}

// shape draws a path.
func (r *reader) shape(e *element, s *state) error {
	p, ok := outline(e)
	if !ok {
		return r.other(e)
	}
	if len(e.children) > 0 {
		for _, c := range e.children {
			if err := r.element(c, s); err != nil {
				return err
			}
		}
	}
	style, widths, shown := r.paint(s, s.m.Scale())
	if !shown && !r.sheet {
		return nil
	}
	m := drawing.Mark{Kind: drawing.Line, Path: p.Mapped(s.m), Style: style + r.rest(e, slices.Concat(geometry, common)...), Numbers: widths, Clip: s.clip, Where: e.where()}
	if s.glyph {
		m.Kind, m.At = drawing.Glyph, s.m.Apply(drawing.Point{})
		for i := range m.Points {
			m.Points[i].X -= m.At.X
			m.Points[i].Y -= m.At.Y
		}
	}
	return r.out.Add(m)
}

// text draws words. Each part with a place of its own is a mark.
func (r *reader) text(e *element, s *state) error {
	x, okX := number(e.attr["x"])
	y, okY := number(e.attr["y"])
	if !okX || !okY || e.attr["rotate"] != "" || e.attr["dx"]+e.attr["dy"] != "" {
		return r.other(e) // letter by letter
	}
	style, widths, _ := r.paint(s, s.m.Scale())
	size, ok := length(s.props["font-size"])
	if !ok {
		style += " size " + s.props["font-size"]
	}
	for _, name := range fonts {
		if v := s.props[name]; v != "" {
			style += " " + name + ":" + v
		}
	}
	words := e.text
	if s.props["white-space"] != "pre" && e.attr["space"] != "preserve" {
		words = oneBlank(words)
	}
	at := s.m.Apply(drawing.Point{X: x, Y: y})
	long, _ := length(e.attr["textLength"])
	mark := drawing.Mark{Kind: drawing.Text, Words: words, Style: style + r.rest(e, slices.Concat(common, []string{"x", "y", "textLength", "lengthAdjust", "space"})...),
		Numbers: append(widths, size/pixel*s.m[0], size/pixel*s.m[1], size/pixel*s.m[2], size/pixel*s.m[3]), At: at, Clip: s.clip, Where: e.where()}
	_ = long // how long a text is follows from its font
	if strings.TrimSpace(words) != "" {
		if err := r.out.Add(mark); err != nil {
			return err
		}
	}
	for _, c := range e.children {
		if c.name != "tspan" {
			if err := r.element(c, s); err != nil {
				return err
			}
			continue
		}
		inner, err := r.enter(c, s)
		if err != nil || inner == nil {
			return err
		}
		for _, name := range []string{"x", "y"} {
			if c.attr[name] == "" {
				c.attr[name] = e.attr[name]
			}
		}
		if err := r.text(c, inner); err != nil {
			return err
		}
	}
	return nil
}
