package compare

import (
	"context"
	"testing"
	"testing/fstest"

	"repro/record"
)

func finding(t *testing.T, name, pub, new string, r record.Rule) record.Finding {
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
	const S = record.SameContent
	const P = record.SameAsPrinted
	const W = record.WithinTolerance
	const D = record.Differs
	const E = record.NeedsEyes
	for _, c := range []struct {
		name, pub, new string
		rule           record.Rule
		want           record.Verdict
	}{
		{"a.txt", "x = 1.5\n", "x = 1.5\n", record.Rule{}, record.Identical},
		{"a.txt", "x = 1.5\n", "x = 1.5", record.Rule{}, S},
		{"a.txt", "x = 1.5\n", "x = 1.5\r\n", record.Rule{}, S},
		{"a.txt", "x = 1.5\n", "x = 1.52\n", record.Rule{}, P},
		{"a.txt", "x = 1.5\n", "x = 1.6\n", record.Rule{}, D},
		{"a.txt", "x = 1.5\n", "x = -1.5\n", record.Rule{}, D},
		{"a.txt", "x = 1.5\n", "y = 1.5\n", record.Rule{}, D},
		{"a.txt", "x = 1.50\n", "x = 1.5\n", record.Rule{}, E},
		{"a.txt", "x = 1.50\n", "x = 1.5\n", record.Rule{Absolute: "0.01"}, W},
		{"a.txt", "x = 1.5\n", "x = 1.6\n", record.Rule{Absolute: "0.1"}, W},
		{"a.txt", "x = 1.5\n", "x = 1.6000001\n", record.Rule{Absolute: "0.1"}, D},
		{"a.txt", "a 1\nb 2\nc 3\n", "a 1\nc 3\n", record.Rule{}, D},
		{"a.txt", "a     b     c\n1.0         2.0\n", "a     b     c\n1.0   2.0\n", record.Rule{}, D},
		{"a.txt", "x =  9.99 ok\n", "x = 10.00 ok\n", record.Rule{Absolute: "1"}, W},
		{"a.txt", "pid 123 x=1\n", "pid 456 x=1\n", record.Rule{Ignore: []string{`pid \d+`}}, S},
		{"a.txt", "v1.2\n", "v1.3\n", record.Rule{Absolute: "10"}, D},
		{"a.txt", "2024-01-05\n", "2024-01-06\n", record.Rule{Absolute: "10"}, D},
		{"a.txt", "1,234\n", "1,235\n", record.Rule{Absolute: "10"}, D},
		{"a.txt", "1.5,2.5\n", "1.5,2.6\n", record.Rule{Absolute: "10"}, W},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\na,1\n", record.Rule{}, D},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\nb,2\na,1\n", record.Rule{}, D},
		{"a.csv", "k,v\na,1\nb,2\n", "k,v\nb,2\na,1\n", record.Rule{Keys: []string{"k"}}, S},
		{"a.csv", "k,v\na,1\nb,2\n", "v,k\n2,b\n1,a\n", record.Rule{Keys: []string{"k"}}, S},
		{"a.csv", "k,v\na,1\nb,2\n", "v,k\n1,a\n2,b\n", record.Rule{}, D},
		{"a.csv", "k,v\na,1\na,2\n", "k,v\na,1\na,3\n", record.Rule{Keys: []string{"k"}}, E},
		{"a.csv", "k,v\na,1.5D+03\n", "k,v\na,1.5e3\n", record.Rule{}, P},
		{"a.csv", "k,v\n\"a\",1\n", "k,v\na,1\n", record.Rule{}, S},
		{"a.json", `{"a":1,"b":2}`, `{"b":2,"a":1}`, record.Rule{}, S},
		{"a.json", `{"a":1.5,"b":2}`, `{"b":2,"a":1.52}`, record.Rule{}, P},
		{"a.json", `{"a":[1,2]}`, `{"a":[1,2,3]}`, record.Rule{}, D},
		{"a.json", `{"a":1}`, `{"a":1,"a":1}`, record.Rule{}, D},
		{"a.json", `1 2`, `[1,2]`, record.Rule{}, D},
		{"a.json", `1`, `1 1`, record.Rule{}, D},
		{"a.json", `["\ud800"]`, `["\ud801"]`, record.Rule{}, D},
	} {
		f := finding(t, c.name, c.pub, c.new, c.rule)
		if f.Verdict != c.want {
			t.Errorf("%q to %q: %s, want %s (%s)", c.pub, c.new, f.Verdict, c.want, f.Reason)
		}
		t.Logf("%-16s %s", f.Verdict, f.Reason)
	}
}

func ruleOf(digits int) record.Rule { return record.Rule{Digits: digits} }

// TestWorst holds that what no tolerance accepts is named before what one
// does, however few digits that has.
func TestWorst(t *testing.T) {
	f := finding(t, "a.txt", "0.001 100.00\n", "0.050 100.50\n", record.Rule{Absolute: "0.1"})
	if f.Verdict != record.Differs || f.Worst.Where != "line 1, number 2" || f.Digits.Obtained != "0.0" || f.Digits.Of != 1 {
		t.Errorf("%+v: worst %+v, digits %+v", f, f.Worst, f.Digits)
	}
}
