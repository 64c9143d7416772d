package run

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/engine"
	"repro/format/manifest"
	"repro/report"
	"repro/run/lease"
)

func newFollower(t *testing.T) *follower {
	t.Helper()
	e := fixture{steps: []manifest.Step{sh("a", "echo 1 >a", "/paper/a")}, published: map[string]string{"a": "1\n"}}
	o := Options{Dir: filepath.Join(t.TempDir(), "run")}
	w, err := newWaiter(e.build(t), &o, Spread{Engine: "madeup", Patience: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.jobs, w.states = []submitted{{Step: "a", ID: "a"}}, make([]engine.State, 1)
	return &follower{waiter: w, ended: make([]time.Time, 1), fetched: make([]bool, 1), watches: make([]lease.Watch, 1), answered: time.Now()}
}

// The folder is believed before the engine: a job that the engine has forgotten,
// or says to have ended, is over when its worker shows no sign of life and its
// files had time to arrive.
func TestJobIsOver(t *testing.T) {
	f := newFollower(t)
	here := f.engine
	f.engine = outliving{here}
	check := func(what string, phase engine.Phase, since time.Duration, want bool) {
		t.Helper()
		f.states[0].Phase, f.ended[0] = phase, time.Time{}
		if since > 0 {
			f.ended[0] = time.Now().Add(-since)
		}
		if got, err := f.isOver(t.Context(), 0); err != nil || got != want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	check("it runs", engine.Running, 2*patienceForFiles, false)
	check("it was forgotten just now", engine.Unknown, 0, false)
	check("it was forgotten a while ago", engine.Unknown, patienceForFiles-time.Minute, false)
	check("it was forgotten long ago", engine.Unknown, 2*patienceForFiles, true)
	check("it failed just now", engine.Failed, 0, false)
	check("it failed long ago", engine.Failed, 2*patienceForFiles, true)
	check("it never started", engine.Skipped, 0, true)
	claim, err := f.run.Claim(t.Context(), 0, lease.Holder{Node: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	check("a worker lives that the engine has forgotten", engine.Unknown, 2*patienceForFiles, false)
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	check("it lives no more", engine.Unknown, 2*patienceForFiles, true)

	f.engine = here // of jobs of this process's own the files are here at once
	check("it was forgotten just now, here", engine.Unknown, 0, false)
	check("it was forgotten a while ago, here", engine.Unknown, 2*patienceHere, true)
}

// outliving is an engine whose jobs outlive the process.
type outliving struct{ engine.Engine }

func (outliving) Adopt([]engine.Job, []engine.ID) error { return nil }

func TestExplain(t *testing.T) {
	f := newFollower(t)
	f.states[0] = engine.State{Phase: engine.Failed, Node: "n7", Reason: "ran longer than its time limit"}
	rep := &report.Run{Steps: []report.StepStatus{{Name: "a", Status: report.StepSkipped, Problem: "no worker has run it yet"}}}
	f.explain(rep)
	if got, want := rep.Steps[0].Problem, "its worker left nothing: madeup job a on n7: ran longer than its time limit"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := unfinished(rep); !strings.Contains(err.Error(), `step "a": its worker left nothing`) {
		t.Error(err)
	}
	rep.Steps[0] = report.StepStatus{Name: "a", Status: report.StepFailed, Problem: "exit status 3"}
	f.explain(rep)
	if rep.Steps[0].Problem != "exit status 3" {
		t.Errorf("what the worker says was replaced: %q", rep.Steps[0].Problem)
	}
}
