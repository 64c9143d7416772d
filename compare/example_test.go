package compare_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"repro/compare"
	"repro/format/manifest"
)

// A certified value of NIST's, and what double precision makes of it.
func ExampleFiles() {
	published := fstest.MapFS{"f.csv": {Data: []byte("dataset,F\nSmLs01,2.10000000000000E+01\nSmLs07,2.10000000000000E+01\n")}}
	produced := fstest.MapFS{"f.csv": {Data: []byte("dataset,F\nSmLs01,2.100000000000000E+01\nSmLs07,2.100081188781877E+01\n")}}
	finding, err := compare.Files(context.Background(),
		compare.File{FS: published, Name: "f.csv"}, compare.File{FS: produced, Name: "f.csv"},
		manifest.Rule{Keys: []string{"dataset"}, Digits: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(finding.Verdict)
	fmt.Println(finding.Reason)
	// Output:
	// within tolerance
	// 1 of 2 numbers differ; worst at row SmLs07, column F: published 2.10000000000000E+01, new 2.100081188781877E+01 (4.4 of 15 digits, 4 asked)
}
