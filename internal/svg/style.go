package svg

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"repro/internal/drawing"
)

// pixel is a user unit in points.
const pixel = 0.75

var (
	common   = []string{"id", "class", "style", "transform", "clip-path"}
	geometry = []string{"d", "x", "y", "width", "height", "rx", "ry", "cx", "cy", "r", "x1", "y1", "x2", "y2", "points", "href"}
	// wholes are properties of an element as a whole, which what lies in it
	// does not inherit.
	wholes = []string{"display", "opacity", "clip-path", "mask", "filter", "mix-blend-mode", "isolation"}
	fonts  = []string{"font-family", "font-weight", "font-style", "font-variant", "font-stretch", "text-anchor", "dominant-baseline", "baseline-shift", "letter-spacing", "word-spacing", "text-decoration", "writing-mode", "direction"}
	// inherited are all properties that are understood, fonts and wholes beside.
	painting = []string{"fill", "fill-opacity", "fill-rule", "stroke", "stroke-opacity", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "visibility", "color", "clip-rule", "font-size", "font", "white-space", "overflow", "shape-rendering", "text-rendering", "image-rendering"}
)

var understood = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range slices.Concat(wholes, fonts, painting) {
		out[name] = true
	}
	return out
}()

// styled is what an element's properties are: those it inherits, its own
// attributes, the rules for all elements, and its style.
func (r *reader) styled(e *element, inherited map[string]string) map[string]string {
	out := maps.Clone(inherited)
	for name, v := range e.attr {
		if understood[name] {
			out[name] = strings.TrimSpace(v)
		}
	}
	maps.Copy(out, r.base)
	for name, v := range declarations(e.attr["style"]) {
		out[name] = v
	}
	for name, v := range out {
		if v == "inherit" {
			out[name] = inherited[name]
		}
	}
	return out
}

// declarations are the properties of a style.
func declarations(style string) map[string]string {
	out := map[string]string{}
	for d := range strings.SplitSeq(style, ";") {
		if name, v, ok := strings.Cut(d, ":"); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(v)
		} else if d = strings.TrimSpace(d); d != "" {
			out[d] = ""
		}
	}
	return out
}

// universal reads a style sheet that has rules for all elements only.
func universal(sheet string) (map[string]string, bool) {
	out := map[string]string{}
	for rule := range strings.SplitSeq(sheet, "}") {
		if rule = strings.TrimSpace(rule); rule == "" {
			continue
		}
		selector, body, ok := strings.Cut(rule, "{")
		if !ok || strings.TrimSpace(selector) != "*" || strings.ContainsAny(body, "!/@\\") {
			return nil, false
		}
		maps.Copy(out, declarations(body))
	}
	return out, true
}

