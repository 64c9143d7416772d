// Package enginetest holds an engine against the contract of package engine.
// The tests of an engine call [Run] once; whatever passes can be relied on by a
// run.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/engine"
)

// Harness says how an engine is tested.
type Harness struct {
	// Open returns an engine without jobs of this test. It is called for each
	// test, and must arrange for whatever has to be cleaned up.
	Open func(t *testing.T) engine.Engine

	// Folder returns a new folder that jobs can reach. Nil: t.TempDir.
	Folder func(t *testing.T) string

	// Parallel is how many jobs of one processor run side by side at least.
	Parallel int

	// Patience is how long trivial jobs may take, the engine's own delays
	// included. 0: a minute.
	Patience time.Duration
}

// Run tests the engine.
func Run(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = time.Minute
	}
	if h.Folder == nil {
		h.Folder = func(t *testing.T) string { return t.TempDir() }
	}
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"a job that ends well is done", (*suite).done},
		{"a job that ends otherwise has failed", (*suite).failed},
		{"a job starts after those that it needs, whatever the order in which they are submitted", (*suite).order},
		{"a job can need one of an earlier call", (*suite).laterCall},
		{"a job that needs one that failed is skipped, and so is one that needs that", (*suite).skipped},
		{"independent jobs run beside one that failed", (*suite).beside},
		{"a job that runs can be cancelled", (*suite).cancelRunning},
		{"a job that waits can be cancelled, and others go on", (*suite).cancelWaiting},
		{"to cancel what has ended, or is not known, changes nothing", (*suite).cancelEnded},
		{"a job that is not known is unknown", (*suite).unknown},
		{"jobs that cannot be are refused, and none of the call runs", (*suite).refused},
		{"jobs run side by side", (*suite).sideBySide},
		{"several goroutines can share an engine", (*suite).shared},
		{"a context that has ended submits nothing", (*suite).endedContext},
		{"arguments arrive as they are", (*suite).arguments},
		{"another engine can adopt jobs, if jobs outlive their engine", (*suite).adopted},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			s := &suite{t: t, h: h, e: h.Open(t), dir: h.Folder(t)}
			defer func() {
				if err := s.e.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(s)
		})
	}
}

// suite is one test of an engine.
type suite struct {
	t   *testing.T
	h   Harness
	e   engine.Engine
	dir string // that jobs can reach
}

// job is one that runs a shell script in the test's folder.
func (s *suite) job(name, script string, needs ...string) engine.Job {
	return s.command(name, []string{"/bin/sh", "-c", "cd " + s.dir + " && " + script}, needs...)
}

// command is a job that runs a command, within this process or without.
func (s *suite) command(name string, args []string, needs ...string) engine.Job {
	return engine.Job{Name: name, Needs: needs, Resources: engine.Resources{CPUs: 1, Memory: 64 << 20}, Args: args,
		Work: func(ctx context.Context, _ engine.Allotment) error {
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.WaitDelay = time.Second
			err := cmd.Run()
			return errors.Join(ctx.Err(), err)
		}}
}

func (s *suite) submit(jobs ...engine.Job) []engine.ID {
	s.t.Helper()
	ids, err := s.e.Submit(s.t.Context(), jobs)
	if err != nil {
		s.t.Fatalf("submit: %v", err)
	}
	if len(ids) != len(jobs) {
		s.t.Fatalf("submit: %d names of %d jobs", len(ids), len(jobs))
	}
	return ids
}

// wait waits for the end of jobs and compares their phases.
func (s *suite) wait(ids []engine.ID, want ...engine.Phase) []engine.State {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), s.h.Patience)
	defer cancel()
	states, err := engine.Wait(ctx, s.e, ids, 200*time.Millisecond, s.h.Patience, nil)
	if err != nil {
		s.t.Fatalf("wait: %v; the jobs are %+v", err, states)
	}
	for i, w := range want {
		if states[i].Phase != w {
			s.t.Errorf("job %d is %q (%s), want %q", i, states[i].Phase, states[i].Reason, w)
		}
	}
	for _, id := range ids {
		if err := s.e.Fetch(s.t.Context(), id); err != nil {
			s.t.Errorf("fetch %s: %v", id, err)
		}
	}
	return states
}

func (s *suite) read(name string) string {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return "missing"
	}
	return string(b)
}

