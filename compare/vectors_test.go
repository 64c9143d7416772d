package compare

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// expected is what a vector says of its pair; only what it names is held.
type expected struct {
	Verdict   report.Verdict `json:"verdict"`
	Where     *string        `json:"where"`
	Compared  *int64         `json:"compared"`
	Differing *int64         `json:"differing"`
	Digits    *string        `json:"digits"` // obtained
}

func TestVectors(t *testing.T) {
	cases, err := filepath.Glob("../testdata/vectors/compare/*/expected.json")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, expectation := range cases {
		dir := filepath.Dir(expectation)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want expected
			var rule manifest.Rule
			readDocument(t, filepath.Join(dir, "expected.json"), &want)
			readDocument(t, filepath.Join(dir, "rule.json"), &rule)
			pub, err := filepath.Glob(filepath.Join(dir, "published.*"))
			if err != nil || len(pub) != 1 {
				t.Fatalf("published: %v %v", pub, err)
			}
			new := filepath.Join(dir, strings.Replace(filepath.Base(pub[0]), "published", "new", 1))
			f, err := compareVector(dir, filepath.Base(pub[0]), filepath.Base(new), rule)
			if err != nil {
				t.Fatal(err)
			}
			want.hold(t, &f)
		})
	}
}

// compareVector compares by Files, or, where more than the pair is published,
// by Results.
func compareVector(dir, pub, new string, rule manifest.Rule) (report.Finding, error) {
	sets, err := filepath.Glob(filepath.Join(dir, "published-*"))
	if err != nil || len(sets) == 0 && rule.Spread == "" {
		return Files(context.Background(), Path(filepath.Join(dir, pub)), Path(filepath.Join(dir, new)), rule)
	}
	r := manifest.Result{Name: "result", Published: pub, Output: new, Compare: rule}
	for _, set := range sets {
		r.Sets = append(r.Sets, filepath.Base(set))
	}
	found, err := Results(context.Background(), os.DirFS(dir), os.DirFS(dir), []manifest.Result{r}, Options{})
	return found[0], err
}

func (want *expected) hold(t *testing.T, f *report.Finding) {
	t.Helper()
	if f.Verdict != want.Verdict {
		t.Errorf("%s: %s; want %s", f.Verdict, f.Reason, want.Verdict)
	}
	if want.Where != nil && (f.Worst == nil || f.Worst.Where != *want.Where) {
		t.Errorf("worst is %+v, want %s (%s)", f.Worst, *want.Where, f.Reason)
	}
	if want.Compared != nil && f.Compared != *want.Compared {
		t.Errorf("%d compared, want %d", f.Compared, *want.Compared)
	}
	if want.Differing != nil && f.Differing != *want.Differing {
		t.Errorf("%d differ, want %d", f.Differing, *want.Differing)
	}
	if want.Digits != nil && (f.Digits == nil || f.Digits.Obtained != *want.Digits) {
		t.Errorf("digits %+v, want %s", f.Digits, *want.Digits)
	}
}

func readDocument(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
