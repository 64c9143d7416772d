package view

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"repro/report"
)

// TestAllRowsCanBeSeen: of a table of which more rows differ than are shown at
// first, the others are unfolded.
func TestAllRowsCanBeSeen(t *testing.T) {
	for _, c := range []struct {
		rows        int
		want, never string
	}{{sideRows, "", "more rows that differ"}, {sideRows + 1, "1 more row that differs", "are not shown"}, {sideRows + 250, "250 more rows that differ", "are not shown"}} {
		var pub, new strings.Builder
		for _, b := range []*strings.Builder{&pub, &new} {
			b.WriteString("k,v\n")
			for i := range c.rows {
				fmt.Fprintf(b, "r%d,%d\n", i, 1000+i)
			}
		}
		changed := strings.ReplaceAll(new.String(), ",1", ",3")
		f := report.Finding{Result: "t", Published: "t.csv", Output: "t.csv", Kind: "csv", Verdict: report.Differs, Reason: "numbers differ"}
		rep := &report.Compare{Version: report.Version, Findings: []report.Finding{f}, Counts: report.Count([]report.Finding{f})}
		files := Files{Published: fstest.MapFS{"t.csv": {Data: []byte(pub.String())}}, New: fstest.MapFS{"t.csv": {Data: []byte(changed)}}}
		var b strings.Builder
		if err := CompareHTML(context.Background(), &b, "a", rep, files); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		if !strings.Contains(page, c.want) || strings.Contains(page, c.never) {
			t.Errorf("%d rows: %q or no %q", c.rows, c.never, c.want)
		}
		for _, row := range []int{0, c.rows - 1} {
			if n := strings.Count(page, fmt.Sprintf(">r%d<", row)); n < 1 {
				t.Errorf("%d rows: row %d is not in the report", c.rows, row)
			}
		}
	}
}
