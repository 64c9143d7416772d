package svg

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// shown lists what a drawing of one 100 × 100 page shows.
func shown(t *testing.T, body string) []drawing.Mark {
	t.Helper()
	d, err := Read([]byte(`<svg width="100pt" height="100pt" viewBox="0 0 100 100">` + body + `</svg>`))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return d.Marks[1:]
}

func points(m *drawing.Mark) string {
	out := string(m.Ops)
	for _, p := range m.Points {
		out += fmt.Sprintf(" %.4g,%.4g", p.X, p.Y)
	}
	return out
}

func TestShapes(t *testing.T) {
	for body, want := range map[string]string{
		`<rect x="1" y="2" width="3" height="4"/>`:                              "MLLLZ 1,2 4,2 4,6 1,6",
		`<line x1="1" y1="2" x2="3" y2="4" stroke="red"/>`:                      "ML 1,2 3,4",
		`<polyline points="1,2 3,4,5-6" stroke="red"/>`:                         "MLL 1,2 3,4 5,-6",
		`<polygon points="0 0 2 0 2 2 0 0"/>`:                                   "MLLZ 0,0 2,0 2,2",
		`<path d="M1 2L3 4H5V6Z"/>`:                                             "MLLLZ 1,2 3,4 5,4 5,6",
		`<path d="m1 2l3 4h5v6z"/>`:                                             "MLLLZ 1,2 4,6 9,6 9,12",
		`<path d="M0 0 1 1 2 0z l5 5"/>`:                                        "MLLZML 0,0 1,1 2,0 0,0 5,5",
		`<path d="M0 0C1 1 2 1 3 0S5-1 6 0"/>`:                                  "MCC 0,0 1,1 2,1 3,0 4,-1 5,-1 6,0",
		`<path d="M0 0Q3 3 6 0T12 0"/>`:                                         "MCC 0,0 2,2 4,2 6,0 8,-2 10,-2 12,0",
		`<path d="M10 0A10 10 0 0 1 0 10"/>`:                                    "MC 10,0 10,5.523 5.523,10 0,10",
		`<path d="M10 0a10 10 0 1110-0.0001"/>`:                                 "MCCCC",
		`<circle cx="10" cy="10" r="5"/>`:                                       "MCCCCZ 15,10",
		`<g transform="translate(10 20) scale(2)"><path d="M1 1L2 2Z"/></g>`:    "MLZ 12,22 14,24",
		`<path transform="rotate(90)" d="M1 0L2 0Z"/>`:                          "MLZ 6.123e-17,1",
		`<path transform="rotate(90 1 1)" d="M1 0L2 0Z"/>`:                      "MLZ 2,1 2,2",
		`<path transform="matrix(1 0 0 -1 0 5) skewX(45)" d="M0 1L0 2Z"/>`:      "MLZ 1,4 2,3",
		`<defs><path id="m" d="M0 0L1 1Z"/></defs><use href="#m" x="7" y="8"/>`: "MLZ 7,8 8,9",
	} {
		m := shown(t, body)
		if len(m) != 1 || !strings.HasPrefix(points(&m[0]), want) {
			t.Errorf("%s: %d marks, %s; want %s", body, len(m), points(&m[0]), want)
		}
	}
}

// TestArc holds that an arc lies on its circle.
func TestArc(t *testing.T) {
	m := shown(t, `<path d="M10 0A10 10 0 1 0 0 10"/>`)
	for i := 0; i < len(m[0].Points); i += 3 {
		if p := m[0].Points[i]; math.Abs(math.Hypot(p.X, p.Y)-10) > 1e-9 {
			t.Errorf("point %d, %v, is not on the circle", i, p)
		}
	}
	if n := len(m[0].Points); n != 10 {
		t.Errorf("%d points for three quarters", n)
	}
}

