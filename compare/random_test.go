package compare

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

// randomTable is a table as a stochastic experiment leaves it: a label, a count
// that never moves, an estimate around a level of each row, and its error.
func randomTable(r *rand.Rand, rows int, change func(row int, cells []string)) string {
	var b strings.Builder
	b.WriteString("name,n,estimate,se\n")
	for i := range rows {
		level := 3 * float64(i%7)
		cells := []string{fmt.Sprintf("p%d", i), fmt.Sprint(100 + i), fmt.Sprintf("%.4f", level+0.2*r.NormFloat64()), fmt.Sprintf("%.4f", 0.5+0.05*r.NormFloat64())}
		if change != nil {
			change(i, cells)
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return b.String()
}

// drawn compares a new draw to published sets.
func drawn(t *testing.T, sets []string, fresh string, rule manifest.Rule, names ...string) report.Finding {
	t.Helper()
	pub := fstest.MapFS{}
	r := manifest.Result{Name: "r", Output: "/new.csv", Published: "set-1.csv", Compare: rule, SetNames: names}
	for i, s := range sets {
		name := fmt.Sprintf("set-%d.csv", i+1)
		pub[name] = &fstest.MapFile{Data: []byte(s)}
		if i > 0 {
			r.Sets = append(r.Sets, name)
		}
	}
	found, err := Results(context.Background(), pub, fstest.MapFS{"new.csv": {Data: []byte(fresh)}}, []manifest.Result{r}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// TestRandomDraws holds that good draws are accepted, and what is planted in
// them is found.
func TestRandomDraws(t *testing.T) {
	const rounds, rows = 40, 45
	random := manifest.Rule{Random: true}
	plants := map[string]func(row int, cells []string){
		"":                       nil,
		"shift by one sd":        func(_ int, c []string) { c[2] = fmt.Sprintf("%.4f", parse(c[2])+0.2) },
		"shift of the errors":    func(_ int, c []string) { c[3] = fmt.Sprintf("%.4f", parse(c[3])+0.05) },
		"scaled column":          func(_ int, c []string) { c[2] = fmt.Sprintf("%.4f", parse(c[2])*1.1) },
		"label":                  func(i int, c []string) { c[0] = map[bool]string{true: "q", false: c[0]}[i == 4] },
		"count":                  func(i int, c []string) { c[1] = map[bool]string{true: "90", false: c[1]}[i == 4] },
		"one number":             func(i int, c []string) { c[2] = map[bool]string{true: "99.0000", false: c[2]}[i == 4] },
		"text instead of number": func(i int, c []string) { c[2] = map[bool]string{true: "NA", false: c[2]}[i == 4] },
	}
	for name, plant := range plants {
		r, good := rand.New(rand.NewPCG(1, uint64(len(name)))), 0
		for range rounds {
			sets := []string{randomTable(r, rows, nil), randomTable(r, rows, nil)}
			f := drawn(t, sets, randomTable(r, rows, plant), random)
			if f.Verdict == report.WithinSpread {
				good++
			} else if name == "" {
				t.Logf("%s: %s", f.Verdict, f.Reason)
			}
			if f.Verdict == report.Differs && f.Reason == "" {
				t.Errorf("%s: no reason", name)
			}
		}
		if name == "" && good < rounds-5 || name != "" && good > 1 {
			t.Errorf("%q: %d of %d draws are accepted", name, good, rounds)
		}
	}
}

func parse(text string) float64 { return parsed(text).float() }

// TestCopiedRows holds that rows taken from a published set are told from
// draws, and a whole published set is not: the experiment may be seeded.
func TestCopiedRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	sets := []string{randomTable(r, 30, nil), randomTable(r, 30, nil)}
	fresh := strings.Split(randomTable(r, 30, nil), "\n")
	copy(fresh[5:12], strings.Split(sets[1], "\n")[5:12])
	f := drawn(t, sets, strings.Join(fresh, "\n"), manifest.Rule{Random: true})
	if f.Verdict != report.Differs || !strings.Contains(f.Reason, "those of an earlier draw") {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
	f = drawn(t, sets, sets[1], manifest.Rule{Random: true}, "author", "codechecker")
	if f.Verdict != report.Identical || f.Set != "codechecker" || f.Published != "set-2.csv" {
		t.Errorf("%s of %q: %s", f.Verdict, f.Set, f.Reason)
	}
}

// TestOneSet holds that a deterministic result equals one published set as a
// whole, in whatever order they are named, and never a bit of each.
func TestOneSet(t *testing.T) {
	author, checker := "k,v\na,48\nb,1.50\n", "k,v\na,90\nb,1.70\n"
	for _, c := range []struct {
		new, set string
		want     report.Verdict
	}{
		{author, "author", report.Identical},
		{checker, "codechecker", report.Identical},
		{"k,v\na,90\nb,1.702\n", "codechecker", report.SameAsPrinted},
		{"k,v\na,60\nb,1.50\n", "author", report.Differs},
		{"k,v\na,48\nb,1.70\n", "", report.Differs}, // a cell of each
		{"k,v\na,48\nb,1.60\n", "author", report.Differs},
	} {
		for _, turned := range []bool{false, true} {
			sets, names := []string{author, checker}, []string{"author", "codechecker"}
			if turned {
				sets, names = []string{checker, author}, []string{"codechecker", "author"}
			}
			f := drawn(t, sets, c.new, manifest.Rule{}, names...)
			if f.Verdict != c.want || c.set != "" && f.Set != c.set {
				t.Errorf("%q, turned %v: %s of %q (%s), want %s of %q", c.new, turned, f.Verdict, f.Set, f.Reason, c.want, c.set)
			}
		}
	}
}

func TestColumnOf(t *testing.T) {
	for where, want := range map[string]string{
		"row 3 (a), column loss": ", column loss", "row a b, column 2": ", column 2",
		"/a/0/b": "a/*/b", "/a/b": "a/b", "x[3,4]": "x", "x[3,4], real part": "x, real part",
		"line 3, number 12": "line , number 12", "t.csv: row 1, column v": ", column v",
	} {
		if got := columnOf(where); got != want {
			t.Errorf("%q: %q, want %q", where, got, want)
		}
	}
}
