package drawing

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// drawn is the SVG of some marks on a page of 100 × 50 points.
func drawn(t *testing.T, up bool, colour string, marks ...*Mark) string {
	t.Helper()
	p := Picture{Width: 100, Height: 50, Up: up, Layers: []Layer{{Marks: marks, Colour: colour}}}
	b, err := p.SVG()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPictureOfPaths(t *testing.T) {
	curve := Path{}
	curve.Move(Point{1, 2})
	curve.Curve(Point{3, 4}, Point{5, 6}, Point{7, 8})
	curve.Close()
	for name, c := range map[string]struct {
		mark   Mark
		colour string
		up     bool
		want   string
	}{
		"filled":      {mark: Mark{Path: Rect(1, 2, 3, 4), Style: "fill #ff0000 evenodd"}, want: `<path fill="#ff0000" fill-rule="evenodd" d="M1 2 L4 2 L4 6 L1 6 Z"/>`},
		"from below":  {mark: Mark{Path: curve, Style: "fill #ff0000"}, up: true, want: `<path fill="#ff0000" d="M1 48 C3 46 5 44 7 42 Z"/>`},
		"stroked":     {mark: Mark{Path: curve, Style: "stroke #00ff00 cap 1 join 2 miter 10", Numbers: []float64{2}}, want: `<path fill="none" stroke="#00ff00" stroke-width="2" stroke-linecap="round" stroke-linejoin="bevel" d="M1 2 C3 4 5 6 7 8 Z"/>`},
		"dashed":      {mark: Mark{Path: curve, Style: "stroke #00ff00 opacity 51/255 dashed", Numbers: []float64{2, 3, 4, 5}}, want: `stroke="#00ff00" stroke-opacity="0.2" stroke-width="2" stroke-dasharray="3 4 " stroke-dashoffset="5"`},
		"one colour":  {mark: Mark{Path: curve, Style: "fill #ff0000 stroke #00ff00", Numbers: []float64{1}}, colour: "#123456", want: `<g opacity="1"><path fill="#123456" fill-opacity="0.35" stroke="#123456" stroke-width="1"`},
		"no colour":   {mark: Mark{Path: curve, Style: "fill colour [0.1 0.2]"}, want: `<path fill="#888888"`},
		"letter":      {mark: Mark{Kind: Glyph, Path: curve, At: Point{10, 20}, Style: "fill #000000"}, want: `d="M11 22 C13 24 15 26 17 28 Z"`},
		"a part":      {mark: Mark{Kind: Other, Path: Rect(1, 2, 3, 4), Words: "<b>"}, want: `<path fill="none" stroke="#888888" stroke-dasharray="3 2" d="M1 2 L4 2 L4 6 L1 6 Z"/>`},
		"far outside": {mark: Mark{Path: Rect(1e300, 2, 3, 4), Style: "fill #000000"}, want: `d="M1000000 2 L1000000 2 `},
	} {
		if got := drawn(t, c.up, c.colour, &c.mark); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestPictureOfTexts(t *testing.T) {
	m := Mark{Kind: Text, Words: "n = 1", At: Point{10, 20}, Style: "fill #0000ff text-anchor:middle", Numbers: []float64{0, 12, -12, 0}}
	if got, want := drawn(t, true, "", &m), `font-size="12" fill="#0000ff" text-anchor="middle" transform="matrix(0 -1 1 0 10 30)">n = 1</text>`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := drawn(t, false, "#ff0000", &m), `fill="#ff0000" text-anchor="middle" transform="matrix(0 1 -1 0 10 20)">`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	for _, numbers := range [][]float64{nil, {1, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, math.Inf(1)}, {1, 0, 0, math.NaN()}} {
		m.Numbers = numbers
		if got := drawn(t, false, "", &m); strings.Contains(got, "<text") {
			t.Errorf("%v is drawn: %s", numbers, got)
		}
	}
}

func TestPictureClips(t *testing.T) {
	outer, err := (*Clip)(nil).Within(Rect(0, 0, 50, 50), "")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.Within(Rect(0, 0, 5, 5), " evenodd")
	if err != nil {
		t.Fatal(err)
	}
	a, b := Mark{Path: Rect(0, 0, 9, 9), Style: "fill #000000", Clip: inner}, Mark{Path: Rect(0, 0, 9, 9), Style: "fill #000000", Clip: outer}
	got := drawn(t, false, "", &a, &b)
	for _, want := range []string{`<clipPath id="c1"><path d=`, `<clipPath id="c2" clip-path="url(#c1)"><path clip-rule="evenodd" d=`, `<path fill="#000000" clip-path="url(#c2)"`, `<path fill="#000000" clip-path="url(#c1)"`} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s, want one %s", got, want)
		}
	}
}

// TestPictureOfHostileMarks: nothing of a figure becomes markup.
func TestPictureOfHostileMarks(t *testing.T) {
	const evil = `"/><script>alert(1)</script><image href="http://192.0.2.1/x"/>]]>&x;` + "\x00\x1b\xff"
	got := drawn(t, false, "",
		&Mark{Kind: Text, Words: evil, Style: "fill " + evil + " text-anchor:" + evil, Numbers: []float64{9, 0, 0, 9}},
		&Mark{Path: Rect(0, 0, 1, 1), Style: `fill #00000" stroke #12345x cap ` + evil + " join " + evil + " dashed", Numbers: []float64{1, 2, 3}},
		&Mark{Kind: Other, Path: Path{Ops: []byte(`M"<L`), Points: []Point{{1, 2}, {3, 4}}}, Words: evil, Where: evil})
	d := xml.NewDecoder(strings.NewReader(got))
	var names []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		if start, ok := token.(xml.StartElement); ok {
			names = append(names, start.Name.Local)
			for _, a := range start.Attr {
				if a.Name.Local != "xmlns" && strings.ContainsAny(a.Value, `<"/;`) || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
	if want := []string{"svg", "g", "g", "text", "path", "path"}; !slices.Equal(names, want) {
		t.Errorf("elements %q, want %q: %s", names, want, got)
	}
}

func TestPictureRefuses(t *testing.T) {
	for _, size := range [][2]float64{{0, 1}, {1, -1}, {math.NaN(), 1}, {1, math.Inf(1)}, {1e7, 1}} {
		p := Picture{Width: size[0], Height: size[1]}
		if got, err := p.SVG(); err == nil {
			t.Errorf("%v: %s", size, got)
		}
	}
	long := Path{}
	for range MaxPicture / 4 {
		long.Line(Point{1, 2})
	}
	p := Picture{Width: 9, Height: 9, Layers: []Layer{{Marks: []*Mark{{Path: long, Style: "fill #000000"}}}}}
	if _, err := p.SVG(); err == nil || !strings.Contains(err.Error(), "a picture of more than 4194304 bytes") {
		t.Errorf("too large: %v", err)
	}
}

func TestBoxes(t *testing.T) {
	up, down := Picture{Width: 100, Height: 50, Up: true}, Picture{Width: 100, Height: 50}
	if got, want := up.Box(Point{10, 10}, Point{20, 15}, 2), (Box{8, 33, 14, 9}); got != want {
		t.Errorf("from below %v, want %v", got, want)
	}
	if got, want := down.Box(Point{-10, 10}, Point{99, 15}, 2), (Box{0, 8, 100, 9}); got != want {
		t.Errorf("at the edge %v, want %v", got, want)
	}
	a, b, c := Box{0, 0, 10, 10}, Box{10, 0, 10, 10}, Box{40, 40, 1, 1}
	if got, want := Joined([]Box{a, c, b}, 2), []Box{c, {0, 0, 20, 10}}; !slices.Equal(got, want) {
		t.Errorf("joined %v, want %v", got, want)
	}
	if got, want := Joined([]Box{a, c}, 1), []Box{{0, 0, 41, 41}}; !slices.Equal(got, want) {
		t.Errorf("of more than one %v, want %v", got, want)
	}
}

func TestPictureOfLettersByName(t *testing.T) {
	for words, want := range map[string]string{"/seven": "7", "/minus": "\u2212", "/less": "&lt;", "/a": "a", "/alpha": "/alpha", "/": "/", "a/b": "a/b"} {
		m := Mark{Kind: Text, Words: words, Style: "fill #000000", Numbers: []float64{9, 0, 0, 9}}
		if got := drawn(t, true, "", &m); !strings.Contains(got, ">"+want+"</text>") {
			t.Errorf("%q: %s, want %q", words, got, want)
		}
	}
}

func TestFaintLayer(t *testing.T) {
	p := Picture{Width: 9, Height: 9, Layers: []Layer{{Faint: true}}}
	if got, err := p.SVG(); err != nil || !strings.Contains(string(got), `<g opacity="0.3"></g></svg>`) {
		t.Errorf("%s, %v", got, err)
	}
}