func TestStyles(t *testing.T) {
	for body, want := range map[string]string{
		`<path d="M0 0L1 1"/>`:                   "fill #000000",
		`<g fill="red"><path d="M0 0L1 1"/></g>`: "fill #ff0000",
		`<g style="fill: none; stroke: rgb(100%, 0%, 50%)"><path d="M0 0L1 1"/></g>`:           "stroke #ff0080 cap butt join miter miter 4",
		`<path d="M0 0L1 1" fill="#fa0" fill-opacity="0.5" fill-rule="evenodd"/>`:              "fill #ffaa00 opacity 128/255 evenodd",
		`<path d="M0 0L1 1" fill="none" stroke="rgb(1,2,3)" stroke-dasharray="1 2"/>`:          "stroke #010203 cap butt join miter miter 4 dashed",
		`<style>*{stroke-linecap:round}</style><path d="M0 0L1 1" fill="none" stroke="blue"/>`: "stroke #0000ff cap round join miter miter 4",
		`<path d="M0 0L1 1" opacity="0.5"/>`:                                                   "fill #000000 opacity:0.5",
		`<path d="M0 0L1 1" data-x="5"/>`:                                                      `fill #000000 data-x="5"`,
		`<path d="M0 0L1 1" style="paint-order: stroke"/>`:                                     "fill #000000 paint-order:stroke",
	} {
		m := shown(t, body)
		if len(m) != 1 || m[0].Style != want {
			t.Errorf("%s: %q; want %q", body, m[0].Style, want)
		}
	}
	m := shown(t, `<g transform="scale(2)"><path d="M0 0L1 1" fill="none" stroke="blue" stroke-width="3" stroke-dasharray="1,4" stroke-dashoffset="2"/></g>`)
	if fmt.Sprint(m[0].Numbers) != "[6 2 8 4]" {
		t.Errorf("widths %v", m[0].Numbers)
	}
	for _, body := range []string{`<path d="M0 0L1 1" fill="none"/>`, `<g display="none"><path d="M0 0L1 1"/></g>`, `<path d="M0 0L1 1" visibility="hidden"/>`, `<path d="M0 0L1 1" fill-opacity="0"/>`} {
		if m := shown(t, body); len(m) != 0 {
			t.Errorf("%s shows %v", body, m)
		}
	}
}

func TestTexts(t *testing.T) {
	m := shown(t, `<g transform="translate(5 6)"><text x="1" y="2" font-size="8px" font-family="Arial"> a  b<tspan x="3" font-weight="bold">c</tspan></text></g>`)
	if len(m) != 2 || m[0].Words != "a b" || m[1].Words != "c" || m[0].At != (drawing.Point{X: 6, Y: 8}) || m[1].At != (drawing.Point{X: 8, Y: 8}) {
		t.Errorf("%+v", m)
	}
	if m[0].Numbers[0] != 8 || !strings.Contains(m[1].Style, "font-weight:bold") || strings.Contains(m[0].Style, "bold") {
		t.Errorf("%+v", m)
	}
	m = shown(t, `<defs><path id="DejaVuSans-30" d="M0 0L1 1Z"/></defs><use href="#DejaVuSans-30" x="7"/>`)
	if m[0].Kind != drawing.Glyph || m[0].At.X != 7 || points(&m[0]) != "MLZ 0,0 1,1" {
		t.Errorf("a letter is %+v", m[0])
	}
}

// TestParts holds that what is not understood stays, and equals only itself.
func TestParts(t *testing.T) {
	read := func(body string) string { return fmt.Sprint(shown(t, body)) }
	for _, pair := range [][2]string{
		{`<script>a()</script>`, `<script>b()</script>`},
		{`<foreignObject><p>1</p></foreignObject>`, `<foreignObject><p>2</p></foreignObject>`},
		{`<title>a</title>`, `<title>b</title>`},
		{`<style>.a{fill:red}</style><path class="a" d="M0 0L1 1"/>`, `<style>.a{fill:blue}</style><path class="a" d="M0 0L1 1"/>`},
		{`<style>.a{fill:red}</style><path class="a" d="M0 0L1 1"/>`, `<style>.a{fill:red}</style><path class="b" d="M0 0L1 1"/>`},
		{`<linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient><path fill="url(#g)" d="M0 0L1 1"/>`, `<linearGradient id="g"><stop offset="0" stop-color="blue"/></linearGradient><path fill="url(#g)" d="M0 0L1 1"/>`},
		{`<filter id="f"><feFlood flood-color="red"/></filter><path filter="url(#f)" d="M0 0L1 1"/>`, `<filter id="f"><feFlood flood-color="blue"/></filter><path filter="url(#f)" d="M0 0L1 1"/>`},
		{`<mask id="m"><rect width="5" height="5"/></mask><g mask="url(#m)"><path d="M0 0L1 1"/></g>`, `<mask id="m"><rect width="6" height="5"/></mask><g mask="url(#m)"><path d="M0 0L1 1"/></g>`},
		{`<path d="M0 0L1 1"><animate to="1"/></path>`, `<path d="M0 0L1 1"><animate to="2"/></path>`},
		{`<path d="M0 0L1 1" marker-end="url(#a)"/><marker id="a"><path d="M0 0"/></marker>`, `<path d="M0 0L1 1" marker-end="url(#a)"/><marker id="a"><path d="M0 1"/></marker>`},
		{`<image href="data:,a" width="1" height="1"/>`, `<image href="data:,b" width="1" height="1"/>`},
		{`<text x="1 2">ab</text>`, `<text x="1 3">ab</text>`},
		{`<rect rx="1" width="5" height="5"/>`, `<rect rx="2" width="5" height="5"/>`},
	} {
		if read(pair[0]) == read(pair[1]) {
			t.Errorf("%s reads as %s", pair[0], pair[1])
		}
	}
	if a, b := read(`<linearGradient id="g"><stop/></linearGradient><path fill="url(#g)" d="M0 0L1 1"/>`), read(`<linearGradient id="h"><stop/></linearGradient><path fill="url(#h)" d="M0 0L1 1"/>`); strings.SplitN(a, "line", 2)[0] != strings.SplitN(b, "line", 2)[0] {
		t.Errorf("another id makes of %s %s", a, b)
	}
}

