package calibrate

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/report"
)

func causes(runs []attempt) (all []string) {
	for _, r := range runs {
		all = append(all, r.cause)
	}
	return all
}

// TestPlan holds that chance can always be told from causes, and that what is
// not varied is said.
func TestPlan(t *testing.T) {
	step := manifest.Step{Name: "a", CPUs: 1}
	held := manifest.Step{Name: "b", CPUs: 1, CPU: manifest.CPUPortableV2, Env: map[string]string{"LC_ALL": "C"}}
	for _, tt := range []struct {
		name    string
		steps   []manifest.Step
		cpus    int
		without []string
		notes   []string
	}{
		{"two processors", []manifest.Step{step}, 2, nil, []string{"no locale but C", "no libfaketime"}},
		{"one processor", []manifest.Step{step}, 1, []string{Threads, Both}, []string{"this machine has one processor"}},
		{"held", []manifest.Step{held}, 2, []string{Processor, Both}, []string{"held to a portable processor", `step "b" keeps to its own LC_ALL`}},
	} {
		if runtime.GOARCH != "amd64" {
			t.Skip("profiles differ on " + runtime.GOARCH)
		}
		runs, notes := attempts(&manifest.Manifest{Steps: tt.steps, Paper: manifest.Paper{Date: "2026-01-02T00:00:00Z"}}, tree.NewDir(), tt.cpus)
		all := causes(runs)
		if all[0] != Nothing || all[1] != Nothing || all[len(all)-1] != Nothing {
			t.Errorf("%s: %v: chance is not told at both ends", tt.name, all)
		}
		for _, cause := range []string{HashSeed, Locale, Clock, Order} {
			if !slices.Contains(all, cause) {
				t.Errorf("%s: %s is not varied", tt.name, cause)
			}
		}
		for _, cause := range tt.without {
			if slices.Contains(all, cause) {
				t.Errorf("%s: %s is varied", tt.name, cause)
			}
		}
		for _, want := range tt.notes {
			if !strings.Contains(strings.Join(notes, "\n"), want) {
				t.Errorf("%s: no note says %q: %q", tt.name, want, notes)
			}
		}
	}
}

// TestFit makes spreads whose places take more room than a document has, and
// six times as much in JSON as their names have bytes.
func TestFit(t *testing.T) {
	places := func(n int) (all []report.PlaceSpread) {
		for i := range n {
			all = append(all, report.PlaceSpread{Where: fmt.Sprintf("%s%d", strings.Repeat("\x01", 100), i), Least: "1", Most: "2"})
		}
		return all
	}
	c := calibration{spread: report.Spread{Version: report.Version, Results: []report.ResultSpread{
		{Name: "small", Moved: 10, Places: places(10)},
		{Name: "large", Moved: 20_000, Places: places(20_000)},
		{Name: "next", Moved: 15_000, Places: places(15_000)},
	}}}
	if err := c.fit(); err != nil {
		t.Fatal(err)
	}
	b, err := manifest.Marshal(c.spread)
	if err != nil || len(b) > manifest.MaxDocument {
		t.Fatalf("%d bytes, %v: at most %d can be read again", len(b), err, manifest.MaxDocument)
	}
	for i, want := range []int{10, 0, 15_000} {
		if s := c.spread.Results[i]; len(s.Places) != want {
			t.Errorf("%s has %d places, want %d", s.Name, len(s.Places), want)
		}
	}
	if len(c.spread.Notes) != 1 || !strings.Contains(c.spread.Notes[0], `result "large": 20000 numbers move`) {
		t.Errorf("notes: %q", c.spread.Notes)
	}
}
