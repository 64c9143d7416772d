package compare

import (
	"bytes"
	"strings"
	"testing"

	"repro/internal/drawing"
)

const figureHead = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 10 10 110 60\n/Helvetica findfont 10 scalefont setfont 0 0 1 setrgbcolor\n"

func TestDrawFiguresEPS(t *testing.T) {
	pub := figureHead + "20 20 moveto 60 30 lineto 100 50 lineto stroke 20 50 moveto (a<b) show showpage\n"
	d, err := DrawFigures(kindEPS, []byte(pub), []byte(strings.Replace(pub, "60 30 lineto", "60 40 lineto", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if d.New.Width != 100 || d.New.Height != 50 {
		t.Errorf("a page of %g × %g", d.New.Width, d.New.Height)
	}
	box := drawing.Box{X: 46, Y: 16, Width: 8, Height: 18} // the point at (50, 20) and (50, 30) of 50
	for name, f := range map[string]DrawnFigure{"published": d.Published, "new": d.New} {
		if len(f.Places) != 1 || f.Places[0] != box {
			t.Errorf("%s: places %v, want %v", name, f.Places, box)
		}
		if !bytes.Contains(f.SVG, []byte(`stroke="#0000ff"`)) || !bytes.Contains(f.SVG, []byte(">a&lt;b</text>")) {
			t.Errorf("%s: %s", name, f.SVG)
		}
	}
	for colour, path := range map[string]string{onlyPublished: "M10 40 L50 30 L90 10", onlyNew: "M10 40 L50 20 L90 10"} {
		if want := `stroke="` + colour + `"`; strings.Count(string(d.Difference), want) != 1 || !bytes.Contains(d.Difference, []byte(path)) {
			t.Errorf("no path of %s along %s in %s", colour, path, d.Difference)
		}
	}
	if faint, _, _ := strings.Cut(string(d.Difference), "</g></g>"); !strings.Contains(faint, `opacity="0.3"`) || !strings.Contains(faint, ">a&lt;b</text>") {
		t.Errorf("no faint text of both in %s", d.Difference)
	}
}

func TestDrawFiguresThatAreTheSame(t *testing.T) {
	pub := []byte(figureHead + "20 20 moveto 60 30 lineto stroke showpage\n")
	d, err := DrawFigures(kindEPS, pub, pub)
	if err != nil {
		t.Fatal(err)
	}
	if d.Difference != nil || d.Published.Places != nil || d.New.SVG == nil {
		t.Errorf("%+v", d)
	}
}

// TestDrawFiguresTexts marks a text about where it stands, however it is placed.
func TestDrawFiguresTexts(t *testing.T) {
	const frame = `<svg width="100pt" height="50pt" viewBox="0 0 100 50"><text x="50" y="30" font-size="10" text-anchor="%">abcd</text></svg>`
	for anchor, x := range map[string]float64{"start": 46, "middle": 34, "end": 22} {
		pub := strings.Replace(frame, "%", anchor, 1)
		d, err := DrawFigures(kindSVG, []byte(pub), []byte(strings.Replace(pub, "abcd", "abce", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if want := (drawing.Box{X: x, Y: 16, Width: 32, Height: 18}); len(d.New.Places) != 1 || d.New.Places[0] != want {
			t.Errorf("%s: %v, want %v", anchor, d.New.Places, want)
		}
	}
	d, err := DrawFigures(kindSVG, []byte(`<svg width="100pt" height="50pt" viewBox="0 0 100 50"/>`), []byte(strings.Replace(frame, "%", "start", 1)))
	if err != nil || len(d.Published.Places) != 1 {
		t.Errorf("a text that only the new figure has: %+v, %v", d, err)
	}
}

func TestDrawFiguresRefuses(t *testing.T) {
	good := figureHead + "showpage\n"
	for name, c := range map[string][3]string{
		"another kind":  {"png", good, good},
		"no figure":     {kindEPS, good, "no figure"},
		"a file wanted": {kindEPS, figureHead + "(x) (r) file showpage\n", good},
		"no SVG":        {kindSVG, "<svg", "<svg"},
	} {
		if d, err := DrawFigures(c[0], []byte(c[1]), []byte(c[2])); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
