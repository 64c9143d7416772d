package view_test

import (
	"os"

	"repro/record"
	"repro/view"
)

func ExampleFindings() {
	_ = view.Findings(os.Stdout, []record.Finding{
		{Result: "table-1", Verdict: record.SameAsPrinted, Reason: "all 12 numbers agree in every printed digit"},
		{Result: "figure-2", Verdict: record.Missing, Reason: "there is no new file"},
	}, view.Style{})
	// Output:
	//   same as printed  table-1   all 12 numbers agree in every printed digit
	//   missing          figure-2  there is no new file
	// reproduced 1 of 2 published results: 1 missing
}
