package compare

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

// figure is a drawing of a curve, two points and a label, with places to change.
const figure = `<svg width="400pt" height="300pt" viewBox="0 0 400 300">
<!-- MADE -->
<g id="ID"><path d="M 10 10 L 390 10 L 390 290 L 10 290 z" style="fill: #ffffff"/></g>
<path d="M 20 30 L 120.5 80 L 220 130.25 L 320 270" style="fill: none; stroke: #1f77b4; stroke-width: 1.5"/>
<defs><path id="m" d="M -3 -3 L 3 -3 L 3 3 z"/></defs>
<use href="#m" x="20" y="30"/><use href="#m" x="120" y="80"/><use href="#m" x="220" y="130"/>
<text x="50" y="280" style="font-size: 10px">site c (n = 138)</text>
<text x="250" y="280" style="font-size: 10px">other</text>
</svg>`

func verdictOn(t *testing.T, name, pub, new string) report.Finding {
	t.Helper()
	files := fstest.MapFS{"p/" + name: {Data: []byte(pub)}, "n/" + name: {Data: []byte(new)}}
	f, err := Files(context.Background(), File{FS: files, Name: "p/" + name}, File{FS: files, Name: "n/" + name}, manifest.Rule{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestDrawings holds what carries nothing, and that each change is found.
func TestDrawings(t *testing.T) {
	for _, c := range []struct {
		old, new string
		want     report.Verdict
		words    string
	}{
		{"MADE", "made later", report.SameContent, ""},
		{`id="ID"`, `id="other"`, report.SameContent, ""},
		{`style="fill: #ffffff"`, `fill="white"`, report.SameContent, "5 paths"},
		{`M 10 10 L 390 10 L 390 290 L 10 290 z`, `M10 10H390V290H10V10Z`, report.SameContent, ""},
		{`<use href="#m" x="20" y="30"/>`, `<use href="#m" transform="translate(20 30)"/>`, report.SameContent, ""},
		{"220 130.25 L", "220.01 130.25 L", report.SameAsPrinted, "0.01 points"},
		{"220 130.25 L", "220.02 130.25 L", report.Differs, "point 3 of 4"},
		{`x="250" y="280"`, `x="251" y="280"`, report.SameAsPrinted, "no text by more than 1"},
		{`x="250" y="280"`, `x="252" y="280"`, report.NeedsEyes, "2 points from where it stood"},
		{`L 120.5 80 `, ``, report.Differs, "3 points"},
		{`<use href="#m" x="120" y="80"/>`, ``, report.Differs, "the new file has not"},
		{`<use href="#m" x="120" y="80"/>`, `<use href="#m" x="120" y="80"/><use href="#m" x="121" y="80"/>`, report.Differs, "the published file has not"},
		{`<use href="#m" x="120" y="80"/>`, `<use href="#m" x="120" y="81.4"/>`, report.Differs, ""},
		{"#1f77b4", "#1f77b5", report.Differs, "#1f77b5"},
		{"stroke-width: 1.5", "stroke-width: 1.55", report.Differs, "1.55"},
		{"site c", "site e", report.Differs, "site e"},
		{"138", "188", report.Differs, "188"},
		{"font-size: 10px\">other", "font-size: 11px\">other", report.Differs, ""},
		{"<text x=\"250\"", "<filter id=\"f\"/><text filter=\"url(#f)\" x=\"250\"", report.Differs, "filter"},
		{"</svg>", "<script>a()</script></svg>", report.NeedsEyes, "script"},
		{"</svg>", "<title>more</title></svg>", report.NeedsEyes, "title"},
		{`style="fill: none; stroke: #1f77b4`, `style="stroke-linecap: round; fill: none; stroke: #1f77b4`, report.NeedsEyes, "round"},
	} {
		if !strings.Contains(figure, c.old) {
			t.Fatalf("the figure has no %q", c.old)
		}
		f := verdictOn(t, "a.svg", figure, strings.Replace(figure, c.old, c.new, 1))
		if f.Verdict != c.want || !strings.Contains(f.Reason, c.words) {
			t.Errorf("%s → %s: %s: %s; want %s, %q", c.old, c.new, f.Verdict, f.Reason, c.want, c.words)
		}
	}
}

// TestOrderShows holds that marks drawn in another order are not the same.
func TestOrderShows(t *testing.T) {
	a, b := `<rect width="5" height="5" fill="red"/>`, `<rect width="6" height="6" fill="blue"/>`
	f := verdictOn(t, "a.svg", `<svg width="9" height="9">`+a+b+`</svg>`, `<svg width="9" height="9">`+b+a+`</svg>`)
	if f.Verdict != report.Differs {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
}

// TestMovedWhole holds that a drawing may lie elsewhere as a whole, and no part
// of it.
func TestMovedWhole(t *testing.T) {
	lines := func(dx, last float64) string {
		out := `<svg width="100pt" height="100pt" viewBox="0 0 100 100">`
		for i := range 9 {
			if i == 8 {
				dx += last
			}
			out += fmt.Sprintf(`<path d="M%g %dL%g 50" stroke="red"/>`, 10+dx, i, 20+dx)
		}
		return out + `</svg>`
	}
	for _, c := range []struct {
		by, last float64
		want     report.Verdict
	}{{3, 0, report.SameAsPrinted}, {3, 1, report.Differs}, {25, 0, report.Differs}, {0, .5, report.Differs}, {.2, .01, report.SameAsPrinted}, {.2, .04, report.NeedsEyes}} {
		if f := verdictOn(t, "a.svg", lines(0, 0), lines(c.by, c.last)); f.Verdict != c.want {
			t.Errorf("by %v, the last by %v: %s: %s; want %s", c.by, c.last, f.Verdict, f.Reason, c.want)
		}
	}
}

func TestPostScriptFigures(t *testing.T) {
	const eps = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 90 90\n%%CreationDate: DATE\n/l {lineto} def 1 2 moveto 30 40 l stroke /Times-Roman findfont 9 scalefont setfont 5 5 moveto (p = 0.05) show\nshowpage\n"
	for old, c := range map[string]struct {
		new  string
		want report.Verdict
	}{
		"DATE":   {"later", report.SameContent},
		"/l ":    {"/curve ", report.NeedsEyes}, // the program no longer runs
		"30 40":  {"30 40.5", report.Differs},
		"0.05":   {"0.06", report.Differs},
		"stroke": {"1 0 0 setrgbcolor stroke", report.Differs},
		"Times":  {"Courier", report.Differs},
	} {
		if f := verdictOn(t, "a.eps", eps, strings.Replace(eps, old, c.new, 1)); f.Verdict != c.want {
			t.Errorf("%s → %s: %s: %s; want %s", old, c.new, f.Verdict, f.Reason, c.want)
		}
	}
}
