package compare

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

// The goals that testdata/verdicts is held to.
const (
	mostFalseDiffers = 0.01
	mostNeedlessEyes = 0.05
)

// verdictCase is one line of testdata/verdicts.
type verdictCase struct {
	at             string
	class, ext     string
	rule           manifest.Rule
	published, new string
	expected       string
}

var unescape = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\s`, " ")

func readVerdicts(t *testing.T) (out []verdictCase) {
	files, _ := filepath.Glob("testdata/verdicts/*.txt")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			f := strings.Split(line, "¦")
			if len(f) != 6 {
				t.Fatalf("%s:%d: %d fields", name, i+1, len(f))
			}
			for k := range f {
				f[k] = strings.TrimSpace(f[k])
			}
			c := verdictCase{at: filepath.Base(name) + ":" + itoa(i+1), class: f[0], ext: f[1],
				published: unescape.Replace(f[3]), new: unescape.Replace(f[4]), expected: f[5]}
			if f[2] != "-" {
				if err := json.Unmarshal([]byte(f[2]), &c.rule); err != nil {
					t.Fatalf("%s: %v", c.at, err)
				}
			}
			if strings.Trim(c.expected, "SDE") != "" || c.expected == "" {
				t.Fatalf("%s: expected %q", c.at, c.expected)
			}
			out = append(out, c)
		}
	}
	return out
}

// letter is how testdata/verdicts writes a verdict.
func letter(v report.Verdict) string {
	switch {
	case v.Reproduced():
		return "S"
	case v == report.NeedsEyes:
		return "E"
	}
	return "D"
}

// TestVerdicts holds the comparer to what a careful person would say of each
// pair in testdata/verdicts.
func TestVerdicts(t *testing.T) {
	cases := readVerdicts(t)
	if len(cases) < 400 {
		t.Fatalf("%d cases", len(cases))
	}
	var falseSame, falseDiffers, eyes int
	for _, c := range cases {
		pub, new := "published."+c.ext, "new."+c.ext
		fsys := fstest.MapFS{pub: {Data: []byte(c.published)}, new: {Data: []byte(c.new)}}
		f, err := Files(context.Background(), File{FS: fsys, Name: pub}, File{FS: fsys, Name: new}, c.rule)
		if err != nil {
			t.Errorf("%s: %v", c.at, err)
			continue
		}
		got := letter(f.Verdict)
		if strings.Contains(c.expected, got) {
			continue
		}
		switch got {
		case "S":
			falseSame++
			t.Errorf("%s: FALSE SAME (%s): %q and %q: %s: %s", c.at, c.class, c.published, c.new, f.Verdict, f.Reason)
		case "D":
			falseDiffers++
			t.Logf("%s: false differs (%s): %q and %q: %s", c.at, c.class, c.published, c.new, f.Reason)
		default:
			eyes++
			t.Logf("%s: needless eyes (%s): %q and %q: %s", c.at, c.class, c.published, c.new, f.Reason)
		}
	}
	n := float64(len(cases))
	t.Logf("%d pairs: %d false same, %d false differs, %d needless eyes", len(cases), falseSame, falseDiffers, eyes)
	if float64(falseDiffers) > mostFalseDiffers*n || float64(eyes) > mostNeedlessEyes*n {
		t.Errorf("beyond the goals of %.0f %% and %.0f %%", 100*mostFalseDiffers, 100*mostNeedlessEyes)
	}
}

// TestAddedZeros holds what zeros behind a number are read as (CMP-29a): two
// versions or sections unless the numbers beside it show more digits, too.
func TestAddedZeros(t *testing.T) {
	for _, c := range []struct {
		ext, rule, published, new, want string
	}{
		{"txt", "{}", "Seurat 4.1", "Seurat 4.10", "E"},
		{"txt", "{}", "Seurat 4.10", "Seurat 4.100", "S"},    // padded: it was rounded
		{"txt", "{}", "Seurat 4.1", "Seurat 4.1000", "S"},    // three zeros
		{"txt", "{}", "Seurat 4.1", "Seurat 4.100", "E"},     // two
		{"txt", "{}", "x 4.12", "x 4.120", "E"},              // two decimals
		{"txt", "{}", "x 4.123", "x 4.1230", "S"},            // three
		{"txt", "{}", "x 4", "x 4.0", "S"},                   // whole
		{"txt", "{}", "x 0.0", "x 0.00", "S"},                // zero
		{"txt", "{}", "x 4.1e-2", "x 4.10e-2", "S"},          // an exponent
		{"txt", "{}", "a 4.1\nb 2.5", "a 4.10\nb 2.50", "S"}, // all show more
		{"txt", "{}", "a 4.1\nb 4.1", "a 4.10\nb 4.10", "E"}, // one number twice
		{"txt", "{}", "a 4.1\nb 2.5", "a 4.10\nb 2.5", "E"},  // one of them does
		{"csv", "{}", "part,v\n1.1,5\n1.2,7\n", "part,v\n1.10,5\n1.2,7\n", "E"},
		{"csv", "{}", "Section,v\n1.1,5\n1.2,7\n", "Section,v\n1.10,5\n1.20,7\n", "D"},
		{"csv", "{}", "gene_id,v\n1.10,5\n1.11,7\n", "gene_id,v\n1.1,5\n1.11,7\n", "D"},
		{"csv", "{}", "accession,v\n1.10,5\n1.11,7\n", "accession,v\n1.1,5\n1.11,7\n", "D"},
		{"csv", "{}", "chapter,v\n1.10,5\n1.11,7\n", "chapter,v\n1.1,5\n1.11,7\n", "D"},
		{"csv", "{}", "r_version,v\n1.10,5\n1.11,7\n", "r_version,v\n1.1,5\n1.11,7\n", "D"},
		{"csv", "{}", "ID,v\n101,5\n102,7\n", "ID,v\n101.0,5\n102.0,7\n", "S"},
		{"csv", "{}", "ID,v\n101.0,5\n102.0,7\n", "ID,v\n101,5\n102,7\n", "S"},
		{"csv", "{}", "v,w\n1.1,5\n1.2,7\n", "v,w\n1.10,5\n1.20,7\n", "S"},
		{"csv", "{}", "v\n0.9\n0.8571428571428571\n0.3333333333333333\n", "v\n0.90\n0.8571428571428571\n0.3333333333333333\n", "S"},
		{"json", "{}", `{"v": 1.1}`, `{"v": 1.10}`, "S"},
		{"md", "{}", "Section 4.1", "Section 4.10", "E"},
		{"txt", `{"numbers": "exact"}`, "x 4.1", "x 4.10", "S"},
		{"txt", `{"absolute": "0.1"}`, "x 4.1", "x 4.10", "S"},
	} {
		var rule manifest.Rule
		if err := json.Unmarshal([]byte(c.rule), &rule); err != nil {
			t.Fatal(err)
		}
		fsys := fstest.MapFS{"p." + c.ext: {Data: []byte(c.published)}, "n." + c.ext: {Data: []byte(c.new)}}
		f, err := Files(context.Background(), File{FS: fsys, Name: "p." + c.ext}, File{FS: fsys, Name: "n." + c.ext}, rule)
		if err != nil || letter(f.Verdict) != c.want {
			t.Errorf("%q and %q: %s (%s), %v; want %s", c.published, c.new, f.Verdict, f.Reason, err, c.want)
		}
		if c.want == "E" && !strings.Contains(f.Reason, "say numbers: exact") {
			t.Errorf("%q does not say what to write", f.Reason)
		}
	}
}

// TestPercentSigns holds where a percent sign begins a comment of LaTeX (CMP-124a).
func TestPercentSigns(t *testing.T) {
	for _, c := range []struct{ published, new, want string }{
		{"x % 1", "x % 2", "S"},
		{`\{ % 1 }`, `\{ % 2 }`, "S"},
		{"{x} % {1}", "{x} % {2}", "S"},
		{"{x % 1", "{x % 2", "S"},
		{"{x % 1}", "{x % 2}", "D"},
		{`\url{a%20b} 1`, `\url{a%20b} 2`, "D"},
		{`\Verb!a % 1!`, `\Verb!a % 2!`, "D"},
		{"\\begin{CodeOutput}\n% 1\n\\end{CodeOutput}", "\\begin{CodeOutput}\n% 2\n\\end{CodeOutput}", "D"},
		{"\\begin{CodeOutput}\n\\end{CodeOutput}\n% 1", "\\begin{CodeOutput}\n\\end{CodeOutput}\n% 2", "S"},
		{"\\begin{table}\n% 1\n\\end{table}", "\\begin{table}\n% 2\n\\end{table}", "S"},
		{"\\newminted{r}{}\n% 1", "\\newminted{r}{}\n% 2", "D"},
		{"% 1\n\\newminted{r}{}", "% 2\n\\newminted{r}{}", "S"},
		{"$-1.5$", "$-$1.5", "S"},
		{"$1.5$", "1.5", "S"},
		{"$-1.5$", "1.5", "D"},
		{"$1.5x$", "1.5x", "D"},
	} {
		fsys := fstest.MapFS{"p.tex": {Data: []byte(c.published + "\n")}, "n.tex": {Data: []byte(c.new + "\n")}}
		f, err := Files(context.Background(), File{FS: fsys, Name: "p.tex"}, File{FS: fsys, Name: "n.tex"}, manifest.Rule{})
		if err != nil || letter(f.Verdict) != c.want {
			t.Errorf("%q and %q: %s (%s), %v; want %s", c.published, c.new, f.Verdict, f.Reason, err, c.want)
		}
	}
}

// TestHanded holds the comparer to what a careful person says of files that were
// once answered otherwise.
func TestHanded(t *testing.T) {
	folders, _ := filepath.Glob("testdata/handed/*")
	if len(folders) < 12 {
		t.Fatalf("%d pairs", len(folders))
	}
	for _, folder := range folders {
		fsys := os.DirFS(folder)
		pub, _ := fs.Glob(fsys, "published.*")
		fresh, _ := fs.Glob(fsys, "new.*")
		expected, err := fs.ReadFile(fsys, "expected.txt")
		if err != nil || len(pub) != 1 || len(fresh) != 1 {
			t.Fatalf("%s: %v, %v, %v", folder, pub, fresh, err)
		}
		f, err := Files(context.Background(), File{FS: fsys, Name: pub[0]}, File{FS: fsys, Name: fresh[0]}, manifest.Rule{})
		if err != nil || !strings.Contains(string(expected), letter(f.Verdict)) {
			t.Errorf("%s: %s (%s), %v; want %s", folder, f.Verdict, f.Reason, err, expected)
		}
	}
}
