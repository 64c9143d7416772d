package view

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"repro/report"
)

// TestCells holds that the report shows each cell that differs on both sides,
// with its pictures, and nothing of a notebook as more than text.
func TestCells(t *testing.T) {
	const png = "iVBORw0KGgo="
	f := report.Finding{Result: "nb", Output: "a.ipynb", Kind: "ipynb", Verdict: report.Differs, Reason: "1 of 2 code cells differ",
		Cells: &report.Cells{Code: 3, Ran: 2, Differ: 1, Missing: 1, New: 2, List: []report.Cell{{Cell: 5, Source: "plot(<b>x)", Verdict: report.Differs, Parts: []report.Part{
			{Name: "stdout", Verdict: report.Differs, Reason: "number", Published: "1.50 <script>", New: ""},
			{Name: "display 1, image/png", Verdict: report.NeedsEyes, Published: png, New: "not base64!", Type: "image/png"},
			{Name: "display 1, image/svg", Verdict: report.NeedsEyes, Published: png, New: png, Type: "image/x"},
		}}}}}
	var b strings.Builder
	rep := &report.Compare{Version: report.Version, Findings: []report.Finding{f}, Counts: report.Count([]report.Finding{f})}
	if err := CompareHTML(context.Background(), &b, "a", rep, Files{Published: fstest.MapFS{}, New: fstest.MapFS{}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 3 code cells differ, 1 did not run, 1 missing, 2 new.", "Cell 5", "plot(&lt;b&gt;x)", "1.50 &lt;script&gt;", ">none<",
		`<img src="data:image/png;base64,` + png, "a picture of type image/png", "a picture of type image/x"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	if strings.Count(b.String(), "data:image") != 1 || strings.Contains(b.String(), "<script>") {
		t.Error("more than the one picture is drawn, or text is no text")
	}
	if cellsOf(nil) != nil || cellsOf(&report.Cells{Code: 2, Ran: 2}) != nil {
		t.Error("cells of no notebook, or of one that is the same")
	}
}
