package compare

import (
	"context"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func TestClaims(t *testing.T) {
	files := fstest.MapFS{
		"out/t.csv":    {Data: []byte("set,coef,se\nSmLs07,21.0004,0.0134\nNorris,1.5,2\nNorris,1.6,2\n")},
		"out/fit.json": {Data: []byte(`{"fit":{"slope":1.00211682,"a/b":[1,"x"]}}`)},
		"out/log.txt":  {Data: []byte("R2 = 0.9876\nn = 36\nn = 37\n")},
	}
	cell := func(row, column string) manifest.Claim {
		return manifest.Claim{Output: "/out/t.csv", Cell: &manifest.Cell{Row: row, Column: column}}
	}
	pointer := func(p string) manifest.Claim { return manifest.Claim{Output: "/out/fit.json", Pointer: p} }
	pattern := func(p string) manifest.Claim { return manifest.Claim{Output: "/out/log.txt", Pattern: p} }
	for _, c := range []struct {
		value string
		claim manifest.Claim
		want  report.Verdict
	}{
		{"0.0134", cell("SmLs07", "se"), report.SameContent},
		{"0.013", cell("SmLs07", "se"), report.SameAsPrinted},
		{"21.00", cell("SmLs07", "coef"), report.SameAsPrinted},
		{"0.0137", cell("SmLs07", "se"), report.Differs},
		{"-0.0134", cell("SmLs07", "se"), report.Differs},
		{"2", cell("Norris", "se"), report.Differs}, // which of the two?
		{"2", cell("Longley", "se"), report.Differs},
		{"2", cell("SmLs07", "p"), report.Differs},
		{"1.0021", pointer("/fit/slope"), report.SameAsPrinted},
		{"1.0022", pointer("/fit/slope"), report.Differs},
		{"1", pointer("/fit/a~1b/0"), report.SameContent},
		{"1", pointer("/fit/a~1b/1"), report.Differs},
		{"1", pointer("/fit/b"), report.Differs},
		{"0.988", pattern(`R2 = (\S+)`), report.SameAsPrinted},
		{"36", pattern(`n = (\d+)`), report.NeedsEyes},
		{"36", pattern(`m = (\d+)`), report.Differs},
		{"36", manifest.Claim{Output: "/out/none", Pattern: `n = (\d+)`}, report.Missing},
	} {
		c.claim.Name, c.claim.Value = "c", c.value
		found, err := Claims(context.Background(), files, []manifest.Claim{c.claim})
		if err != nil {
			t.Fatal(err)
		}
		if f := found[0]; f.Verdict != c.want || f.Reason == "" || f.Result != "c" {
			t.Errorf("%s in %+v: %s: %s; want %s", c.value, c.claim, f.Verdict, f.Reason, c.want)
		}
	}
	tolerant := cell("SmLs07", "se")
	tolerant.Value, tolerant.Compare.Relative = "0.0135", "0.01"
	found, err := Claims(context.Background(), files, []manifest.Claim{tolerant})
	if err != nil || found[0].Verdict != report.WithinTolerance {
		t.Errorf("%v %+v", err, found)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), "1", "b", "/a/0", `(\d)`)
	f.Add([]byte(`{"a":[1]}`), "1", "b", "/a/0", `(\d)`)
	f.Fuzz(func(t *testing.T, b []byte, row, column, pointer, pattern string) {
		files := fstest.MapFS{"o": {Data: b}}
		for _, c := range []manifest.Claim{
			{Name: "c", Value: "1.50", Output: "/o", Cell: &manifest.Cell{Row: row, Column: column}},
			{Name: "c", Value: "1.50", Output: "/o", Pointer: "/" + pointer},
			{Name: "c", Value: "1.50", Output: "/o", Pattern: pattern},
		} {
			found, _ := Claims(context.Background(), files, []manifest.Claim{c})
			if len(found) != 1 || found[0].Verdict == "" || found[0].Reason == "" {
				t.Fatalf("%+v", found)
			}
		}
	})
}
