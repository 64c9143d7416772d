package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain Zürich 日本":     "plain Zürich 日本",
		"\x1b[31mred":         `\u001b[31mred`,
		"a\nb\tc\r":           `a\u000ab\u0009c\u000d`,
		"abc\u202etxt.exe":    `abc\u202etxt.exe`,
		"\u2066x\u2069\u200b": `\u2066x\u2069\u200b`,
		"\xff\xfe":            `\xff\xfe`,
		"\u009b31m":           `\u009b31m`,
		"\U000e0041":          `\U000e0041`,
		"\ufffd":              "\ufffd",
		"line\u2028sep":       `line\u2028sep`,
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		verdicts []report.Verdict
		want     string
	}{
		{[]report.Verdict{report.Identical, report.SameAsPrinted}, "reproduced 2 of 2 published results"},
		{[]report.Verdict{report.Identical}, "reproduced 1 of 1 published results"},
		{nil, "reproduced 0 of 0 published results"},
		{[]report.Verdict{report.Identical, report.Differs, report.Differs, report.Missing, report.NeedsEyes},
			"reproduced 1 of 5 published results: 2 differ, 1 missing, 1 needs eyes"},
	} {
		var findings []report.Finding
		for _, v := range c.verdicts {
			findings = append(findings, report.Finding{Verdict: v})
		}
		if got := Verdict(report.Count(findings)); got != c.want {
			t.Errorf("%v: %q", c.verdicts, got)
		}
	}
}

func TestUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 56 << 20: "56 MiB", 1536 << 20: "1.5 GiB", 1 << 60: "1 EiB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
	for ms, want := range map[int64]string{0: "0 ms", 999: "999 ms", 2312: "2.3 s", 61_000: "1m1s"} {
		if got := duration(ms); got != want {
			t.Errorf("%d ms: %q, want %q", ms, got, want)
		}
	}
}

