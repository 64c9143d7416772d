package postscript

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

func ran(t *testing.T, program string) []drawing.Mark {
	t.Helper()
	d, err := Read([]byte("%!PS-Adobe-3.0 EPSF-3.0\n" + program))
	if err != nil {
		t.Fatalf("%s: %v", program, err)
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

func TestPaths(t *testing.T) {
	for program, want := range map[string]string{
		"1 2 moveto 3 4 lineto stroke":                                                "ML 1,2 3,4",
		"1 2 moveto 3 4 rlineto 1 0 rlineto closepath fill":                           "MLLZ 1,2 4,6 5,6",
		"0 0 moveto 1 1 2 1 3 0 curveto 1 1 2 1 3 0 rcurveto fill":                    "MCC 0,0 1,1 2,1 3,0 4,1 5,1 6,0",
		"2 3 translate 2 2 scale 1 1 moveto 2 1 lineto fill":                          "ML 4,5 6,5",
		"90 rotate 1 0 moveto 2 0 lineto fill":                                        "ML 6.123e-17,1",
		"[1 0 0 -1 0 9] concat 1 2 moveto 1 3 lineto fill":                            "ML 1,7 1,6",
		"0 0 10 0 90 arc fill":                                                        "MC 10,0 10,5.523 5.523,10",
		"0 0 10 90 0 arcn fill":                                                       "MC 6.123e-16,10",
		"1 2 3 4 rectfill":                                                            "MLLLZ 1,2 4,2 4,6 1,6",
		"gsave 5 5 translate grestore 1 1 moveto 2 2 lineto fill":                     "ML 1,1 2,2",
		"/l {lineto} bind def 1 1 moveto 2 2 l fill":                                  "ML 1,1 2,2",
		"0 0 moveto 0 1 3 {dup 2 mul lineto} for fill":                                "MLLLL 0,0 0,0 1,2 2,4 3,6",
		"0 0 moveto 2 {1 0 rlineto} repeat fill":                                      "MLL 0,0 1,0 2,0",
		"0 0 moveto [1 2] {dup lineto} forall fill":                                   "MLL 0,0 1,1 2,2",
		"/n 0 def 0 0 moveto {/n n 1 add def n 3 gt {exit} if n n lineto} loop fill":  "MLLL 0,0 1,1 2,2 3,3",
		"1 2 gt {9 9} {1 1} ifelse moveto 2 2 lineto fill":                            "ML 1,1 2,2",
		"3 1 2 3 1 roll moveto pop 4 5 lineto fill":                                   "ML 3,1 4,5",
		"1 2 3 4 4 copy pop pop moveto clear 5 6 lineto fill":                         "ML 1,2 5,6",
		"5 dict begin /x 7 def x x moveto end 16#A 8#10 lineto fill":                  "ML 7,7 10,8",
		"<</a 5>> /a get dup moveto (\\101) 0 get 1 lineto fill":                      "ML 5,5 65,1",
		"{stop 1} stopped {2} {3} ifelse dup moveto 0 0 lineto fill":                  "ML 2,2 0,0",
		"matrix currentmatrix pop 7 2 idiv 7 2 mod moveto 9 sqrt 2 3 exp lineto fill": "ML 3,1 3,8",
	} {
		m := ran(t, program)
		if len(m) != 1 || !strings.HasPrefix(points(&m[0]), want) {
			t.Errorf("%s: %d marks, %s; want %s", program, len(m), points(&m[0]), want)
		}
	}
}

func TestStyles(t *testing.T) {
	for program, want := range map[string]string{
		"1 0 0 setrgbcolor 0 0 moveto 1 1 lineto fill":                           "fill #ff0000",
		".5 setgray 0 0 moveto 1 1 lineto eofill":                                "fill #808080 evenodd",
		"2 setlinewidth 1 setlinecap 2 setlinejoin 0 0 moveto 1 1 lineto stroke": "stroke #000000 cap 1 join 2 miter 10",
		"[3 1] 2 setdash 0 0 moveto 1 1 lineto stroke":                           "stroke #000000 cap 0 join 0 miter 10 dashed",
		"0 .1 .2 .3 setcmykcolor 0 0 moveto 1 1 lineto fill":                     "fill cmyk [0 0.1 0.2 0.3]",
	} {
		if m := ran(t, program); m[0].Style != want {
			t.Errorf("%s: %q; want %q", program, m[0].Style, want)
		}
	}
	if m := ran(t, "2 2 scale 3 setlinewidth [3 1] 2 setdash 0 0 moveto 1 1 lineto stroke"); fmt.Sprint(m[0].Numbers) != "[6 6 2 4]" {
		t.Errorf("%v", m[0].Numbers)
	}
	m := ran(t, "0 0 5 5 rectclip 0 0 moveto 1 1 lineto fill initclip 0 0 moveto 1 1 lineto fill")
	if m[0].Clip == nil || len(m[0].Clip.Points) != 4 || m[1].Clip != nil {
		t.Errorf("%+v", m)
	}
}

func TestTexts(t *testing.T) {
	m := ran(t, "/Helvetica findfont 12 scalefont setfont 5 6 moveto (ab) show (c) show")
	if len(m) != 2 || m[0].Words != "ab" || m[0].At != (drawing.Point{X: 5, Y: 6}) || m[0].Numbers[0] != 12 || m[1].At.X != 5+.6*2*12 || !strings.Contains(m[0].Style, "Helvetica") {
		t.Errorf("%+v", m)
	}
	const font = "/F 9 dict dup begin /FontName /F def /CharProcs 2 dict def CharProcs /a {%s} put end definefont pop /F 2 selectfont 1 1 moveto /a glyphshow"
	a, b := ran(t, fmt.Sprintf(font, "1 1 lineto")), ran(t, fmt.Sprintf(font, "1 2 lineto"))
	if a[0].Words != "/a" || a[0].Style == b[0].Style {
		t.Errorf("a letter that is drawn otherwise: %+v %+v", a, b)
	}
	m = ran(t, "currentfile eexec\nabcdef\ncleartomark")
	if len(m) != 1 || m[0].Kind != drawing.Other {
		t.Errorf("%+v", m)
	}
}

func TestPictures(t *testing.T) {
	const picture = "gsave 5 5 scale /s 3 string def 1 1 8 [1 0 0 1 0 0] {currentfile s readhexstring pop} false 3 colorimage\n%s\ngrestore"
	a, b := ran(t, fmt.Sprintf(picture, "ff00aa")), ran(t, fmt.Sprintf(picture, "ff00ab"))
	if len(a) != 1 || a[0].Words == b[0].Words || points(&a[0]) != "MLLLZ 0,0 5,0 5,5 0,5" {
		t.Errorf("%+v %+v", a, b)
	}
}

func TestPage(t *testing.T) {
	d, err := Read([]byte("%!PS\n%%BoundingBox: 10 20 40 60\n11 22 moveto 12 22 lineto fill"))
	if err != nil || fmt.Sprint(d.Marks[0].Numbers) != "[30 40]" || points(&d.Marks[1]) != "ML 1,2 2,2" {
		t.Errorf("%+v %v", d, err)
	}
}

func TestRefuses(t *testing.T) {
	for program, want := range map[string]error{
		"{} loop":                          badfile.ErrTooLarge,
		"/f {f} def f":                     badfile.ErrTooLarge,
		"{1} loop":                         badfile.ErrTooLarge,
		"70000 string":                     badfile.ErrTooLarge,
		"{gsave} loop":                     badfile.ErrTooLarge,
		"{60000 array pop} loop":           badfile.ErrTooLarge,
		"{<< >> begin} loop":               badfile.ErrUnread,
		strings.Repeat("{", 200):           badfile.ErrTooLarge,
		"{":                                badfile.ErrDamaged,
		"(":                                badfile.ErrDamaged,
		"}":                                badfile.ErrDamaged,
		"pop":                              badfile.ErrUnread,
		"somethingelse":                    badfile.ErrUnread,
		"(a) run":                          badfile.ErrUnread,
		"currentfile 3 string readstring":  badfile.ErrUnread,
		"1 1 lineto":                       badfile.ErrUnread,
		"(a) show":                         badfile.ErrUnread,
		"1 2 put":                          badfile.ErrUnread,
		"{1 somethingelse} stopped":        badfile.ErrUnread,
		"/Pattern setcolorspace":           badfile.ErrUnread,
		"5 array 7 1 put":                  badfile.ErrUnread,
		"1 0 div 1 moveto 2 2 lineto fill": badfile.ErrDamaged,
		"/add load /add load eq {} if 1 2 sub sub": badfile.ErrUnread,
	} {
		if _, err := Read([]byte("%!PS\n" + program)); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", program, err, want)
		}
	}
	for _, b := range []string{"", "PS", "\xc5\xd0\xd3\xc6", "\xc5\xd0\xd3\xc6\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, err := Read([]byte(b)); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("../../testdata/vectors/planted/eps/*.eps")
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
	f.Add([]byte("%!PS\n/f {1 2 roll [1 2] forall} def 0 0 moveto 3 3 5 0 90 arc fill /x 5 dict def"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Read(b); err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
	})
}
