package plan

import (
	"errors"
	"strings"
	"testing"

	"repro/format/manifest"
)

func TestQuickProfile(t *testing.T) {
	step := func(name string, q *manifest.Quick, needs ...string) manifest.Step {
		s := manifest.Step{Name: name, Command: []string{"true"}, Dir: "/paper", Outputs: []string{"/paper/" + name}, Needs: needs}
		s.Quick, s.Takes, s.Env = q, 100, map[string]string{"N": "1000", "KEEP": "1"}
		return s
	}
	result := func(name, output, quick string) manifest.Result {
		return manifest.Result{Name: name, Output: "/paper/" + output, Published: "published/" + name, Quick: quick, Sets: []string{"published/other"}}
	}
	m := &manifest.Manifest{
		Steps: []manifest.Step{
			step("fit", &manifest.Quick{Env: map[string]string{"N": "10"}, Time: 5, Takes: 2}),
			step("plot", nil, "fit"), step("table", &manifest.Quick{Time: 7}),
			step("long", &manifest.Quick{Skip: true}), step("appendix", nil, "long"),
		},
		Results: []manifest.Result{result("same", "table", ""), result("other", "plot", ""), result("small", "fit", "published/quick"), result("never", "appendix", "published/x")},
		Claims:  []manifest.Claim{{Name: "one", Output: "/paper/table"}, {Name: "two", Output: "/paper/plot"}},
	}
	p, err := Quick(m)
	if err != nil {
		t.Fatal(err)
	}
	var names, results []string
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	for _, r := range p.Results {
		results = append(results, r.Name+"="+r.Published)
	}
	if got := strings.Join(names, " "); got != "fit plot table" {
		t.Errorf("steps %s", got)
	}
	if got := strings.Join(results, " "); got != "same=published/same small=published/quick" {
		t.Errorf("results %s", got)
	}
	if got := strings.Join(p.LeftOut, " "); got != "other never two" || len(p.Claims) != 1 {
		t.Errorf("left out %s, claims %v", got, p.Claims)
	}
	fit, table := p.Steps[0], p.Steps[2]
	if fit.Env["N"] != "10" || fit.Env["KEEP"] != "1" || fit.Time != 5 || fit.Takes != 2 || table.Time != 7 || table.Takes != 100 {
		t.Errorf("%+v %+v", fit, table)
	}
	if m.Steps[0].Env["N"] != "1000" {
		t.Error("the manifest changed")
	}
	if _, err := Quick(&manifest.Manifest{Steps: m.Steps[1:2]}); !errors.Is(err, ErrNoQuick) {
		t.Errorf("a recipe without a quick profile: %v", err)
	}
}
