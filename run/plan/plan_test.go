package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
)

func TestPlan(t *testing.T) {
	step := func(name string, needs ...string) manifest.Step {
		return manifest.Step{Name: name, Command: []string{"x"}, Dir: "/", Needs: needs}
	}
	out := func(s manifest.Step, names ...string) manifest.Step {
		s.Outputs = names
		return s
	}
	for _, tt := range []struct {
		name  string
		steps []manifest.Step
		only  []string
		want  string // names with what they need, or the error
	}{
		{"in order", []manifest.Step{step("b", "a"), step("a")}, nil, "b[1] a[]"},
		{"far", []manifest.Step{step("a"), step("b", "a"), step("c", "b")}, nil, "a[] b[0] c[0 1]"},
		{"some", []manifest.Step{step("x"), step("a"), step("b", "a"), step("c")}, []string{"b"}, "a[] b[0]"},
		{"self", []manifest.Step{step("a", "a")}, nil, "needs itself"},
		{"cycle", []manifest.Step{step("a", "c"), step("b", "a"), step("c", "b")}, nil, "needs itself"},
		{"unknown need", []manifest.Step{step("a", "z")}, nil, `needs "z"`},
		{"unknown step", []manifest.Step{step("a")}, []string{"z"}, `"z": not in the image; its steps are "a"`},
		{"twice", []manifest.Step{step("a"), step("a")}, nil, "two steps"},
		{"one output", []manifest.Step{out(step("a"), "/x"), out(step("b"), "/x")}, nil, "belongs to step"},
		{"output in output", []manifest.Step{out(step("a"), "/x"), out(step("b"), "/x/y/z")}, nil, "lies in output"},
		{"relative", []manifest.Step{out(step("a"), "x")}, nil, "clean absolute"},
		{"above", []manifest.Step{out(step("a"), "/x/../y")}, nil, "clean absolute"},
		{"everything", []manifest.Step{out(step("a"), "/")}, nil, "whole root"},
		{"no command", []manifest.Step{{Name: "a", Dir: "/"}}, nil, "command"},
	} {
		p, err := New(tt.steps, tt.only)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			var words []string
			for i, s := range p.Steps {
				words = append(words, s.Name+fmt.Sprint(p.Needs[i]))
			}
			got = strings.Join(words, " ")
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err != nil && tt.only == nil && !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v is not a malformed image", tt.name, err)
		}
	}
}
