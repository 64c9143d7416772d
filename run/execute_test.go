package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format/manifest"
	"repro/run/folder"
)

func TestSideBySide(t *testing.T) {
	if len(local.CPUs()) < 2 {
		t.Skip("needs two processors")
	}
	// Neither step ends by itself; the run is stopped when both have spoken.
	forever := func(name string) manifest.Step {
		s := sh(name, "echo started; sleep 1000")
		s.Time = 120
		return s
	}
	e := fixture{steps: []manifest.Step{forever("a"), forever("b")}}
	o := options(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := 0
	o.Log = writerFunc(func([]byte) {
		if started++; started == 2 {
			cancel()
		}
	})
	if _, err := Image(ctx, e.build(t), o); !errors.Is(err, context.Canceled) {
		t.Errorf("%d steps at once: %v", started, err)
	}
}

func TestCancelledRun(t *testing.T) {
	e := fixture{steps: []manifest.Step{
		sh("first", "echo 1 > a.txt", "/paper/a.txt"),
		after(sh("long", "echo working; sleep 1000"), "first"),
		after(sh("never", "true"), "long"),
	}}
	im := e.build(t)
	o := options(t)
	o.Scratch, o.KeepSize = t.TempDir(), -1
	ctx, cancel := context.WithCancel(t.Context())
	o.Log = writerFunc(func(p []byte) {
		if strings.Contains(string(p), "working") {
			cancel()
		}
	})
	rep, err := Image(ctx, im, o)
	if !errors.Is(err, context.Canceled) || rep == nil {
		t.Fatalf("%v", err)
	}
	var got []string
	for _, s := range rep.Steps {
		got = append(got, s.Status)
	}
	if strings.Join(got, ", ") != "done, killed, skipped" {
		t.Errorf("%q", got)
	}
	if got := readFile(t, filepath.Join(o.Dir, "logs/long.log")); got != "working\n" {
		t.Errorf("log: %q", got)
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt")); got != "1\n" {
		t.Errorf("output of an earlier step: %q", got)
	}
	if left, _ := os.ReadDir(o.Scratch); len(left) != 0 {
		t.Errorf("left in the scratch directory: %v", left)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestDirectory(t *testing.T) {
	im := catStep.build(t)
	o := options(t)
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(o.Dir, "thesis.tex")
	if err := os.WriteFile(mine, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Image(t.Context(), im, o); err == nil || !strings.Contains(err.Error(), `"thesis.tex"`) {
		t.Fatalf("a directory with other files: %v", err)
	}
	o.Replace = true
	if _, err := Image(t.Context(), im, o); err != nil {
		t.Fatal(err)
	}
	if readFile(t, mine) != "x" {
		t.Error("a file of the user's is gone")
	}
	stale := filepath.Join(o.Dir, "outputs/paper/stale.txt")
	if err := os.WriteFile(stale, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Replace = false
	if _, err := Image(t.Context(), im, o); err != nil {
		t.Fatalf("a directory of an earlier run: %v", err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("an output of an earlier run is still there")
	}
	_, release, err := folder.Claim(t.Context(), o.Dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer release(true)
	if _, err := Image(t.Context(), im, o); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("two runs in one directory: %v", err)
	}
}

func TestSomeSteps(t *testing.T) {
	e := fixture{
		steps: []manifest.Step{sh("a", "echo 1 > a.txt", "/paper/a.txt"), after(sh("b", "cat a.txt > b.txt", "/paper/b.txt"), "a"),
			sh("c", "exit 1", "/paper/c.txt")},
		published: map[string]string{"b.txt": "1\n", "c.txt": "2\n"},
	}
	o := options(t)
	o.Steps = []string{"b"}
	rep, err := e.run(t, o)
	if err != nil || len(rep.Steps) != 2 || rep.Counts.Results != 1 || rep.Counts.Reproduced != 1 {
		t.Errorf("%v %+v", err, rep)
	}
}

func TestLimitsOfSteps(t *testing.T) {
	o := options(t)
	o.LogSize, o.OutputSize = 1000, 1000
	e := fixture{steps: []manifest.Step{
		sh("flood", "i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done"),
		sh("big", "truncate -s 600 a; truncate -s 600 b", "/paper/a", "/paper/b"),
	}}
	rep, err := e.run(t, o)
	if !errors.Is(err, ErrStep) {
		t.Fatal(err)
	}
	if log := readFile(t, filepath.Join(o.Dir, "logs/flood.log")); len(log) > 1200 || !strings.HasSuffix(log, "was not kept]\n") {
		t.Errorf("%d bytes of log", len(log))
	}
	if p := rep.Steps[1].Problem; !strings.Contains(p, `output "/paper/b": 600 bytes, more than the 400`) {
		t.Error(p)
	}
	if len(rep.Outputs) != 1 {
		t.Errorf("%+v", rep.Outputs)
	}
}
