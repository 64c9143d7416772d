package view

import (
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
)

// drawnReport is the report of two figures that were compared.
func drawnReport(t *testing.T, name, pub, new string) string {
	t.Helper()
	files := Files{Published: fstest.MapFS{name: {Data: []byte(pub)}}, New: fstest.MapFS{name: {Data: []byte(new)}}}
	found, err := compare.Results(context.Background(), files.Published, files.New, []manifest.Result{{Name: "figure", Published: name, Output: "/" + name}}, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return html(t, &report.Run{Findings: found}, files)
}

// svgs are the drawings that a report holds, decoded.
func svgs(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`data:image/svg&#43;xml;base64,([^"]*)"`).FindAllStringSubmatch(page, -1) {
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[1], "&#43;", "+"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

const epsFigure = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 90 60\n/Helvetica findfont 9 scalefont setfont\n" +
	"10 20 moveto 30 40 lineto stroke 5 5 moveto (<script>alert\\(1\\)</script>) show showpage\n"

// TestEPSIsDrawn shows figures that no browser draws, with their difference
// (RPT-31).
func TestEPSIsDrawn(t *testing.T) {
	page := drawnReport(t, "f.eps", epsFigure, strings.Replace(epsFigure, "30 40 lineto", "30 50 lineto", 1))
	drawings := svgs(t, page)
	if len(drawings) != 3 {
		t.Fatalf("%d drawings, want published, new and their difference", len(drawings))
	}
	for i, want := range []string{"M10 40 L30 20 ", "M10 40 L30 10 ", `stroke="#d0021b"`} {
		if !strings.Contains(drawings[i], want) || strings.Contains(drawings[i], "<script") || !strings.Contains(drawings[i], "&lt;script") {
			t.Errorf("drawing %d lacks %q, or its text became markup: %s", i+1, want, drawings[i])
		}
	}
	if n := strings.Count(page, `<rect class="place" x="26" y="6" width="8" height="18"/>`); n != 2 {
		t.Errorf("%d boxes at the point that moved, want one on each side: %s", n, page)
	}
	for _, want := range []string{"<dd>the same paths, texts and colours</dd>", "<dt>Paths and texts compared</dt><dd>2</dd>", "Every part that differs"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(page, "every printed digit") || strings.Contains(page, "<script") {
		t.Error("the report asks a drawing for digits, or holds a script")
	}
}

func TestSVGHasItsPlace(t *testing.T) {
	const figure = `<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="60pt" viewBox="0 0 90 60"><path d="M10 40 L30 20" stroke="red" fill="none"/></svg>`
	page := drawnReport(t, "f.svg", figure, strings.Replace(figure, "L30 20", "L30 10", 1))
	if drawings := svgs(t, page); len(drawings) != 3 || drawings[0] != figure {
		t.Errorf("%d drawings: the published figure is not shown as it is: %q", len(drawings), drawings)
	}
	if n := strings.Count(page, `<rect class="place" x="26" y="6" width="8" height="18"/>`); n != 2 {
		t.Errorf("%d boxes, want 2", n)
	}
}

// TestFigureThatIsNotDrawn says why.
func TestFigureThatIsNotDrawn(t *testing.T) {
	page := drawnReport(t, "f.eps", epsFigure, strings.Replace(epsFigure, "10 20 moveto", "(x) (r) file 10 20 moveto", 1))
	if len(svgs(t, page)) != 0 || !strings.Contains(page, "It is not shown: ") {
		t.Errorf("no reason in %s", page)
	}
}

func TestWhatWasCounted(t *testing.T) {
	for _, c := range []struct {
		f    report.Finding
		want string
	}{
		{report.Finding{Kind: "pdf", Counted: report.CountedPixels}, "Pixels compared"},
		{report.Finding{Kind: "pdf"}, "Numbers compared"},
		{report.Finding{Kind: "svg"}, "Numbers compared"},
		{report.Finding{Kind: "svg", Counted: report.CountedMarks}, "Paths and texts compared"},
		{report.Finding{Kind: "png"}, "Pixels compared"},
	} {
		if got := counted(c.f); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
	if got := asked(report.Finding{Kind: "pdf", Rule: manifest.Rule{Masks: []string{"dates"}}}); got != "pages with the same text that look the same in print; without dates" {
		t.Errorf("a page: %q", got)
	}
	if got := asked(report.Finding{Kind: "npy", Rule: manifest.Rule{Whole: true}}); got != "every number must be equal; also for whole numbers that count or name something" {
		t.Errorf("an array: %q", got)
	}
	if got := asked(report.Finding{Kind: "csv"}); got != everyDigit {
		t.Errorf("a table: %q", got)
	}
	if got := asked(report.Finding{Kind: "fasta"}); got != everyDigit {
		t.Errorf("sequences: %q", got)
	}
	if got := asked(report.Finding{Kind: "svg", Rule: manifest.Rule{Relative: "0.1"}}); got != "relative difference up to 0.1" {
		t.Errorf("a drawing with a tolerance: %q", got)
	}
}

// TestAllGroupsAreListed unfolds what is cut short.
func TestAllGroupsAreListed(t *testing.T) {
	groups := []report.Judged{}
	for range shownGroups {
		groups = append(groups, report.Judged{Group: "column x", Written: "in full"})
	}
	page := html(t, &report.Run{Findings: []report.Finding{{Result: "t", Judged: groups}}}, Files{})
	if strings.Contains(page, "How the numbers of all") {
		t.Error("a fold that shows nothing new")
	}
	groups = append(groups, report.Judged{Group: "column last", Written: "2 decimals"})
	page = html(t, &report.Run{Findings: []report.Finding{{Result: "t", Judged: groups}}}, Files{})
	if !strings.Contains(page, "How the numbers of all 7 groups were written") || !strings.Contains(page, "<code>column last</code></dt><dd>2 decimals</dd>") {
		t.Errorf("not all groups in %s", page)
	}
}
