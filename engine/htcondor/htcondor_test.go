//go:build linux

package htcondor

import (
	"os"
	"strings"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
	"repro/engine/htcondor/condortest"
)

func TestMain(m *testing.M) { os.Exit(condortest.Tests{M: m}.Run()) }

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestPoolContract(t *testing.T) {
	if !condortest.Inside(t) {
		return
	}
	dirs := map[string]string{} // engines of one test know each other's jobs
	enginetest.Run(t, enginetest.Harness{
		Open: func(t *testing.T) engine.Engine {
			if dirs[t.Name()] == "" {
				dirs[t.Name()] = t.TempDir()
			}
			return open(t, Options{Dir: dirs[t.Name()]})
		},
		Parallel: 3, Patience: 90 * time.Second,
	})
}

// What HTCondor refuses it says itself, at once; what it holds is explained, and
// ends.
func TestPoolHolds(t *testing.T) {
	if !condortest.Inside(t) {
		return
	}
	e := open(t, Options{Dir: t.TempDir(), Extra: []string{"request_cpus = (("}})
	job := engine.Job{Name: "a", Resources: engine.Resources{CPUs: 1, Memory: 64 << 20}, Args: []string{"true"}}
	if _, err := e.Submit(t.Context(), []engine.Job{job}); err == nil || !strings.Contains(err.Error(), "condor_submit") {
		t.Errorf("a line that makes no sense: %v", err)
	}
	if left, err := os.ReadDir(e.options.Dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	e = open(t, Options{Dir: t.TempDir(), Extra: []string{"on_exit_hold = true", `on_exit_hold_reason = "the moon is full"`}})
	after := job
	after.Name, after.Needs = "b", []string{"a"}
	ids, err := e.Submit(t.Context(), []engine.Job{job, after})
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	states, err := engine.Wait(t.Context(), e, ids, 200*time.Millisecond, time.Minute, func(i int, s engine.State) { seen += s.Reason + "\n" })
	if err != nil || states[0].Phase != engine.Failed || states[1].Phase != engine.Skipped || !strings.Contains(states[0].Reason, "was held: the moon is full") {
		t.Errorf("%+v, %v", states, err)
	}
	if !strings.Contains(seen, "held: the moon is full\n") {
		t.Errorf("seen %q", seen)
	}
}