// sample is a run with one result of every kind, and files for it.
func sample(t testing.TB) (*report.Run, Files) {
	t.Helper()
	picture := func(c image.Point) []byte {
		m := image.NewGray(image.Rect(0, 0, 16, 12))
		m.Pix[m.PixOffset(c.X, c.Y)] = 255
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	pub := fstest.MapFS{
		"t.csv": {Data: []byte("name,value\nSmLs07,2.10000000000000E+01\nother,1.5\n")},
		"f.png": {Data: picture(image.Pt(3, 3))}, "x.txt": {Data: []byte("x = 1.50\n")}, "m.json": {Data: []byte(`{"a":1}`)}, "gone.csv": {Data: []byte("a\n")},
	}
	out := fstest.MapFS{
		"paper/t.csv": {Data: []byte("name,value\nSmLs07,2.10008118878188E+01\nother,1.5\n")},
		"paper/f.png": {Data: picture(image.Pt(9, 9))}, "paper/x.txt": {Data: []byte("x = 1.502\n")}, "paper/m.json": {Data: []byte(`{"a":2}`)},
	}
	files := Files{Published: pub, New: out, Pictures: map[string][]byte{}, Logs: fstest.MapFS{"fit.log": {Data: []byte("fitted\n")}}}
	var results []manifest.Result
	for _, name := range []string{"t.csv", "f.png", "x.txt", "m.json", "gone.csv"} {
		r := manifest.Result{Name: strings.TrimSuffix(name, name[strings.Index(name, "."):]) + "-result", Published: name, Output: "/paper/" + name, Claim: "Table 1"}
		if name == "t.csv" {
			r.Compare = manifest.Rule{Digits: 4, Keys: []string{"name"}}
		}
		results = append(results, r)
	}
	findings, err := compare.Results(context.Background(), pub, out, results,
		compare.Options{Picture: func(name string, b []byte) { files.Pictures[name] = b }})
	if err != nil {
		t.Fatal(err)
	}
	return &report.Run{
		Version: report.Version, Image: "paper.sif", ContentID: manifest.DigestOf([]byte("x")),
		Paper: manifest.Paper{Title: "A Title", Authors: []manifest.Author{{Name: "Ana Lima", Affiliation: "Porto"}}, Date: "2026-03-01T00:00:00Z", DOI: "10.5281/zenodo.1"},
		Verify: &report.Verify{Verdict: report.ImageSigned, Reason: "all of it", Image: "paper.sif",
			Objects:    []report.ObjectStatus{{ID: 1, Name: "manifest.json", Size: 4096, Intact: true, Signers: []string{"AB12"}}, {ID: 4, Name: "environment", Size: 9 << 20, Mounted: "/", Intact: true, Signers: []string{"AB12"}}},
			Signatures: []report.SignatureStatus{{Kind: "openpgp", Status: report.SignatureValid, Fingerprint: "AB12", Signer: "Ana Lima <ana@example.org>", Trusted: true, Time: "2026-03-02T10:00:00Z"}}},
		Machine:   report.Machine{Arch: "amd64", CPU: "A CPU", CPUs: 2, Memory: 8 << 30, Kernel: "Linux 6.18", Repro: "v0.1.0"},
		Isolation: report.Isolation{Level: "namespaces", Layers: "fuse"},
		Started:   "2026-11-23T17:00:00Z", Finished: "2026-11-23T17:00:12Z",
		Steps:    []report.StepStatus{{Name: "fit", Status: "done", WallMS: 2312, CPUMS: 4200, MaxRSS: 54 << 20, Log: "fit.log"}},
		Findings: findings, Counts: report.Count(findings),
	}, files
}

func html(t testing.TB, r *report.Run, files Files) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(context.Background(), &b, r, files); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	r, files := sample(t)
	got := html(t, r, files)
	for _, want := range []string{
		"<h1>Reproduced 2 of 5 published results</h1>", "A Title", "Ana Lima (Porto)", `href="https://doi.org/10.5281/zenodo.1"`,
		"Signed by Ana Lima &lt;ana@example.org&gt;", "4.4 of 15 published digits", "SmLs07", `<mark class="inside">8118878188E&#43;01</mark>`,
		`<a href="#result-4">m-result</a> (differs)`, "There is no new file.", "fitted", "2.3 s", "1 March 2026",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	if n := strings.Count(got, "data:image/png;base64,"); n != 3 {
		t.Errorf("%d pictures, want published, new and difference, each once", n)
	}
	if again := html(t, r, files); again != got {
		t.Error("two reports of one run differ")
	}
}

// TestHTMLLoadsNothing holds that the report asks for nothing from outside
// and runs no script, and that its policy lets its style sheet through.
func TestHTMLLoadsNothing(t *testing.T) {
	r, files := sample(t)
	got := html(t, r, files)
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(got)
	sum := sha256.Sum256([]byte(style[1]))
	policy := "default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;"
	if !strings.Contains(got, policy) {
		t.Error("the policy does not name the style sheet")
	}
	for _, never := range []string{"<script", " style=", " onload", "javascript:", "<link rel=\"stylesheet", "url(", "@import", "<iframe", "<object", "<form"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is in the report", never)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]{0,20})`).FindAllStringSubmatch(got, -1) {
		if to := m[1]; !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "data:") && !strings.HasPrefix(to, "https://doi.org/") {
			t.Errorf("the report leads to %q", to)
		}
	}
}

// hostile is put into every text that comes from outside.
const hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e\xff{{.}}</style></pre>"

func poison(r *report.Run) {
	r.Image, r.Paper.Title, r.Paper.DOI, r.Paper.Licence, r.Paper.Date = hostile, hostile, hostile, hostile, hostile
	r.Paper.Authors = []manifest.Author{{Name: hostile, Affiliation: hostile}}
	r.Machine = report.Machine{Arch: hostile, CPU: hostile, Kernel: hostile, Repro: hostile}
	r.Isolation = report.Isolation{Level: hostile, Layers: hostile, Reason: hostile, Notes: []string{hostile}}
	r.Started, r.Finished, r.ContentID = hostile, hostile, hostile
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Result, f.Claim, f.Reason, f.Diff = hostile, hostile, hostile, hostile
	}
	r.Steps[0] = report.StepStatus{Name: hostile, Status: hostile, Signal: hostile, Problem: hostile, Log: "fit.log"}
	r.Verify.Verdict, r.Verify.Reason, r.Verify.Problems = hostile, hostile, []string{hostile}
	r.Verify.Objects[0].Name, r.Verify.Objects[0].Signers = hostile, []string{hostile}
	r.Verify.Signatures[0] = report.SignatureStatus{Kind: hostile, Status: hostile, Signer: hostile, Fingerprint: hostile, Problem: hostile}
	r.Outputs = []report.OutputFile{{Path: hostile, Digest: hostile}}
}

