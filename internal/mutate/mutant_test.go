package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const source = `package p

const limit = 1 << 4

func f(a, b int, names []string) (string, bool) {
	_, _ = make([]int, 0, a+b), make(map[int]int, a-b)
	names = slices.Grow(names, a+b)
	for _, n := range names {
		if n == "" {
			continue
		}
		a++
	}
	if !(a < b) || b >= limit-1 {
		return "a" + names[0], false
	}
	return "", true
}
`

func TestMutants(t *testing.T) {
	all, err := mutantsOf("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		got = append(got, m.String())
		changed := string(m.apply([]byte(source)))
		if len(changed) != len(source)-len(m.old)+len(m.new) || changed[:m.from] != source[:m.from] {
			t.Errorf("%s changes more than the operator:\n%s", m, changed)
		}
		if line := strings.Split(source, "\n")[m.line-1]; !strings.Contains(line, m.old) {
			t.Errorf("%s: line %d is %q", m, m.line, line)
		}
	}
	slices.Sort(got)
	want := []string{
		`p.go:12: "--" for "++"`, `p.go:14: "" for "!"`, `p.go:14: "&&" for "||"`, `p.go:14: "+" for "-"`,
		`p.go:14: "<=" for "<"`, `p.go:14: ">" for ">="`, `p.go:9: "!=" for "=="`, `p.go:10: "break" for "continue"`,
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReached: only what lies in a block that no test enters is not reached; the
// conditions of a switch lie in none.
func TestReached(t *testing.T) {
	p := &goPackage{}
	p.Module.Path, p.Module.Dir = "repro", "/src"
	got := p.reached([]byte("mode: set\nrepro/key/key.go:3.4,5.6 2 1\nrepro/key/key.go:7.1,9.2 1 0\nrepro/key/key.go:9.2,11.2 1 3\n"))
	for line, want := range map[int]bool{2: true, 3: true, 5: true, 6: true, 7: false, 8: false, 9: true, 11: true} {
		if got.has(mutant{file: "/src/key/key.go", line: line}) != want {
			t.Errorf("line %d reached: %v, want %v", line, !want, want)
		}
	}
}

func TestDraw(t *testing.T) {
	all := make([]mutant, 100)
	for i := range all {
		all[i].from = i
	}
	a, b := draw(all, 10, 1), draw(all, 10, 1)
	if len(a) != 10 || !slices.Equal(a, b) || !slices.IsSortedFunc(a, func(x, y mutant) int { return x.from - y.from }) {
		t.Errorf("draws %v and %v", a, b)
	}
	if slices.Equal(a, draw(all, 10, 2)) || len(draw(all, 0, 1)) != 100 {
		t.Error("the seed makes no difference, or 0 is not all")
	}
}

// TestLengths: a length decides, a capacity does not.
func TestLengths(t *testing.T) {
	const source = "package p\n\nvar x = make([]int, a+b, c+d)\nvar y = make(chan int, a-b)\nvar z = buf.Grow(a << b)\n"
	all, err := mutantsOf("p.go", []byte(source))
	if got := fmt.Sprint(all); err != nil || got != `[p.go:3: "-" for "+" p.go:4: "+" for "-"]` {
		t.Errorf("%s, %v", got, err)
	}
}

// TestTells holds the whole on a package whose tests notice one of two
// decisions; a third operator can't be changed.
func TestTells(t *testing.T) {
	if testing.Short() {
		t.Skip("builds test programs")
	}
	p, err := load(t.Context(), "./testdata/sample")
	if err != nil {
		t.Fatal(err)
	}
	reached, took, err := p.cover(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]outcome{`"<=" for "<"`: survived, `"!=" for "=="`: killed, `"-" for "+"`: void}
	var mutants []mutant
	var outcomes []outcome
	for _, m := range p.mutants() {
		key := m.String()[strings.Index(m.String(), `"`):]
		got, err := p.try(t.Context(), m, t.TempDir()+"/m", took.limits())
		if err != nil || !reached.has(m) || got != want[key] {
			t.Errorf("%s: outcome %v, %v; reached: %v", m, got, err, reached.has(m))
		}
		delete(want, key)
		mutants, outcomes = append(mutants, m), append(outcomes, got)
	}
	if len(want) != 0 {
		t.Errorf("not tried: %v", want)
	}
	if share := summary("sample", outcomes, len(mutants)); share != 50 {
		t.Errorf("%v %% killed, want one of two", share)
	}
}

// TestSomeTests: with a pattern that no test matches nothing is reached.
func TestSomeTests(t *testing.T) {
	if testing.Short() {
		t.Skip("builds test programs")
	}
	for tests, want := range map[string]float64{"Nothing": 0, "TestName$": 50} {
		share, err := measure(t.Context(), "./testdata/sample", "", tests, 0, 1, 1)
		if err != nil || share != want {
			t.Errorf("tests %q: %v %% killed, %v; want %v", tests, share, err, want)
		}
	}
}

// TestLimits: the short tests come first where they are short.
func TestLimits(t *testing.T) {
	for took, want := range map[pace]string{
		{whole: time.Second, short: time.Second}:          "-test.short=false 40s;",
		{whole: 2 * time.Second, short: time.Second}:      "-test.short=false 50s;",
		{whole: 20 * time.Second, short: 3 * time.Second}: "-test.short 1m0s;-test.short=false 3m50s;",
	} {
		var got string
		for _, r := range took.limits() {
			got += fmt.Sprintf("%s %v;", r.flag, r.limit)
		}
		if got != want {
			t.Errorf("%+v: %s, want %s", took, got, want)
		}
	}
}
