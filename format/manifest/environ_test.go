package manifest

import (
	"maps"
	"testing"
)

func TestCommonEnv(t *testing.T) {
	step := func(pairs ...string) Step {
		s := Step{Env: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			s.Env[pairs[i]] = pairs[i+1]
		}
		return s
	}
	for _, tt := range []struct {
		name  string
		steps []Step
		want  map[string]string
	}{
		{"no step", nil, map[string]string{}},
		{"one", []Step{step("A", "1", "B", "2")}, map[string]string{"A": "1", "B": "2"}},
		{"another value", []Step{step("A", "1", "B", "2"), step("A", "1", "B", "3")}, map[string]string{"A": "1"}},
		{"not in the last", []Step{step("A", "", "B", "2"), step("A", "", "B", "2"), step("B", "2")}, map[string]string{"B": "2"}},
		{"not in the first", []Step{step("B", "2"), step("A", "", "B", "2")}, map[string]string{"B": "2"}},
		{"empty and missing", []Step{step("A", ""), step()}, map[string]string{}},
	} {
		m := Manifest{Steps: tt.steps}
		if got := m.CommonEnv(); !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	m := Manifest{Steps: []Step{step("A", "1")}}
	m.CommonEnv()["A"] = "2"
	if m.Steps[0].Env["A"] != "1" {
		t.Error("the step's own variables were handed out")
	}
}