func TestHostileTexts(t *testing.T) {
	r, files := sample(t)
	files.Published.(fstest.MapFS)["t.csv"].Data = []byte("name," + strings.ReplaceAll(hostile, "\"", "") + "\nSmLs07,1\n")
	files.New.(fstest.MapFS)["paper/t.csv"].Data = []byte("name," + strings.ReplaceAll(hostile, "\"", "") + "\nSmLs07,<script>\n")
	files.Logs.(fstest.MapFS)["fit.log"].Data = []byte(hostile)
	poison(r)
	got := html(t, r, files)
	if strings.Contains(got, "<script") || strings.Contains(got, "<img src=x") || strings.ContainsAny(got, "\x1b\u202e") || strings.IndexByte(got, 0xff) >= 0 {
		t.Error("a text from outside came through")
	}
	var out bytes.Buffer
	for _, err := range []error{
		Run(&out, r, Style{}), Verify(&out, r.Verify, Style{}),
		Compare(&out, &report.Compare{Findings: r.Findings}, true, Style{}),
		Inspect(&out, &report.Inspect{Image: hostile, UUID: hostile, Problems: []string{hostile},
			Manifest: &manifest.Manifest{Paper: r.Paper, Steps: []manifest.Step{{Name: hostile, Command: []string{hostile}}}, Results: []manifest.Result{{Name: hostile, Output: hostile}}},
			Objects:  []report.InspectObject{{Name: hostile, Type: hostile}}}, Style{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if bytes.ContainsAny(out.Bytes(), "\x1b\u202e") || bytes.IndexByte(out.Bytes(), 0xff) >= 0 {
		t.Errorf("a control reaches the terminal:\n%q", out.String())
	}
}

// TestSize holds a report of 50 results to 5 MB beside its pictures.
func TestSize(t *testing.T) {
	pub, out := fstest.MapFS{}, fstest.MapFS{}
	var results []manifest.Result
	for i := range 50 {
		var a, b strings.Builder
		a.WriteString("id,mean,sd,note\n")
		b.WriteString("id,mean,sd,note\n")
		for j := range 400 {
			fmt.Fprintf(&a, "%d,%d.5,1.25,%s\n", j, j, strings.Repeat("n", 40))
			fmt.Fprintf(&b, "%d,%d.6,1.25,%s\n", j, j, strings.Repeat("n", 40))
		}
		name := fmt.Sprintf("t%d.csv", i)
		pub[name], out[name] = &fstest.MapFile{Data: []byte(a.String())}, &fstest.MapFile{Data: []byte(b.String())}
		results = append(results, manifest.Result{Name: name, Published: name, Output: "/" + name})
	}
	findings, err := compare.Results(context.Background(), pub, out, results, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := html(t, &report.Run{Findings: findings, Counts: report.Count(findings)}, Files{Published: pub, New: out})
	if len(got) > 5_000_000 {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.Contains(got, "Reproduced 0 of 50") {
		t.Error("wrong verdict")
	}
}

func TestHTMLWithoutFiles(t *testing.T) {
	r, _ := sample(t)
	r.Verify = nil
	if got := html(t, r, Files{}); !strings.Contains(got, "Not verified in this run") {
		t.Error("an image that was not verified looks verified")
	}
	if got := html(t, &report.Run{}, Files{}); !strings.Contains(got, "Nothing to compare") {
		t.Error("an empty report claims something")
	}
}

// TestRuleInWords holds that the report says each thing that a rule asks.
func TestRuleInWords(t *testing.T) {
	for want, r := range map[string]manifest.Rule{
		"every printed digit must agree": {},
		"relative difference up to 0.1; also for whole numbers that count or name something": {Relative: "0.1", Whole: true},
		"every printed digit must agree; published numbers are cut off":                      {Numbers: "cut"},
		"every printed digit must agree; without the columns a, b; however many blanks":      {Omit: []string{"a", "b"}, Blanks: "free"},
		"every printed digit must agree; only the cells 3":                                   {Cells: []string{"3"}},
	} {
		if got := ruleInWords(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	groups := []report.Judged{{Group: "column a", Written: "3 decimals"}, {Group: "/x", Written: "in full"}}
	if got := judgedInWords(groups); got != "column a: 3 decimals; /x: in full" {
		t.Errorf("%q", got)
	}
	if got := judgedInWords(make([]report.Judged, 9)); !strings.HasSuffix(got, "; 3 more") {
		t.Errorf("%q", got)
	}
}

func TestText(t *testing.T) {
	r, _ := sample(t)
	for name, write := range map[string]func(*bytes.Buffer, Style) error{
		"run":    func(b *bytes.Buffer, s Style) error { return Run(b, r, s) },
		"verify": func(b *bytes.Buffer, s Style) error { return Verify(b, r.Verify, s) },
		"compare": func(b *bytes.Buffer, s Style) error {
			return Compare(b, &report.Compare{Findings: r.Findings, Counts: r.Counts}, true, s)
		},
	} {
		var plain, coloured bytes.Buffer
		if err := write(&plain, Style{}); err != nil {
			t.Fatal(err)
		}
		if err := write(&coloured, Style{Color: true}); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name+".txt")
		want, err := os.ReadFile(golden)
		if err != nil || plain.String() != string(want) {
			t.Errorf("%s: %v; got\n%s", golden, err, plain.String())
		}
		if stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured.String(), ""); stripped != plain.String() {
			t.Errorf("%s: colours change the text", name)
		}
	}
}

// TestReportOfManyResultsIsSmall holds that a report of 50 results, tables and
// figures, stays within 5 MB over its pictures.
func TestReportOfManyResultsIsSmall(t *testing.T) {
	const most = 5_000_000
	published, made, pictures := fstest.MapFS{}, fstest.MapFS{}, map[string][]byte{}
	rep := &report.Run{Version: report.Version, Image: "paper.sif"}
	shown := 0
	for i := range 50 {
		name := fmt.Sprintf("r%02d", i)
		f := report.Finding{Result: name, Verdict: report.Differs, Reason: "every number differs"}
		if i%5 == 0 {
			f.Kind, f.Published, f.Output = "png", name+".png", "/out/"+name+".png"
			figure := noise(t, uint64(i))
			published[f.Published], made[f.Output[1:]] = &fstest.MapFile{Data: figure}, &fstest.MapFile{Data: noise(t, uint64(i)+100)}
			pictures[name] = noise(t, uint64(i)+200)
			shown += 3 * base64.StdEncoding.EncodedLen(len(figure))
		} else {
			f.Kind, f.Published, f.Output = "csv", name+".csv", "/out/"+name+".csv"
			published[f.Published], made[f.Output[1:]] = &fstest.MapFile{Data: csvOf(1500, "1.5")}, &fstest.MapFile{Data: csvOf(1500, "2.5")}
		}
		rep.Findings = append(rep.Findings, f)
	}
	rep.Counts = report.Count(rep.Findings)
	var out bytes.Buffer
	if err := HTML(context.Background(), &out, rep, Files{Published: published, New: made, Pictures: pictures}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "data:image/png"); n != 30 {
		t.Errorf("%d pictures in the report, want 30", n)
	}
	if over := out.Len() - shown; over > most {
		t.Errorf("%d bytes over the pictures, want at most %d", over, most)
	}
	t.Logf("%d bytes over the pictures, which take %d", out.Len()-shown, shown)
}

// noise is a picture that can't be packed.
func noise(t *testing.T, seed uint64) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 200, 150))
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// csvOf is a csv file of ten columns, all numbers led by the same digits.
func csvOf(rows int, digits string) []byte {
	var b bytes.Buffer
	b.WriteString("a,b,c,d,e,f,g,h,i,j\n")
	for i := range rows {
		for j := range 10 {
			fmt.Fprintf(&b, "%s%06d%c", digits, i*10+j, ",\n"[j/9])
		}
	}
	return b.Bytes()
}
