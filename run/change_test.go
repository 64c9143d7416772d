package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/internal/sandbox"
)

func TestDefaultsStayBelowTheStep(t *testing.T) {
	v := Change{Default: map[string]string{"MINE": "varied", "TZ": "varied", "OPENBLAS_CORETYPE": "Prescott"}, Threads: 2}
	own := map[string]string{"MINE": "own"}
	steps := []manifest.Step{{Name: "a", CPU: manifest.CPUPortableV2, Env: own, CPUs: 1}, {Name: "b"}}
	varied := v.apply(steps)
	if len(own) != 1 || steps[0].CPUs != 1 {
		t.Errorf("the steps themselves were changed: %+v", steps)
	}
	held := !Native(steps[0])
	if e := varied[0].Env; e["MINE"] != "own" || e["TZ"] != "varied" || held && e["OPENBLAS_CORETYPE"] != "" {
		t.Errorf("step a: %v", e)
	}
	if e := varied[1].Env; e["MINE"] != "varied" || e["OPENBLAS_CORETYPE"] != "Prescott" || varied[1].CPUs != 2 {
		t.Errorf("step b: %v, %d processors", e, varied[1].CPUs)
	}
	want := []string{"MINE"}
	if held {
		want = append(want, "OPENBLAS_CORETYPE")
	}
	if got := v.Kept(steps[0]); !slices.Equal(got, want) {
		t.Errorf("overridden: %q, want %q", got, want)
	}
}

func TestBackwards(t *testing.T) {
	if err := sandbox.Probe(); err != nil {
		t.Skip(err)
	}
	e := experiment{
		code:  map[string]string{"paper/d/a": "", "paper/d/b": "", "paper/d/c": ""},
		steps: []manifest.Step{sh("a", "ls -U d >o; echo $OMP_NUM_THREADS $TZ >>o", "/paper/o")},
	}
	o := options(t)
	o.Change = Change{Default: map[string]string{"TZ": "X-1"}, Threads: 2, Reversed: true}
	report, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(o.Dir, "outputs/paper/o"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(got), "2 X-1\n") {
		t.Errorf("the step saw %q", got)
	}
	if report.Isolation.Layers == string(LayersFUSE) && string(got) != "c\nb\na\n2 X-1\n" {
		t.Errorf("directories were not listed backwards: %q", got)
	}
}

func TestProcessorsAreThisMachines(t *testing.T) {
	for _, p := range Processors() {
		if p.Env["OPENBLAS_CORETYPE"] != p.Name {
			t.Errorf("%s: %v", p.Name, p.Env)
		}
		if p.Name == "SkylakeX" && len(lackingFeatures([]string{"avx512f"})) > 0 {
			t.Error("a processor with AVX-512 is tried where there is none: its code would be killed")
		}
	}
}
