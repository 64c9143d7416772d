package compare

import (
	"context"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func finding(t *testing.T, name, pub, new string, r manifest.Rule) report.Finding {
	t.Helper()
	f, err := Files(context.Background(),
		File{FS: fstest.MapFS{name: {Data: []byte(pub)}}, Name: name},
		File{FS: fstest.MapFS{name: {Data: []byte(new)}}, Name: name}, r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFiles(t *testing.T) {
	const S = report.SameContent
	const P = report.SameAsPrinted
	const W = report.WithinTolerance
	const D = report.Differs
	const E = report.NeedsEyes
	for _, c := range []struct {
		name, pub, new string
		rule           manifest.Rule
		want           report.Verdict
	}{
		{"a.txt", "x = 1.5\n", "x = 1.5\n", manifest.Rule{}, report.Identical},
		{"a.txt", "x = 1.5\n", "x = 1.5", manifest.Rule{}, S},
		{"a.txt", "x = 1.5\n", "x = 1.5\r\n", manifest.Rule{}, S},
		{"a.txt", "x = 1.50\n", "x = 1.502\n", manifest.Rule{}, P},
		{"a.txt", "x = 1.5\n", "x = 1.52\n", manifest.Rule{}, E},
		{"a.txt", "x = 1.5\n", "x = 1.6\n", manifest.Rule{}, D},
		{"a.txt", "x = 1.5\n", "x = -1.5\n", manifest.Rule{}, D},
		{"a.txt", "x = 1.5\n", "y = 1.5\n", manifest.Rule{}, D},
		{"a.txt", "x = 1.50\n", "x = 1.5\n", manifest.Rule{}, E},
		{"a.txt", "x = 1.50\n", "x = 1.5\n", manifest.Rule{Absolute: "0.01"}, W},
		{"a.txt", "x = 1.5\n", "x = 1.6\n", manifest.Rule{Absolute: "0.1"}, W},
		{"a.txt", "x = 1.5\n", "x = 1.6000001\n", manifest.Rule{Absolute: "0.1"}, D},
		{"a.txt", "a 1\nb 2\nc 3\n", "a 1\nc 3\n", manifest.Rule{}, D},
		{"a.txt", "a     b     c\n1.0         2.0\n", "a     b     c\n1.0   2.0\n", manifest.Rule{}, D},
		{"a.txt", "x =  9.99 ok\n", "x = 10.00 ok\n", manifest.Rule{Absolute: "1"}, W},
		{"a.txt", "pid 123 x=1\n", "pid 456 x=1\n", manifest.Rule{Ignore: []string{`pid \d+`}}, S},
		{"a.txt", "v1.2\n", "v1.3\n", manifest.Rule{Absolute: "10"}, D},
		{"a.txt", "2024-01-05\n", "2024-01-06\n", manifest.Rule{Absolute: "10"}, D},
		{"a.txt", "1,234\n", "1,235\n", manifest.Rule{Absolute: "10"}, D},
		{"a.txt", "1.5,2.5\n", "1.5,2.6\n", manifest.Rule{Absolute: "10"}, W},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\na,1\n", manifest.Rule{}, D},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\nb,2\na,1\n", manifest.Rule{}, D},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\nb,2\na,1\n", manifest.Rule{Keys: []string{"k"}}, S},
		{"a.csv", "k,v\na,1\nb,2\n", "v,k\n2,b\n1,a\n", manifest.Rule{Keys: []string{"k"}}, S},
		{"a.csv", "k,v\na,1\nb,2\n", "v,k\n1,a\n2,b\n", manifest.Rule{}, D},
		{"a.csv", "k,v\na,1\na,2\n", "k,v\na,1\na,3\n", manifest.Rule{Keys: []string{"k"}}, E},
		{"a.csv", "k,v\na,1.5D+03\n", "k,v\na,1.5e3\n", manifest.Rule{}, P},
		{"a.csv", "k,v\n\"a\",1\n", "k,v\na,1\n", manifest.Rule{}, S},
		{"a.json", `{"a":1,"b":2}`, `{"b":2,"a":1}`, manifest.Rule{}, S},
		{"a.json", `{"a":1.50,"b":2}`, `{"b":2,"a":1.502}`, manifest.Rule{}, P},
		{"a.json", `{"a":[1,2]}`, `{"a":[1,2,3]}`, manifest.Rule{}, D},
		{"a.json", `{"a":1}`, `{"a":1,"a":1}`, manifest.Rule{}, D},
		{"a.json", `1 2`, `[1,2]`, manifest.Rule{}, D},
		{"a.json", `1`, `1 1`, manifest.Rule{}, D},
		{"a.json", `["\ud800"]`, `["\ud801"]`, manifest.Rule{}, D},
	} {
		f := finding(t, c.name, c.pub, c.new, c.rule)
		if f.Verdict != c.want {
			t.Errorf("%q to %q: %s, want %s (%s)", c.pub, c.new, f.Verdict, c.want, f.Reason)
		}
		t.Logf("%-16s %s", f.Verdict, f.Reason)
	}
}

func ruleOf(digits int) manifest.Rule { return manifest.Rule{Digits: digits} }

// TestWorst holds that what no tolerance accepts is named before what one
// does, however few digits that has.
func TestWorst(t *testing.T) {
	f := finding(t, "a.txt", "0.001 100.00\n", "0.050 100.50\n", manifest.Rule{Absolute: "0.1"})
	if f.Verdict != report.Differs || f.Worst.Where != "line 1, number 2" || f.Digits.Obtained != "0.0" || f.Digits.Of != 1 {
		t.Errorf("%+v: worst %+v, digits %+v", f, f.Worst, f.Digits)
	}
}
