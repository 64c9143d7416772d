package plan

import (
	"testing"
	"time"

	"repro/format/manifest"
)

func TestRemaining(t *testing.T) {
	steps := []manifest.Step{{Name: "a", Takes: 100}, {Name: "b", Takes: 50, CPUs: 2}, {Name: "c", Takes: 60, CPUs: 2}, {Name: "d", Takes: 10}}
	p := &Plan{Steps: steps, Needs: [][]int{{}, {0}, {0}, {0, 1, 2}}}
	progress := make([]Progress, 4)
	check := func(what string, cpus int, want time.Duration) {
		t.Helper()
		if got := p.Remaining(progress, cpus).Round(time.Second); got != want {
			t.Errorf("%s: %v left, want %v", what, got, want)
		}
	}
	check("at the start", 2, 220*time.Second)
	progress[0].Running = 30 * time.Second
	check("under way", 2, 190*time.Second)
	progress[0] = Progress{Ended: true, Wall: 50 * time.Second}
	check("twice as quick as the author's", 2, 60*time.Second)
	check("side by side", 4, 35*time.Second)
	progress[1] = Progress{Running: 40 * time.Second}
	check("a step that took longer than expected", 4, 35*time.Second)
	progress[1] = Progress{}
	progress[0] = Progress{Ended: true}
	check("the step that ended did not run here", 2, 120*time.Second)
	steps[3].Takes = 0
	check("a time that nobody said", 2, 0)
}
