package run

import (
	"context"
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
	w.jobs = []submitted{{Step: "a", ID: "a"}}
	return w.follow()
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
	f.note()
	rep := &report.Run{Steps: []report.StepStatus{{Name: "a", Status: report.StepSkipped, Problem: "no worker has run it yet"}}}
	f.explain(rep)
	if got, want := rep.Steps[0].Problem, "its worker left nothing: madeup job a on n7: ran longer than its time limit"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := unfinished(rep); !strings.Contains(err.Error(), `step "a": its worker left nothing`) {
		t.Error(err)
	}
	f.states[0], f.hopeless[0] = engine.State{Phase: engine.Cancelled, Reason: "cancelled"}, "PartitionTimeLimit"
	f.note()
	f.explain(rep)
	if got, want := rep.Steps[0].Problem, "it could not start: madeup job a was given up: PartitionTimeLimit"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	rep.Steps[0] = report.StepStatus{Name: "a", Status: report.StepFailed, Problem: "exit status 3"}
	f.explain(rep)
	if rep.Steps[0].Problem != "exit status 3" {
		t.Errorf("what the worker says was replaced: %q", rep.Steps[0].Problem)
	}
}

// giving is an engine that notes what it was told to cancel.
type giving struct {
	engine.Engine
	cancelled []engine.ID
}

func (g *giving) Cancel(_ context.Context, ids []engine.ID) error {
	g.cancelled = append(g.cancelled, ids...)
	return nil
}

// A job that waits for what does not come by itself is given up after a while, and
// whoever watches is told at once; whoever only waits for another's jobs gives
// nothing up.
func TestGiveUp(t *testing.T) {
	f := newFollower(t)
	g := &giving{Engine: f.engine}
	f.engine = g
	var told []string
	f.options.Notice = func(text string) { told = append(told, text) }
	start := time.Now()
	look := func(s engine.State, after time.Duration, want int) {
		t.Helper()
		f.states[0] = s
		if err := f.giveUp(t.Context(), start.Add(after)); err != nil {
			t.Fatal(err)
		}
		if len(g.cancelled) != want {
			t.Errorf("after %v: cancelled %q", after, g.cancelled)
		}
	}
	stuck := engine.State{Phase: engine.Waiting, Reason: "no such image", Stuck: true}
	look(stuck, 0, 0)
	look(stuck, patienceForStuck-time.Second, 0)
	look(engine.State{Phase: engine.Waiting, Reason: "Resources"}, patienceForStuck, 0) // it was mended
	look(stuck, 2*patienceForStuck, 0)
	look(engine.State{Phase: engine.Running, Stuck: true}, 4*patienceForStuck, 0)
	look(stuck, 5*patienceForStuck, 0)
	f.attached = true
	look(stuck, 6*patienceForStuck, 0)
	f.attached = false
	look(stuck, 6*patienceForStuck, 1)
	look(stuck, 7*patienceForStuck, 1)
	other := stuck
	other.Reason = "no such claim"
	look(other, 7*patienceForStuck, 1)
	look(engine.State{Phase: engine.Running}, 7*patienceForStuck, 1)
	look(other, 7*patienceForStuck, 1)
	look(engine.State{Phase: engine.Running}, 7*patienceForStuck, 1)
	look(engine.State{Phase: engine.Waiting, Reason: "no such queue", Stuck: true}, 7*patienceForStuck, 1)
	if len(told) != 3 || !strings.Contains(told[2], "no such queue") || told[0] != `step "a" waits for what does not come by itself: no such image` {
		t.Errorf("%q", told)
	}
	if over, err := f.isOver(t.Context(), 0); err != nil || over {
		t.Errorf("over before the engine says so: %v", err)
	}
	f.states[0] = engine.State{Phase: engine.Cancelled}
	if over, err := f.isOver(t.Context(), 0); err != nil || !over {
		t.Errorf("not over at once, %v", err)
	}
}
