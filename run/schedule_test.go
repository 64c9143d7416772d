package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/sandbox"
)

func TestPlan(t *testing.T) {
	step := func(name string, needs ...string) manifest.Step {
		return manifest.Step{Name: name, Command: []string{"x"}, Dir: "/", Needs: needs}
	}
	out := func(s manifest.Step, names ...string) manifest.Step {
		s.Outputs = names
		return s
	}
	for _, tt := range []struct {
		name  string
		steps []manifest.Step
		only  []string
		want  string // names with what they need, or the error
	}{
		{"in order", []manifest.Step{step("b", "a"), step("a")}, nil, "b[1] a[]"},
		{"far", []manifest.Step{step("a"), step("b", "a"), step("c", "b")}, nil, "a[] b[0] c[0 1]"},
		{"some", []manifest.Step{step("x"), step("a"), step("b", "a"), step("c")}, []string{"b"}, "a[] b[0]"},
		{"self", []manifest.Step{step("a", "a")}, nil, "needs itself"},
		{"cycle", []manifest.Step{step("a", "c"), step("b", "a"), step("c", "b")}, nil, "needs itself"},
		{"unknown need", []manifest.Step{step("a", "z")}, nil, `needs "z"`},
		{"unknown step", []manifest.Step{step("a")}, []string{"z"}, `"z": not in the image; its steps are "a"`},
		{"twice", []manifest.Step{step("a"), step("a")}, nil, "two steps"},
		{"one output", []manifest.Step{out(step("a"), "/x"), out(step("b"), "/x")}, nil, "belongs to step"},
		{"output in output", []manifest.Step{out(step("a"), "/x"), out(step("b"), "/x/y/z")}, nil, "lies in output"},
		{"relative", []manifest.Step{out(step("a"), "x")}, nil, "clean absolute"},
		{"above", []manifest.Step{out(step("a"), "/x/../y")}, nil, "clean absolute"},
		{"everything", []manifest.Step{out(step("a"), "/")}, nil, "clean absolute"},
		{"no command", []manifest.Step{{Name: "a", Dir: "/"}}, nil, "command"},
	} {
		p, err := newPlan(tt.steps, tt.only)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			var words []string
			for i, s := range p.steps {
				words = append(words, s.Name+fmt.Sprint(p.needs[i]))
			}
			got = strings.Join(words, " ")
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err != nil && tt.only == nil && !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v is not a malformed image", tt.name, err)
		}
	}
}

func TestSideBySide(t *testing.T) {
	if len(sandbox.CPUs()) < 2 {
		t.Skip("needs two processors")
	}
	// Neither step ends by itself; the run is stopped when both have spoken.
	forever := func(name string) manifest.Step {
		s := sh(name, "echo started; sleep 1000")
		s.Time = 120
		return s
	}
	e := experiment{steps: []manifest.Step{forever("a"), forever("b")}}
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

func TestPoolAndMemory(t *testing.T) {
	p := newPool([]int{4, 5, 6})
	a := p.take(2)
	if fmt.Sprint(a) != "[4 5]" || p.has(2) || !p.has(1) {
		t.Errorf("%v %v", a, p.free)
	}
	if b := p.take(9); fmt.Sprint(b) != "[6]" {
		t.Errorf("%v", b)
	}
	p.give(a)
	if !p.has(2) {
		t.Error("not given back")
	}
	s := &schedule{runner: &runner{options: Options{Memory: 100}, plan: &plan{steps: []manifest.Step{
		{Memory: 60}, {Memory: 30}, {}, {Memory: 200}}}}, cpus: newPool([]int{0, 1, 2, 3}), memory: 50, running: 1}
	for i, want := range []bool{false, true, false, false} {
		if s.fits(i) != want {
			t.Errorf("step %d fits: %v", i, !want)
		}
	}
	s.running = 0
	if !s.fits(3) {
		t.Error("a step that asks for more than there is never runs")
	}
}

func TestCancelledRun(t *testing.T) {
	e := experiment{steps: []manifest.Step{
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
	report, err := Image(ctx, im, o)
	if !errors.Is(err, context.Canceled) || report == nil {
		t.Fatalf("%v", err)
	}
	var got []string
	for _, s := range report.Steps {
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
	release, err := claimDir(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	defer release(true)
	if _, err := Image(t.Context(), im, o); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("two runs in one directory: %v", err)
	}
}

func TestSomeSteps(t *testing.T) {
	e := experiment{
		steps: []manifest.Step{sh("a", "echo 1 > a.txt", "/paper/a.txt"), after(sh("b", "cat a.txt > b.txt", "/paper/b.txt"), "a"),
			sh("c", "exit 1", "/paper/c.txt")},
		published: map[string]string{"b.txt": "1\n", "c.txt": "2\n"},
	}
	o := options(t)
	o.Steps = []string{"b"}
	report, err := e.run(t, o)
	if err != nil || len(report.Steps) != 2 || report.Counts.Results != 1 || report.Counts.Reproduced != 1 {
		t.Errorf("%v %+v", err, report)
	}
}

func TestLimitsOfSteps(t *testing.T) {
	o := options(t)
	o.LogSize, o.OutputSize = 1000, 1000
	e := experiment{steps: []manifest.Step{
		sh("flood", "i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done"),
		sh("big", "truncate -s 600 a; truncate -s 600 b", "/paper/a", "/paper/b"),
	}}
	report, err := e.run(t, o)
	if !errors.Is(err, ErrStep) {
		t.Fatal(err)
	}
	if log := readFile(t, filepath.Join(o.Dir, "logs/flood.log")); len(log) > 1200 || !strings.HasSuffix(log, "was not kept]\n") {
		t.Errorf("%d bytes of log", len(log))
	}
	if p := report.Steps[1].Problem; !strings.Contains(p, `output "/paper/b": 600 bytes, more than the 400`) {
		t.Error(p)
	}
	if len(report.Outputs) != 1 {
		t.Errorf("%+v", report.Outputs)
	}
}

func TestLiveLogIsPrintable(t *testing.T) {
	var b strings.Builder
	newLiveLog(&b).print("a\x1b", []byte("x\x1b[2J\ty\u202eé\xff"))
	if b.String() != "a?: x?[2J\ty?é\ufffd\n" {
		t.Errorf("%q", b.String())
	}
}

func TestLogNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"fit", "a/b", "a_b", "..", ".", "../../etc", "x\ny", strings.Repeat("n", 300), "é", ""} {
		log := logName(name)
		if other, taken := seen[log]; taken {
			t.Errorf("%q and %q share %q", name, other, log)
		}
		seen[log] = name
		if log != filepath.Base(log) || strings.HasPrefix(log, ".") || len(log) > 120 {
			t.Errorf("%q: %q", name, log)
		}
	}
}
