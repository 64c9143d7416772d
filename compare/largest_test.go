package compare

import (
	"strings"
	"testing"

	"repro/report"
)

// TestReasonNamesTheLargest: not the first mark that differs, but that which is
// off by most.
func TestReasonNamesTheLargest(t *testing.T) {
	const figure = `<svg width="200" height="200"><path d="M10 10L20 10L30 10" stroke="red" fill="none"/>` +
		`<path d="M10 50L20 50L30 50" stroke="red" fill="none"/><path d="M10 90L20 90" stroke="blue" fill="none"/></svg>`
	for _, c := range []struct {
		changes []string
		words   string
		more    bool
	}{
		{[]string{"30 10", "30 11", "30 50", "30 59"}, "(22.5, 44.25)", true},
		{[]string{"30 10", "30 19", "30 50", "30 51"}, "(22.5, 14.25)", true},
		{[]string{"20 10L30 10", "20 11L30 14"}, "point 3 of 3", false},
		{[]string{"30 10", "30 10.5", `<path d="M10 90L20 90" stroke="blue" fill="none"/>`, ""}, "the new file has not", true},
	} {
		f := verdictOn(t, "a.svg", figure, strings.NewReplacer(c.changes...).Replace(figure))
		if f.Verdict != report.Differs || !strings.Contains(f.Reason, c.words) || strings.Contains(f.Reason, "1 more place") != c.more {
			t.Errorf("%q: %s: %s", c.changes, f.Verdict, f.Reason)
		}
	}
}

// TestAllRowsAreShown: rows that differ are kept up to a limit of their own, and
// one of their text.
func TestAllRowsAreShown(t *testing.T) {
	row := func(n int) Row {
		return Row{Name: "1", Published: []Piece{{Text: strings.Repeat("x", n)}}, New: []Piece{{Text: "y", Mark: Off}}}
	}
	s := &Show{}
	for range maxRows + 7 {
		s.add(row(1))
	}
	if len(s.Rows) != maxRows || s.Omitted != 7 {
		t.Errorf("%d rows, %d omitted", len(s.Rows), s.Omitted)
	}
	s = &Show{}
	for range 10 {
		s.add(row(maxKept/4 - 1))
	}
	if len(s.Rows) != 4 && len(s.Rows) != 5 || s.Omitted != int64(10-len(s.Rows)) {
		t.Errorf("%d long rows, %d omitted", len(s.Rows), s.Omitted)
	}
}