func TestClips(t *testing.T) {
	m := shown(t, `<clipPath id="c"><rect x="1" y="2" width="3" height="4"/></clipPath><g clip-path="url(#c)"><path d="M0 0L1 1"/></g><path d="M0 0L2 2"/>`)
	if m[0].Clip == nil || m[0].Clip.Points[2] != (drawing.Point{X: 4, Y: 6}) || m[1].Clip != nil {
		t.Errorf("%+v", m)
	}
}

func TestRefuses(t *testing.T) {
	deep := strings.Repeat("<g>", 300) + strings.Repeat("</g>", 300)
	bomb := `<g id="a0"><path d="M0 0L1 1"/></g>`
	for i := range 15 {
		bomb += fmt.Sprintf(`<g id="a%d">%s</g>`, i+1, strings.Repeat(fmt.Sprintf(`<use href="#a%d"/>`, i), 9))
	}
	for body, want := range map[string]error{
		deep:                                     badfile.ErrTooLarge,
		bomb:                                     badfile.ErrTooLarge,
		`<g id="a"><use href="#a"/></g>`:         badfile.ErrTooLarge,
		`<use href="#none"/>`:                    badfile.ErrUnread,
		`<use href="other.svg#a"/>`:              badfile.ErrUnread,
		`<g id="a"/><g id="a"/><use href="#a"/>`: badfile.ErrUnread,
		`<g transform="turn(5)"/>`:               badfile.ErrUnread,
		`<clipPath id="c"/><path clip-path="url(#c)" d="M0 0L1 1"/>`:                         badfile.ErrUnread,
		`<clipPath id="c"><text>a</text></clipPath><path clip-path="url(#c)" d="M0 0L1 1"/>`: badfile.ErrUnread,
		`<symbol id="s" viewBox="0 0 1 1"/><use href="#s"/>`:                                 badfile.ErrUnread,
		`<path d="M0 0L1e308 1e308" transform="scale(1e308)"/>`:                              badfile.ErrDamaged,
		`<g>`: badfile.ErrDamaged,
	} {
		if _, err := Read([]byte(`<svg width="9" height="9">` + body + `</svg>`)); !errors.Is(err, want) {
			t.Errorf("%.60s: %v, want %v", body, err, want)
		}
	}
	for body, want := range map[string]error{``: badfile.ErrDamaged, `<html/>`: badfile.ErrDamaged, `<svg/>`: badfile.ErrUnread, `<svg width="9" height="9"/><svg/>`: badfile.ErrDamaged} {
		if _, err := Read([]byte(body)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("../../testdata/vectors/planted/svg/*.svg")
	if err != nil || len(seeds) == 0 {
		f.Fatal(seeds, err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`<svg width="9" height="9"><path d="M1 2a3 4 5 016 7Q1 2 3 4t5 6"/><text x="1" y="2">a</text></svg>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Read(b); err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
	})
}
