package view_test

import (
	"os"

	"repro/report"
	"repro/report/view"
)

func ExampleCompare() {
	findings := []report.Finding{
		{Result: "table-1", Verdict: report.SameAsPrinted, Reason: "all 12 numbers agree in every printed digit"},
		{Result: "figure-2", Verdict: report.Missing, Reason: "there is no new file"},
	}
	_ = view.Compare(os.Stdout, &report.Compare{Findings: findings, Counts: report.Count(findings)}, false, view.Style{})
	// Output:
	//   same as printed  table-1   all 12 numbers agree in every printed digit
	//   missing          figure-2  there is no new file
	// reproduced 1 of 2 published results: 1 missing
}
