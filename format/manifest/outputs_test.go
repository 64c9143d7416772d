package manifest

import (
	"fmt"
	"slices"
	"testing"
)

func TestDeclares(t *testing.T) {
	s := Step{Outputs: []string{"/a/b", "/c"}}
	for name, want := range map[string]bool{
		"/a/b": true, "/a/b/x": true, "/c": true, "/a": false, "/a/bc": false, "/": false, "/d": false,
	} {
		if s.Declares(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func told(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// TestCheckOutputs holds each way in which outputs may be in each other's way.
func TestCheckOutputs(t *testing.T) {
	for i, c := range []struct {
		a, b []string
		want string
	}{
		{nil, nil, ""},
		{[]string{"/x"}, []string{"/y"}, ""},
		{[]string{"/x", "/x/y"}, nil, ""}, // of one step
		{[]string{"/x"}, []string{"/xy"}, ""},
		{[]string{"/"}, nil, `step "a": "/" is the whole root, not an input or output`},
		{[]string{"/x"}, []string{"/x"}, `output "/x" belongs to step "a" and to step "b"`},
		{[]string{"/x"}, []string{"/x/y/z"}, `output "/x/y/z" of step "b" lies in output "/x" of step "a"`},
		{[]string{"/x/y"}, []string{"/x"}, `output "/x/y" of step "a" lies in output "/x" of step "b"`},
	} {
		told(t, fmt.Sprint("case ", i), CheckOutputs([]Step{{Name: "a", Outputs: c.a}, {Name: "b", Outputs: c.b}}), c.want)
	}
	told(t, "input", CheckOutputs([]Step{{Name: "a", Inputs: []string{"/"}}}), `step "a": "/" is the whole root, not an input or output`)
}

// TestCheckMade: "reproduced 0 of 0" is no verdict.
func TestCheckMade(t *testing.T) {
	steps := []Step{{Name: "a", Outputs: []string{"/out"}}}
	hidden := []Object{{Role: RoleLayer}, {Role: RoleHidden}}
	result := []Result{{Name: "r", Output: "/out/x"}}
	for i, c := range []struct {
		m    Manifest
		want string
	}{
		{Manifest{}, "steps: none: there is nothing to run"},
		{Manifest{Steps: steps}, ""},
		{Manifest{Steps: steps, Results: result, Objects: hidden}, ""},
		{Manifest{Steps: steps, Results: result, Objects: hidden[:1]}, "results, but no layer of published files"},
		{Manifest{Steps: steps, Results: append(result, Result{Name: "s", Output: "/o"}), Objects: hidden}, `result "s": no step makes its output "/o"`},
		{Manifest{Steps: steps, Claims: []Claim{{Name: "c", Output: "/out"}}}, ""},
		{Manifest{Steps: steps, Claims: []Claim{{Name: "c", Output: "/"}}}, `claim "c": no step makes its output "/"`},
	} {
		told(t, fmt.Sprint("case ", i), c.m.CheckMade(), c.want)
	}
}

func TestPublishedFiles(t *testing.T) {
	m := Manifest{Results: []Result{
		{Published: "b", Quick: "q", Sets: []string{"a", "b"}, Compare: Rule{Spread: "s"}}, {Published: "b"},
	}}
	if got := m.PublishedFiles(); !slices.Equal(got, []string{"a", "b", "q", "s"}) {
		t.Errorf("%q", got)
	}
}