func (s *suite) expect(name, want string) {
	s.t.Helper()
	if got := s.read(name); got != want {
		s.t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// until waits for a file that a job makes.
func (s *suite) until(name string) {
	s.t.Helper()
	for deadline := time.Now().Add(s.h.Patience); s.read(name) == "missing"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("no job made %s", name)
		}
	}
}

func (s *suite) done() {
	s.wait(s.submit(s.job("a", "echo 1 >a")), engine.Done)
	s.expect("a", "1\n")
}

func (s *suite) failed() {
	s.wait(s.submit(s.job("a", "echo 1 >a; exit 3")), engine.Failed)
	s.expect("a", "1\n")
}

func (s *suite) order() {
	s.wait(s.submit(s.job("c", "cat a b >c", "a", "b"), s.job("b", "cat a >b", "a"), s.job("a", "sleep 0.3; echo 1 >a")),
		engine.Done, engine.Done, engine.Done)
	s.expect("c", "1\n1\n")
}

func (s *suite) laterCall() {
	first := s.submit(s.job("a", "sleep 0.3; echo 1 >a"))
	s.wait(append(first, s.submit(s.job("b", "cat a >b", "a"))...), engine.Done, engine.Done)
	s.expect("b", "1\n")
	s.wait(s.submit(s.job("c", "cat a b >c", "a", "b")), engine.Done) // both have ended
	s.expect("c", "1\n1\n")
}

func (s *suite) skipped() {
	states := s.wait(s.submit(s.job("a", "exit 1"), s.job("b", "echo 1 >b", "a"), s.job("c", "echo 1 >c", "b")),
		engine.Failed, engine.Skipped, engine.Skipped)
	if states[1].Reason == "" {
		s.t.Error("a skipped job has no reason")
	}
	s.expect("b", "missing")
	s.expect("c", "missing")
}

func (s *suite) beside() {
	s.wait(s.submit(s.job("a", "exit 1"), s.job("b", "echo 1 >b")), engine.Failed, engine.Done)
	s.expect("b", "1\n")
}

func (s *suite) cancelRunning() {
	ids := s.submit(s.job("a", "echo 1 >started; exec sleep 600"), s.job("b", "echo 1 >b", "a"))
	s.until("started")
	if err := s.e.Cancel(s.t.Context(), ids[:1]); err != nil {
		s.t.Fatal(err)
	}
	s.wait(ids, engine.Cancelled, engine.Skipped)
	s.expect("b", "missing")
}

func (s *suite) cancelWaiting() {
	ids := s.submit(s.job("a", "while ! test -e go; do sleep 0.1; done; echo 1 >a"), s.job("b", "echo 1 >b", "a"))
	if err := s.e.Cancel(s.t.Context(), ids[1:]); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.wait(ids, engine.Done, engine.Cancelled)
	s.expect("a", "1\n")
	s.expect("b", "missing")
}

func (s *suite) cancelEnded() {
	ids := s.submit(s.job("a", "true"), s.job("b", "exit 1"))
	s.wait(ids, engine.Done, engine.Failed)
	if err := s.e.Cancel(s.t.Context(), append(ids, "no-such-job")); err != nil {
		s.t.Errorf("cancel: %v", err)
	}
	s.wait(ids, engine.Done, engine.Failed)
}

func (s *suite) unknown() {
	id := s.submit(s.job("a", "true"))[0]
	states, err := s.e.State(s.t.Context(), []engine.ID{"no-such-job", id})
	if err != nil || len(states) != 2 || states[0].Phase != engine.Unknown || states[1].Phase == engine.Unknown {
		s.t.Errorf("%+v, %v", states, err)
	}
	s.wait([]engine.ID{id}, engine.Done)
}

