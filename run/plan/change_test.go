package plan

import (
	"runtime"
	"slices"
	"testing"

	"repro/format/manifest"
)

func TestDefaultsStayBelowTheStep(t *testing.T) {
	v := Change{Default: map[string]string{"MINE": "varied", "TZ": "varied", "OPENBLAS_CORETYPE": "Prescott"}, Threads: 2}
	own := map[string]string{"MINE": "own"}
	steps := []manifest.Step{{Name: "a", CPU: manifest.CPUPortableV2, Env: own, CPUs: 1}, {Name: "b"}}
	varied := v.Apply(steps)
	if len(own) != 1 || steps[0].CPUs != 1 {
		t.Errorf("the steps themselves were changed: %+v", steps)
	}
	held := len(manifest.CPUVariables(steps[0].CPU, runtime.GOARCH)) > 0
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
	if got := v.Overridden(steps[0]); !slices.Equal(got, want) {
		t.Errorf("overridden: %q, want %q", got, want)
	}
}
