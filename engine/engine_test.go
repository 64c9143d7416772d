package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOrder(t *testing.T) {
	job := func(name string, needs ...string) Job { return Job{Name: name, Needs: needs} }
	for _, tt := range []struct {
		name string
		jobs []Job
		want string // indices, or a part of the error
	}{
		{"none", nil, "[]"},
		{"as they are", []Job{job("a"), job("b", "a")}, "[0 1]"},
		{"the other way round", []Job{job("b", "a"), job("a")}, "[1 0]"},
		{"a diamond", []Job{job("d", "b", "c"), job("b", "a"), job("c", "a"), job("a")}, "[3 1 2 0]"},
		{"one of an earlier call", []Job{job("b", "old")}, "[0]"},
		{"itself", []Job{job("a", "a")}, `"a": needs itself`},
		{"each other", []Job{job("a", "c"), job("b", "a"), job("c", "b")}, "needs itself"},
		{"unknown", []Job{job("a", "x")}, `"a": needs "x", which was not submitted`},
		{"twice", []Job{job("a"), job("a")}, `"a": submitted twice`},
		{"known", []Job{job("old")}, `"old": submitted twice`},
		{"no name", []Job{job("")}, "no name"},
	} {
		order, err := Order(tt.jobs, func(name string) bool { return name == "old" })
		got := fmt.Sprint(order)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// script is an engine whose jobs go through phases, one each time it is asked.
type script struct {
	Engine
	phases [][]Phase // of each job
	asked  int
	short  bool
}

func (s *script) State(_ context.Context, ids []ID) ([]State, error) {
	states := make([]State, len(ids))
	for i := range ids {
		states[i].Phase = s.phases[i][min(s.asked, len(s.phases[i])-1)]
	}
	s.asked++
	if s.short {
		states = states[:1]
	}
	return states, nil
}

func TestWait(t *testing.T) {
	e := &script{phases: [][]Phase{{Waiting, Running, Done}, {Waiting, Waiting, Skipped}}}
	var seen []string
	states, err := Wait(t.Context(), e, []ID{"a", "b"}, time.Millisecond, time.Minute, func(i int, s State) { seen = append(seen, fmt.Sprintf("%d %s", i, s.Phase)) })
	if err != nil || states[0].Phase != Done || states[1].Phase != Skipped {
		t.Errorf("%v, %v", states, err)
	}
	if want := []string{"0 waiting", "1 waiting", "0 running", "0 done", "1 skipped"}; !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	if e.asked != 3 {
		t.Errorf("asked %d times", e.asked)
	}
}

// A job that the engine forgets has ended after some patience; one that comes
// back in time has not.
func TestWaitForgotten(t *testing.T) {
	e := &script{phases: [][]Phase{{Running, Unknown, Running, Done}}}
	if states, err := Wait(t.Context(), e, []ID{"a"}, time.Millisecond, time.Minute, nil); err != nil || states[0].Phase != Done {
		t.Errorf("one that came back: %v, %v", states, err)
	}
	e = &script{phases: [][]Phase{{Running, Unknown}}}
	start := time.Now()
	if states, err := Wait(t.Context(), e, []ID{"a"}, time.Millisecond, 30*time.Millisecond, nil); err != nil || states[0].Phase != Unknown {
		t.Errorf("one that did not: %v, %v", states, err)
	}
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("given up after %v", took)
	}
}

func TestWaitStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Wait(ctx, &script{phases: [][]Phase{{Running}}}, []ID{"a"}, time.Millisecond, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := Wait(t.Context(), &script{phases: [][]Phase{{Done}, {Done}}, short: true}, []ID{"a", "b"}, time.Millisecond, 0, nil); err == nil {
		t.Error("an engine that says less than it was asked is believed")
	}
}

func TestMachineError(t *testing.T) {
	cause := errors.New("no room")
	var err error = &MachineError{Err: cause, Hint: "move"}
	if !errors.Is(err, ErrMachine) || !errors.Is(err, cause) || err.Error() != "no room" {
		t.Error(err)
	}
	for p, want := range map[Phase]bool{Waiting: false, Running: false, Unknown: false, Done: true, Failed: true, Skipped: true, Cancelled: true} {
		if p.Ended() != want {
			t.Errorf("%s has ended: %v", p, !want)
		}
	}
}

func TestNoScratch(t *testing.T) {
	if err := NoScratch("", fs.ErrNotExist); !errors.Is(err, ErrMachine) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the machine's place: %v", err)
	}
	if err := NoScratch("nowhere", fs.ErrNotExist); errors.Is(err, ErrMachine) || err.Error() != "scratch directory: file does not exist" {
		t.Errorf("a place that the user named: %v", err)
	}
}

func TestLastWords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	for text, want := range map[string]string{
		"":                                  "",
		"one\ntwo\n\n":                      "two",
		"repro: error: no room\nhint: x\n":  "no room",
		"repro: error: \x1b[31mred\nlast":   "[31mred",
		strings.Repeat("x\n", 9000) + "end": "end",
		"repro: error: far\n" + strings.Repeat("x\n", 9000): "x",
		strings.Repeat("y", 400):                            strings.Repeat("y", 300),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := LastWords(name); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
	if got := LastWords(name + ".none"); got != "" {
		t.Errorf("no file: %q", got)
	}
}
