package run

import (
	"slices"
	"testing"

	"repro/engine/local"
	"repro/format/manifest"
	"repro/report"
	"repro/run/plan"
)

// What the user asks for, and a step's files may depend on, changes the keys by
// which a later run knows them again; what only bounds a run does not.
func TestKeysOfOptions(t *testing.T) {
	im := fixture{steps: []manifest.Step{sh("a", "true"), after(sh("b", "true"), "a")}}.build(t)
	keys := func(o Options) []manifest.Digest {
		t.Helper()
		x, err := decide(im, o)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := x.keys(o)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	before := keys(Options{})
	for _, tt := range []struct {
		name    string
		options Options
		same    bool
	}{
		{"the network", Options{Host: local.Options{Net: true}}, false},
		{"a bind", Options{Host: local.Options{Binds: []local.Bind{{Source: "/a", Target: "/b"}}}}, false},
		{"the version", Options{Version: "2"}, false},
		{"a variable", Options{Change: plan.Change{Env: map[string]string{"X": "1"}}}, false},
		{"a variable below the step's", Options{Change: plan.Change{Default: map[string]string{"X": "1"}}}, false},
		{"threads", Options{Change: plan.Change{Threads: 3}}, false},
		{"a clock that stands still", Options{Change: plan.Change{Fixed: []string{manifest.FixedClock}}}, false},
		{"the order of directories", Options{Change: plan.Change{Reversed: true}}, false},
		{"a GPU", Options{Host: local.Options{GPU: &local.GPU{GPU: report.GPU{Driver: "1"}}}}, false},
		{"processors", Options{CPUs: 1}, true},
		{"memory", Options{Memory: 1 << 30}, true},
		{"disk", Options{Host: local.Options{Disk: 1 << 30}}, true},
		{"how layers are provided", Options{Host: local.Options{Layers: local.LayersExtract}}, true},
		{"the folder", Options{Dir: "elsewhere"}, true},
	} {
		if same := slices.Equal(before, keys(tt.options)); same != tt.same {
			t.Errorf("%s changed: keys are the same: %v", tt.name, same)
		}
	}
	other := fixture{steps: []manifest.Step{sh("a", "true"), after(sh("b", "true"), "a")}, code: map[string]string{"paper/x": "1"}}.build(t)
	x, err := decide(other, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if of, err := x.keys(Options{}); err != nil || slices.Contains(before, of[0]) || slices.Contains(before, of[1]) {
		t.Errorf("another image has the same keys: %v", err)
	}
}
