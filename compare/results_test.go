package compare

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

func TestResults(t *testing.T) {
	pub := fstest.MapFS{"out/a.txt": {Data: []byte("1.50\n")}, "b.txt": {Data: []byte("2\n")}, "c.txt": {Data: []byte("3\n")}}
	new := fstest.MapFS{"paper/out/a.txt": {Data: []byte("1.502\n")}, "paper/c.txt": {Data: []byte("3\n")}}
	findings, err := Results(context.Background(), pub, new, []manifest.Result{
		{Name: "a", Claim: "Table 1", Output: "/paper/out/a.txt", Published: "out/a.txt"},
		{Name: "b", Output: "/paper/b.txt", Published: "b.txt"},
		{Name: "bad rule", Output: "/paper/c.txt", Published: "c.txt", Compare: manifest.Rule{Absolute: "-1"}},
		{Name: "no published", Output: "/paper/c.txt", Published: "d.txt"},
		{Name: "c", Output: "/paper/c.txt", Published: "c.txt"},
	}, Options{})
	var rule *RuleError
	if !errors.As(err, &rule) || rule.Field != "absolute" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	want := []report.Verdict{report.SameAsPrinted, report.Missing, report.NeedsEyes, report.NeedsEyes, report.Identical}
	for i, f := range findings {
		if f.Verdict != want[i] {
			t.Errorf("%s: %s (%s)", f.Result, f.Verdict, f.Reason)
		}
	}
	if f := findings[0]; f.Result != "a" || f.Claim != "Table 1" || f.Output != "/paper/out/a.txt" || f.Published != "out/a.txt" {
		t.Errorf("%+v", f)
	}
}

func TestTrees(t *testing.T) {
	a := fstest.MapFS{"x/a.txt": {Data: []byte("1\n")}, "b.txt": {Data: []byte("2\n")}}
	b := fstest.MapFS{"x/a.txt": {Data: []byte("1\n")}, "c.txt": {Data: []byte("2\n")}}
	findings, err := Trees(context.Background(), a, b, manifest.Rule{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Result+": "+string(f.Verdict))
	}
	if text := strings.Join(got, ", "); text != "b.txt: missing, c.txt: differs, x/a.txt: identical" {
		t.Error(text)
	}
	if _, err := Trees(context.Background(), a, b, manifest.Rule{Kind: "xls"}, Options{}); err == nil {
		t.Error("a kind that there is not is taken")
	}
}

// TestSpecialFiles holds that no link is followed and no pipe is waited for.
func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pub.txt")
	if err := os.Symlink("pub.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	root := os.DirFS(dir)
	for _, name := range []string{"link.txt", "folder.txt"} {
		f, err := Files(context.Background(), File{FS: root, Name: "pub.txt"}, File{FS: root, Name: name}, manifest.Rule{})
		if err != nil || f.Verdict != report.NeedsEyes {
			t.Errorf("%s: %s, %v", name, f.Verdict, err)
		}
		f, err = Files(context.Background(), File{FS: root, Name: name}, File{FS: root, Name: "pub.txt"}, manifest.Rule{})
		if err != nil || f.Verdict != report.NeedsEyes {
			t.Errorf("published %s: %s, %v", name, f.Verdict, err)
		}
	}
	f, err := Files(context.Background(), Path(filepath.Join(dir, "pub.txt")), Path(filepath.Join(dir, "link.txt")), manifest.Rule{})
	if err != nil || f.Verdict != report.Identical {
		t.Errorf("a link that the user names: %s, %v", f.Verdict, err)
	}
}

