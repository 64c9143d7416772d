package recipe

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/internal/form"
)

// corpus calls f for each recipe in testdata/kind.
func corpus(t testing.TB, kind string, f func(name string, b []byte)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no recipes in testdata/%s: %v", kind, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(name), b)
	}
}

func TestParseGood(t *testing.T) {
	corpus(t, "good", func(name string, b []byte) {
		if _, err := Parse(name, b); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// Each bad recipe starts with "# want: " and what Parse says of it.
func TestParseBad(t *testing.T) {
	check := func(name string, b []byte) {
		line, _, _ := bytes.Cut(b, []byte("\n"))
		want, ok := strings.CutPrefix(string(line), "# want: ")
		if !ok {
			t.Errorf("%s: does not start with a comment that says what is wanted", name)
		}
		_, err := Parse(name, b)
		if err == nil {
			t.Errorf("%s: no error, want %s", name, want)
			return
		}
		if !strings.Contains(err.Error()+"\n", name+":"+want+"\n") {
			t.Errorf("%s:\ngot  %s\nwant %s", name, err, want)
		}
	}
	corpus(t, "bad", check)
	corpus(t, "beyond", check)
}

func TestParseReportsAllAtOnce(t *testing.T) {
	_, err := Parse("repro.yaml", []byte("repro: 2\ntittle: x\nauthors: []\nsteps:\n  - {name: a b, cpus: none}\n"))
	want := `repro.yaml:1:1: recipe: key "title" is missing
repro.yaml:1:1: recipe: key "environment" is missing
repro.yaml:1:8: repro: want 1, the version of this form, found the number "2"
repro.yaml:2:1: recipe: unknown key "tittle": did you mean "title"?
repro.yaml:3:10: authors: want at least one
repro.yaml:5:5: step: key "command" is missing
repro.yaml:5:12: name: "a b": a name has letters, digits, dots, dashes and underscores, and starts with a letter or digit
repro.yaml:5:23: cpus: want a whole number, found the text "none"`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestParseFull(t *testing.T) {
	b, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse("full.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Paper.Date, "2026-11-01T00:00:00Z"; got != want {
		t.Errorf("date %s, want %s", got, want)
	}
	if got, want := r.Paper.Abstract, "First line.\nSecond line."; got != want {
		t.Errorf("abstract %q, want %q", got, want)
	}
	s := r.Steps[1]
	if want := []string{"sh", "run.sh", "1", "2.50", ""}; !reflect.DeepEqual(s.Command, want) {
		t.Errorf("command %q, want %q", s.Command, want)
	}
	if s.Memory != 512<<20 || s.Time != 5400 || s.CPUs != 2 || s.Env["OMP_NUM_THREADS"] != "1" || s.Outputs[1].Value != "out/figures" {
		t.Errorf("step is %+v", s)
	}
	if got, want := r.Steps[0].Command[:2], []string{"sh", "-c"}; !reflect.DeepEqual(got, want) {
		t.Errorf("text command starts %q, want %q", got, want)
	}
	if r.Steps[0].Dir.Value != "." {
		t.Errorf("dir %q", r.Steps[0].Dir.Value)
	}
	if want := (manifest.Rule{Kind: "csv", Digits: 4, Relative: "1e-9", Absolute: "0.001", ULP: 4, Keys: []string{"dataset"}}); !reflect.DeepEqual(r.Results[0].Compare, want) {
		t.Errorf("rule %+v, want %+v", r.Results[0].Compare, want)
	}
	if r.Results[1].Published.Value != "out/figures/f.png" {
		t.Errorf("published %q, want that of the output", r.Results[1].Published.Value)
	}
}

// TestParseSets holds that published sets keep their names and their order, and
// that a rule keeps what it says of numbers.
func TestParseSets(t *testing.T) {
	b, err := os.ReadFile("testdata/good/compare.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse("compare.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range r.Results {
		switch res.Name {
		case "sets":
			if res.Published.Value != "p/a.csv" || len(res.Sets) != 1 || res.Sets[0].Value != "p/b.csv" || !reflect.DeepEqual(res.SetNames, []string{"author", "codechecker"}) {
				t.Errorf("sets %+v", res)
			}
			want := manifest.Rule{Numbers: "rounded", Whole: true, Omit: []string{"time"}, Absolute: "1", Columns: map[string]manifest.Tolerance{"p": {Numbers: "exact"}}}
			if !reflect.DeepEqual(res.Compare, want) {
				t.Errorf("rule %+v, want %+v", res.Compare, want)
			}
		case "log":
			if want := (manifest.Rule{Blanks: "free", Signs: "columns", Numbers: "cut"}); !reflect.DeepEqual(res.Compare, want) {
				t.Errorf("rule %+v, want %+v", res.Compare, want)
			}
		case "nb":
			if want := []string{"3", "results"}; !reflect.DeepEqual(res.Compare.Cells, want) {
				t.Errorf("cells %q", res.Compare.Cells)
			}
		case "loss":
			if res.SetNames != nil || len(res.Sets) != 1 {
				t.Errorf("a list has no names: %+v", res)
			}
		}
	}
}

func TestInputsImplyNeeds(t *testing.T) {
	b, err := os.ReadFile("testdata/good/time.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse("time.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Steps[0].Needs; !reflect.DeepEqual(got, []string{"b"}) {
		t.Errorf("needs %q, want b", got)
	}
	order := r.Order()
	if order[0].Name != "b" || order[1].Name != "c" {
		t.Errorf("order %s, %s; want b, c", order[0].Name, order[1].Name)
	}
	if r.Paper.Date != "2026-11-01T21:30:00Z" {
		t.Errorf("date %s is not in UTC", r.Paper.Date)
	}
}

func TestLimits(t *testing.T) {
	head := "repro: 1\ntitle: T\nauthors: [A]\nenvironment: {host: [sh]}\nsteps: [{name: a, command: [x]}]\n"
	for _, c := range []struct{ name, body, want string }{
		{"size", strings.Repeat("#", MaxSize+1), "at most 1048576"},
		{"flow depth", head + "code: " + strings.Repeat("[", 9000), ""},
		{"block depth", head + "code:\n" + strings.Repeat("- ", 5000) + "a\n", "nested more than 8 deep"},
		{"text", head + "abstract: " + strings.Repeat("x", MaxText+1), "at most 65536 are allowed"},
		{"entries", head + "keywords: [" + strings.Repeat("a,", MaxEntries+1) + "]", "more than 10000 entries"},
		{"nodes", head + "data: [" + strings.Repeat("{path: a},", MaxEntries) + "]\ncode: [" + strings.Repeat("a,", 2*MaxEntries) + "]\nkeywords: [" + strings.Repeat("{a: b},", 2*MaxEntries) + "]", "more than 100000 keys and values"},
		{"aliases", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", `anchor "&a"`},
		{"utf-8", "repro: 1\ntitle: a\xffb\n", "2:9: not valid UTF-8"},
	} {
		_, err := Parse("x", []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %.200v, want %q in it", c.name, err, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "a/b", false},
		{"*", "a", true},
		{"*", ".a", false},
		{".*", ".a", true},
		{"*.awk", "x.awk", true},
		{"*.awk", "d/x.awk", false},
		{"**/*.awk", "x.awk", true},
		{"**/*.awk", "d/e/x.awk", true},
		{"d/**", "d/e/x", true},
		{"d/**", "d", true},
		{"**/e/**/x", "a/e/b/e/c/x", true},
		{"**/e/x", "a/e/b/x", false},
		{"[a-c]?", "b1", true},
		{"d/*/x", "d/e/x", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	long := strings.Repeat("**/a/", 400) + "b"
	if Match(long, strings.Repeat("a/", 1500)+"c") {
		t.Error("long pattern matches")
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{"good", "bad", "beyond"} {
		corpus(f, kind, func(_ string, b []byte) { f.Add(b) })
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse("x", b)
		if (r == nil) == (err == nil) {
			t.Fatalf("recipe %v, error %v", r, err)
		}
		if err != nil {
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), form.IsControl) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		if got := len(r.Order()); got != len(r.Steps) {
			t.Fatalf("%d steps in order, %d in the recipe", got, len(r.Steps))
		}
	})
}
