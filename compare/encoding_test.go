package compare

import (
	"context"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func TestInUnicode(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"plain", "plain"}, {"José", "José"}, {"Jos\xe9", "José"},
		{"\x80 \x81 \x93x\x94 \x96 \x9f \xa0\xff", "€ \u0081 “x” – Ÿ \u00a0ÿ"},
		{"\xc3\xa9 \xe9", "Ã© é"}, // mixed: read as one encoding throughout
	} {
		if got := string(inUnicode([]byte(c.line))); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	seen := map[string]bool{}
	for c := range 256 {
		seen[string(inUnicode([]byte{byte(c), 0xff}))] = true
	}
	if len(seen) != 256 {
		t.Errorf("%d different of 256", len(seen))
	}
}

// TestEncodings holds that the encoding of a text or a table carries nothing,
// and that another letter does (CMP-40c).
func TestEncodings(t *testing.T) {
	for _, c := range []struct {
		name, pub, new string
		want           report.Verdict
	}{
		{"t.csv", "k,Größe\nJosé,1.5\n", "k,Gr\xf6\xdfe\nJos\xe9,1.5\n", report.SameContent},
		{"t.csv", "k,Gr\xf6\xdfe\nJos\xe9,1.5\n", "k,Größe\nJosé,1.5\n", report.SameContent},
		{"t.csv", "k,v\nJos\xe9,1.5\n", "k,v\nJosè,1.5\n", report.Differs},
		{"t.csv", "k,v\nJos\x8e,1.5\n", "k,v\nJosé,1.5\n", report.Differs}, // Mac OS Roman
		{"t.csv", "k,v\nJos\xe9,1.5\n", "k,v\nJosé,1.6\n", report.Differs},
		{"t.txt", "Jos\xe9: 1.5\n", "José: 1.5\n", report.SameContent},
		{"t.txt", "Jos\xe9: 1.5\n", "Jos\xe8: 1.5\n", report.Differs},
		{"t.txt", "Signif. codes:  0 ‘***’ 0.001 ‘**’ “a”\n", "Signif. codes:  0 '***' 0.001 '**' \"a\"\n", report.SameContent},
		{"t.txt", "Signif. codes:  0 ‘***’ 0.001 ‘**’\n", "Signif. codes:  0 '***' 0.002 '**'\n", report.Differs},
		{"t.txt", "‘a’ 1.5\n", "\"a\" 1.5\n", report.Differs},
		{"t.txt", "5′ 1.5\n", "5' 1.5\n", report.Differs}, // U+2032 is a minute
		{"t.csv", "k,v\nthe ‘a’,1.5\n", "k,v\nthe 'a',1.5\n", report.SameContent},
	} {
		p, n := fstest.MapFS{c.name: {Data: []byte(c.pub)}}, fstest.MapFS{c.name: {Data: []byte(c.new)}}
		f, err := Files(context.Background(), File{FS: p, Name: c.name}, File{FS: n, Name: c.name}, manifest.Rule{})
		if err != nil || f.Verdict != c.want {
			t.Errorf("%q and %q: %s (%s), %v; want %s", c.pub, c.new, f.Verdict, f.Reason, err, c.want)
		}
	}
}

// TestNothingLeft holds that a rule that hides everything reproduces nothing.
func TestNothingLeft(t *testing.T) {
	for _, c := range []struct {
		pub, new, ignore string
		want             report.Verdict
	}{
		{"mean 1.25\n\nsd 0.31\n", "mean 9.99\n\nsd 0.99\n", ".*", report.NeedsEyes},
		{"mean 1.25\nsd 0.31\n", "mean 9.99\nsd 0.99\n", "[a-z.0-9]+", report.NeedsEyes},
		{"mean 1.25\nsd 0.31\n", "mean 9.99\nsd 0.99\n", "[0-9.]+", report.SameContent},
		{"mean 1.25\nsd 0.31\n", "mean 9.99\nsd 0.31\n", "^mean.*", report.SameContent},
		{"mean 1.25\nsd 0.31\n", "mean 9.99\nsd 0.32\n", "^mean.*", report.Differs},
	} {
		p, n := fstest.MapFS{"t.txt": {Data: []byte(c.pub)}}, fstest.MapFS{"t.txt": {Data: []byte(c.new)}}
		f, err := Files(context.Background(), File{FS: p, Name: "t.txt"}, File{FS: n, Name: "t.txt"}, manifest.Rule{Ignore: []string{c.ignore}})
		if err != nil || f.Verdict != c.want {
			t.Errorf("%q and %q without %s: %s (%s), %v; want %s", c.pub, c.new, c.ignore, f.Verdict, f.Reason, err, c.want)
		}
	}
}

// TestBlanksBetweenRows holds that blanks between the tags that lay out a table
// carry nothing, and those in cells do (CMP-123).
func TestBlanksBetweenRows(t *testing.T) {
	table := func(rows string) string { return "<p>x</p><table><tbody>" + rows + "</tbody></table>" }
	pub := table("<tr><td>rf</td><td>0.912</td></tr>")
	for _, c := range []struct {
		new  string
		want report.Verdict
	}{
		{table("\n <tr>\n  <td>rf</td>\n  <td>0.912</td>\n </tr>\n"), report.SameContent},
		{table("<tr class=\"a\">\n<td>rf</td><td>0.912</td></tr>"), report.Differs},
		{table("<tr><td>rf</td><td>0.912</td></tr>x"), report.Differs},
		{table("<tr><td>rf <b>1</b></td><td>0.912</td></tr>"), report.Differs},
	} {
		p, n := fstest.MapFS{"t.html": {Data: []byte(pub)}}, fstest.MapFS{"t.html": {Data: []byte(c.new)}}
		f, err := Files(context.Background(), File{FS: p, Name: "t.html"}, File{FS: n, Name: "t.html"}, manifest.Rule{})
		if err != nil || f.Verdict != c.want {
			t.Errorf("%s: %s (%s), %v; want %s", c.new, f.Verdict, f.Reason, err, c.want)
		}
	}
	spans := func(s string) []byte { return []byte("<table><tr><td><b>1</b>" + s + "<b>2</b></td></tr></table>") }
	p, n := fstest.MapFS{"t.html": {Data: spans("")}}, fstest.MapFS{"t.html": {Data: spans(" ")}}
	if f, err := Files(context.Background(), File{FS: p, Name: "t.html"}, File{FS: n, Name: "t.html"}, manifest.Rule{}); err != nil || f.Verdict != report.Differs {
		t.Errorf("12 and 1 2: %s, %v", f.Verdict, err)
	}
}
