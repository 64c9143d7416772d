package compare

import (
	"context"
	"encoding/json"
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