type brokenFS struct{ fstest.MapFS }

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	return brokenFile{f}, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestUnreadable(t *testing.T) {
	good := fstest.MapFS{"a.txt": {Data: []byte("1\n")}}
	for _, pair := range [][2]fs.FS{{good, brokenFS{good}}, {brokenFS{good}, good}} {
		_, err := Files(context.Background(), File{FS: pair[0], Name: "a.txt"}, File{FS: pair[1], Name: "a.txt"}, manifest.Rule{})
		if err == nil || !strings.Contains(err.Error(), "a.txt") || !strings.Contains(err.Error(), "disk on fire") {
			t.Errorf("%v does not name the file and the reason", err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, name := range []string{"a.txt", "a.csv", "a.json"} {
		m := fstest.MapFS{name: {Data: []byte("1\n")}}
		n := fstest.MapFS{name: {Data: []byte("2\n")}}
		if _, err := Files(ctx, File{FS: m, Name: name}, File{FS: n, Name: name}, manifest.Rule{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		rule  manifest.Rule
		field string
	}{
		{manifest.Rule{}, ""}, {manifest.Rule{Kind: "csv"}, ""}, {manifest.Rule{Relative: "1e-9", Absolute: "0"}, ""}, {manifest.Rule{Score: "1"}, ""},
		{manifest.Rule{Kind: "odt"}, "kind"}, {manifest.Rule{Absolute: "small"}, "absolute"}, {manifest.Rule{Relative: "-1"}, "relative"},
		{manifest.Rule{Relative: "nan"}, "relative"}, {manifest.Rule{Absolute: "inf"}, "absolute"}, {manifest.Rule{Absolute: "1e-9 "}, "absolute"},
		{manifest.Rule{ULP: -1}, "ulp"}, {manifest.Rule{Digits: -1}, "digits"}, {manifest.Rule{Digits: 401}, "digits"},
		{manifest.Rule{Score: "1.01"}, "score"}, {manifest.Rule{Ignore: []string{"("}}, "ignore"}, {manifest.Rule{Ignore: make([]string, 257)}, "ignore"},
	} {
		err := Check(c.rule)
		var rule *RuleError
		if (c.field == "") != (err == nil) || err != nil && (!errors.As(err, &rule) || rule.Field != c.field) {
			t.Errorf("%+v: %v, want %q", c.rule, err, c.field)
		}
	}
}

// TestLimits holds that what is too large is left to a person.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	for name, pub := range map[string]string{
		"a.txt": long + "\n", "a.csv": long + "\n", "b.csv": strings.Repeat(",", maxCells) + "\n",
		"b.json": "[" + strings.Repeat("1,", maxValues) + "1]",
		"b.yaml": strings.Repeat("[", maxYAMLMarks+1), "c.yaml": "a: " + strings.Repeat("x", maxMarkup/4),
	} {
		if f := finding(t, name, pub, pub+"1\n", manifest.Rule{}); f.Verdict != report.NeedsEyes {
			t.Errorf("%s: %s: %s", name, f.Verdict, f.Reason)
		}
	}
	deep := strings.Repeat("[", 100_000)
	if f := finding(t, "a.json", "[]", deep, manifest.Rule{}); f.Verdict != report.Differs {
		t.Errorf("deep: %s", f.Verdict)
	}
}

// TestExpansion holds that a small file that unpacks to very much is not
// compared for hours, and one that holds no more than is usual is.
func TestExpansion(t *testing.T) {
	pack := func(size int, last string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		line := append(bytes.Repeat([]byte("0"), 1023), '\n')
		for range size / len(line) {
			if _, err := w.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Write([]byte(last)); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for size, want := range map[int]report.Verdict{anyExpansion: report.NeedsEyes, 4 << 20: report.Differs} {
		f := finding(t, "a.txt.gz", pack(size, "1"), pack(size, "2"), manifest.Rule{})
		if f.Verdict != want || want == report.NeedsEyes && !strings.Contains(f.Reason, "its own size") {
			t.Errorf("%d bytes: %s: %s", size, f.Verdict, f.Reason)
		}
	}
}

// TestSimilarity holds the running sums against the formula itself.
func TestSimilarity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range [][2]int{{1, 1}, {3, 20}, {20, 5}, {17, 13}} {
		w, h := size[0], size[1]
		a, b := make([]uint8, w*h), make([]uint8, w*h)
		for i := range a {
			a[i] = uint8(r.IntN(256))
			b[i] = a[i] + uint8(r.IntN(40))
		}
		got, err := channelSimilarity(context.Background(), a, b, w)
		if err != nil {
			t.Fatal(err)
		}
		if want := plainSimilarity(a, b, w, h); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d × %d: %v, want %v", w, h, got, want)
		}
	}
}

// plainSimilarity is equation 13 of Wang et al., window by window.
func plainSimilarity(a, b []uint8, w, h int) float64 {
	across, down := min(window, w), min(window, h)
	var sum float64
	var count int
	for y := 0; y+down <= h; y++ {
		for x := 0; x+across <= w; x++ {
			var xs, ys []float64
			for j := range down {
				for i := range across {
					xs = append(xs, float64(a[(y+j)*w+x+i]))
					ys = append(ys, float64(b[(y+j)*w+x+i]))
				}
			}
			mx, my := mean(xs), mean(ys)
			var vx, vy, cov float64
			for i := range xs {
				vx += (xs[i] - mx) * (xs[i] - mx)
				vy += (ys[i] - my) * (ys[i] - my)
				cov += (xs[i] - mx) * (ys[i] - my)
			}
			n := float64(len(xs))
			sum += (2*mx*my + ssimC1) * (2*cov/n + ssimC2) / ((mx*mx + my*my + ssimC1) * (vx/n + vy/n + ssimC2))
			count++
		}
	}
	return sum / float64(count)
}

func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// TestPicture holds that a picture of the differences is made, and shows them.
func TestPicture(t *testing.T) {
	encode := func(at image.Point) []byte {
		m := image.NewNRGBA(image.Rect(0, 0, 20, 10))
		m.Set(at.X, at.Y, color.NRGBA{200, 10, 10, 255})
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	pub, new := fstest.MapFS{"a.png": {Data: encode(image.Pt(3, 4))}}, fstest.MapFS{"a.png": {Data: encode(image.Pt(5, 6))}}
	got := map[string][]byte{}
	_, err := Results(context.Background(), pub, new, []manifest.Result{{Name: "fig", Output: "/a.png", Published: "a.png"}},
		Options{Picture: func(result string, b []byte) { got[result] = b }})
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(got["fig"]))
	if err != nil {
		t.Fatal(err)
	}
	red := 0
	for y := range 10 {
		for x := range 20 {
			if r, g, _, _ := m.At(x, y).RGBA(); r > 2*g {
				red++
			}
		}
	}
	if red != 2 || m.Bounds().Dx() != 20 || m.Bounds().Dy() != 10 {
		t.Errorf("%d red pixels in %v", red, m.Bounds())
	}
}

// TestScore holds that a similarity accepts nothing, and is refused where there
// is none.
func TestScore(t *testing.T) {
	for name, c := range map[string]struct {
		pub, new, score string
		want            report.Verdict
	}{
		"reached":     {"png-data-gone/published.png", "png-data-gone/new.png", "0.9", report.Differs},
		"not reached": {"png-data-gone/published.png", "png-data-gone/published.png", "0.9", report.Identical},
	} {
		f, err := Files(context.Background(), Path("../testdata/vectors/compare/"+c.pub), Path("../testdata/vectors/compare/"+c.new), manifest.Rule{Score: c.score})
		if err != nil || f.Verdict != c.want {
			t.Errorf("%s: %v %v, want %s", name, f.Verdict, err, c.want)
		}
	}
	table := fstest.MapFS{"a.csv": {Data: []byte("a,b\n1,2\n")}, "b.csv": {Data: []byte("a,b\n1,3\n")}}
	var rule *RuleError
	if _, err := Files(context.Background(), File{FS: table, Name: "a.csv"}, File{FS: table, Name: "b.csv"}, manifest.Rule{Score: "0.9"}); !errors.As(err, &rule) || rule.Field != "score" {
		t.Errorf("a similarity of tables: %v", err)
	}
	if err := Check(manifest.Rule{Kind: "csv", Score: "0.9"}); !errors.As(err, &rule) || rule.Field != "score" {
		t.Errorf("a rule for a similarity of tables: %v", err)
	}
}

// TestRealNumbers compares a recomputation of NIST's reference datasets, which
// loses digits by design, to the certified values.
func TestRealNumbers(t *testing.T) {
	const certified = "dataset,value\nSmLs01,2.10000000000000E+01\nSmLs04,2.10000000000000E+01\nSmLs07,2.10000000000000E+01\nNorris,-0.262323073774029\n"
	const recomputed = "dataset,value\nSmLs01,2.100000000000000E+01\nSmLs04,2.100000000077609E+01\nSmLs07,2.100081188781877E+01\nNorris,-2.623230737740289E-01\n"
	for digits, want := range map[int]report.Verdict{0: report.Differs, 4: report.WithinTolerance, 5: report.Differs} {
		f := finding(t, "a.csv", certified, recomputed, manifest.Rule{Digits: digits, Keys: []string{"dataset"}})
		asked := ""
		if digits > 0 {
			asked = fmt.Sprintf(", %d asked", digits)
		}
		reason := "2 of 4 numbers differ; worst at row SmLs07, column value: published 2.10000000000000E+01, new 2.100081188781877E+01 (4.4 of 15 digits" + asked + ")"
		if f.Verdict != want || f.Reason != reason {
			t.Errorf("%d digits: %s: %s", digits, f.Verdict, f.Reason)
		}
	}
}