func (s *suite) refused() {
	s.wait(s.submit(s.job("there", "true")), engine.Done)
	for name, jobs := range map[string][]engine.Job{
		"twice in a call":      {s.job("a", "echo 1 >ran"), s.job("a", "echo 1 >ran")},
		"twice in two calls":   {s.job("b", "echo 1 >ran"), s.job("there", "echo 1 >ran")},
		"needs what is not":    {s.job("c", "echo 1 >ran"), s.job("d", "echo 1 >ran", "no-such-job")},
		"needs itself":         {s.job("e", "echo 1 >ran"), s.job("f", "echo 1 >ran", "f")},
		"need each other":      {s.job("g", "echo 1 >ran", "h"), s.job("h", "echo 1 >ran", "g"), s.job("i", "echo 1 >ran")},
		"nothing to be done":   {s.job("j", "echo 1 >ran"), {Name: "k", Resources: engine.Resources{CPUs: 1}}},
		"a job without a name": {s.job("l", "echo 1 >ran"), s.job("", "echo 1 >ran")},
	} {
		if ids, err := s.e.Submit(s.t.Context(), jobs); err == nil {
			s.t.Errorf("%s: submitted as %q", name, ids)
		}
	}
	s.wait(s.submit(s.job("last", "true")), engine.Done)
	s.expect("ran", "missing")
}

func (s *suite) sideBySide() {
	if s.h.Parallel < 2 {
		s.t.Skip("this engine runs one job at a time")
	}
	var jobs []engine.Job
	var want []engine.Phase
	for i := range s.h.Parallel { // each ends when all have started
		jobs = append(jobs, s.job(fmt.Sprint(i), fmt.Sprintf("echo 1 >started-%d; while test $(ls started-* | wc -l) -lt %d; do sleep 0.1; done", i, s.h.Parallel)))
		want = append(want, engine.Done)
	}
	s.wait(s.submit(jobs...), want...)
}

func (s *suite) shared() {
	const n = 4
	ids := make([]engine.ID, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			got, err := s.e.Submit(s.t.Context(), []engine.Job{s.job(fmt.Sprint("job-", i), fmt.Sprintf("echo %d >out-%d", i, i))})
			if errs[i] = err; err == nil {
				ids[i] = got[0]
				_, errs[i] = s.e.State(s.t.Context(), got)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
	s.wait(ids, engine.Done, engine.Done, engine.Done, engine.Done)
	for i := range n {
		s.expect(fmt.Sprint("out-", i), fmt.Sprintln(i))
	}
}

func (s *suite) endedContext() {
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	if _, err := s.e.Submit(ctx, []engine.Job{s.job("a", "echo 1 >ran")}); !errors.Is(err, context.Canceled) {
		s.t.Errorf("submit: %v", err)
	}
	s.wait(s.submit(s.job("b", "true")), engine.Done)
	s.expect("ran", "missing")
}

func (s *suite) arguments() {
	odd := []string{"two words", "it's", `a "quoted" one`, "$HOME `id` $(id)", "back\\slash", "", "*", "-n", "line\nline", "ünï"}
	script := `for a; do printf '%s|' "$a"; done >"$0"`
	s.wait(s.submit(s.command("a", append([]string{"/bin/sh", "-c", script, filepath.Join(s.dir, "out")}, odd...))), engine.Done)
	s.expect("out", strings.Join(odd, "|")+"|")
}

func (s *suite) adopted() {
	if _, ok := s.e.(engine.Adopter); !ok {
		return // its jobs end with it
	}
	first := []engine.Job{s.job("a", "while ! test -e go; do sleep 0.1; done; echo 1 >a"), s.job("b", "cat a >b", "a"), s.job("c", "exec sleep 600")}
	ids := s.submit(first...)
	if err := s.e.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.e = s.h.Open(s.t)
	heir := s.e.(engine.Adopter)
	if states, err := heir.State(s.t.Context(), ids[:1]); err != nil || states[0].Phase != engine.Unknown {
		s.t.Errorf("before it is adopted: %+v, %v", states, err)
	}
	if err := heir.Adopt(first, ids[:2]); err == nil {
		s.t.Error("three jobs were adopted by two names")
	}
	if err := heir.Adopt(first, ids); err != nil {
		s.t.Fatal(err)
	}
	if _, err := heir.Submit(s.t.Context(), []engine.Job{s.job("a", "echo 1 >ran")}); err == nil {
		s.t.Error("submitted a job with the name of one that was adopted")
	}
	later := s.submit(s.job("d", "cat a >d", "a"))
	if err := heir.Cancel(s.t.Context(), ids[2:]); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.wait(append(ids, later...), engine.Done, engine.Done, engine.Cancelled, engine.Done)
	s.expect("b", "1\n")
	s.expect("d", "1\n")
	s.expect("ran", "missing")
}