// paint is how a mark is painted: what is equal or not, the lengths, which are
// scaled, and whether anything shows.
func (r *reader) paint(s *state, scale float64) (style string, lengths []float64, shown bool) {
	p := s.props
	var b strings.Builder
	fill, stroke := p["fill"], p["stroke"]
	if fill == "" {
		fill = "black"
	}
	if p["visibility"] == "hidden" || p["visibility"] == "collapse" {
		fill, stroke = "none", "none"
	}
	known := map[string]bool{}
	if fill != "none" && !zeroValue(p["fill-opacity"]) {
		shown = true
		b.WriteString("fill " + r.colour(fill, p) + opacity(p["fill-opacity"]) + ruled(p["fill-rule"]))
	}
	if stroke != "" && stroke != "none" && !zeroValue(p["stroke-opacity"]) {
		width, ok := length(orElse(p["stroke-width"], "1"))
		width *= scale / pixel
		if !ok {
			b.WriteString(" width " + p["stroke-width"])
		}
		if width > 0 || !ok {
			shown = true
			b.WriteString(" stroke " + r.colour(stroke, p) + opacity(p["stroke-opacity"]))
			fmt.Fprintf(&b, " cap %s join %s miter %s", orElse(p["stroke-linecap"], "butt"), orElse(p["stroke-linejoin"], "miter"), decimal(orElse(p["stroke-miterlimit"], "4")))
			lengths = append(lengths, width)
			lengths = append(lengths, dashes(p, scale, &b)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p)) { // that nobody here knows
		if !understood[name] && !known[name] {
			b.WriteString(" " + name + ":" + r.resolved(p[name], "", 0))
		}
	}
	return strings.TrimSpace(b.String()) + s.group + s.path, lengths, shown
}

func dashes(p map[string]string, scale float64, b *strings.Builder) []float64 {
	v := p["stroke-dasharray"]
	if v == "" || v == "none" {
		return nil
	}
	list, ok := numbers(strings.ReplaceAll(v, "px", ""))
	offset, okOffset := number(strings.TrimSuffix(p["stroke-dashoffset"], "px"))
	if !ok || !okOffset {
		b.WriteString(" dashes " + v + " from " + p["stroke-dashoffset"])
		return nil
	}
	b.WriteString(" dashed")
	var out []float64
	for _, d := range append(list, offset) {
		out = append(out, d*scale)
	}
	return out
}

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

func ruled(v string) string {
	if v == "" || v == "nonzero" {
		return ""
	}
	return " " + v
}

// opacity says how opaque, where not wholly, in 255 steps.
func opacity(v string) string {
	if v == "" || oneValue(v) {
		return ""
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil {
		return fmt.Sprintf(" opacity %.0f/255", 255*max(0, min(1, f)))
	}
	return " opacity " + v
}

func oneValue(v string) bool {
	f, err := strconv.ParseFloat(v, 64)
	return err == nil && f >= 1
}

func zeroValue(v string) bool {
	f, err := strconv.ParseFloat(v, 64)
	return err == nil && f <= 0
}

func decimal(v string) string {
	if f, err := strconv.ParseFloat(v, 64); err == nil {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return v
}

var names = map[string]string{
	"black": "#000000", "white": "#ffffff", "red": "#ff0000", "lime": "#00ff00", "blue": "#0000ff", "yellow": "#ffff00", "cyan": "#00ffff", "aqua": "#00ffff",
	"magenta": "#ff00ff", "fuchsia": "#ff00ff", "gray": "#808080", "grey": "#808080", "silver": "#c0c0c0", "maroon": "#800000", "olive": "#808000", "green": "#008000",
	"purple": "#800080", "teal": "#008080", "navy": "#000080", "orange": "#ffa500",
}

// colour is one way to write a colour, or what a reference leads to.
func (r *reader) colour(v string, p map[string]string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	if v == "currentcolor" {
		v = strings.ToLower(orElse(p["color"], "black"))
	}
	if hex := names[v]; hex != "" {
		return hex
	}
	if len(v) == 4 && v[0] == '#' {
		return string([]byte{'#', v[1], v[1], v[2], v[2], v[3], v[3]})
	}
	if body, ok := strings.CutPrefix(v, "rgb("); ok && strings.HasSuffix(v, ")") {
		parts := strings.FieldsFunc(strings.TrimSuffix(body, ")"), func(c rune) bool { return c == ',' || c == ' ' })
		var level [3]float64
		for i, part := range parts {
			number, percent := strings.CutSuffix(part, "%")
			f, err := strconv.ParseFloat(number, 64)
			if err != nil || i > 2 {
				return v
			}
			if level[i] = f / 255; percent {
				level[i] = f / 100
			}
		}
		if len(parts) == 3 {
			return drawing.Hex(level[0], level[1], level[2])
		}
	}
	return r.resolved(v, "", 0)
}

// rest are attributes that nobody here knows, as they stand.
func (r *reader) rest(e *element, known ...string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.attr)) {
		if !slices.Contains(known, name) && !understood[name] && !strings.HasPrefix(name, "xmlns") && name != "space" && name != "gid" {
			fmt.Fprintf(&b, " %s=%q", name, r.resolved(e.attr[name], name, 0))
		}
	}
	return b.String()
}

// letter reports an id that programs give to the outline of a letter: cairo's
// glyph0-1, matplotlib's DejaVuSans-30.
func letter(id string) bool {
	if rest, ok := strings.CutPrefix(id, "glyph"); ok {
		return strings.Trim(rest, "-0123456789") == "" && strings.Contains(rest, "-")
	}
	at := strings.LastIndexByte(id, '-')
	return at > 2 && at < len(id)-1 && len(id)-at <= 7 && strings.Trim(id[at+1:], "0123456789abcdef") == "" && strings.ContainsAny(id[:1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
