package run

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/report"
)

func TestQuickProfile(t *testing.T) {
	step := func(name string, q *manifest.Quick, needs ...string) manifest.Step {
		s := after(sh(name, "true", "/paper/"+name), needs...)
		s.Quick, s.Takes, s.Env = q, 100, map[string]string{"N": "1000", "KEEP": "1"}
		return s
	}
	result := func(name, output, quick string) manifest.Result {
		return manifest.Result{Name: name, Output: "/paper/" + output, Published: "published/" + name, Quick: quick, Sets: []string{"published/other"}}
	}
	m := &manifest.Manifest{
		Steps: []manifest.Step{
			step("fit", &manifest.Quick{Env: map[string]string{"N": "10"}, Time: 5, Takes: 2}),
			step("plot", nil, "fit"), step("table", &manifest.Quick{Time: 7}),
			step("long", &manifest.Quick{Skip: true}), step("appendix", nil, "long"),
		},
		Results: []manifest.Result{result("same", "table", ""), result("other", "plot", ""), result("small", "fit", "published/quick"), result("never", "appendix", "published/x")},
		Claims:  []manifest.Claim{{Name: "one", Output: "/paper/table"}, {Name: "two", Output: "/paper/plot"}},
	}
	p, err := quickProfile(m)
	if err != nil {
		t.Fatal(err)
	}
	var names, results []string
	for _, s := range p.steps {
		names = append(names, s.Name)
	}
	for _, r := range p.results {
		results = append(results, r.Name+"="+r.Published)
	}
	if got := strings.Join(names, " "); got != "fit plot table" {
		t.Errorf("steps %s", got)
	}
	if got := strings.Join(results, " "); got != "same=published/same small=published/quick" {
		t.Errorf("results %s", got)
	}
	if got := strings.Join(p.leftOut, " "); got != "other never two" || len(p.claims) != 1 {
		t.Errorf("left out %s, claims %v", got, p.claims)
	}
	fit, table := p.steps[0], p.steps[2]
	if fit.Env["N"] != "10" || fit.Env["KEEP"] != "1" || fit.Time != 5 || fit.Takes != 2 || table.Time != 7 || table.Takes != 100 {
		t.Errorf("%+v %+v", fit, table)
	}
	if m.Steps[0].Env["N"] != "1000" {
		t.Error("the manifest changed")
	}
	if _, err := quickProfile(&manifest.Manifest{Steps: m.Steps[1:2]}); !errors.Is(err, ErrNoQuick) {
		t.Errorf("a recipe without a quick profile: %v", err)
	}
}

func TestChange(t *testing.T) {
	e := experiment{steps: []manifest.Step{sh("look", "echo $X $OMP_NUM_THREADS; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online")}}
	o := options(t)
	o.Change = Change{Env: map[string]string{"X": "changed"}, Threads: 3, Fixed: []string{manifest.FixedAddresses}}
	rep, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(o.Dir, "logs/look.log")); got != "changed 3\n3\n0-2\n" {
		t.Errorf("%q", got)
	}
	if got := strings.Join(rep.Changed, "; "); got != "X=changed; cpus: 3; fixed: addresses" {
		t.Error(got)
	}
	for _, bad := range []Change{{CPU: "z80"}, {Fixed: []string{"time"}}, {Env: map[string]string{"A=B": "c"}}, {Env: map[string]string{"A": "\x00"}}} {
		o.Change = bad
		if _, err := e.run(t, o); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// Two runs of one program find their stack at one place only if asked to.
func TestFixedAddresses(t *testing.T) {
	look := func(name string, fixed ...string) manifest.Step {
		s := sh(name, "for i in 1 2 3; do grep -F '[stack]' /proc/self/maps; done | sort -u")
		s.Fixed = fixed
		return s
	}
	e := experiment{steps: []manifest.Step{look("random"), look("fixed", manifest.FixedAddresses)}}
	o := options(t)
	if _, err := e.run(t, o); err != nil {
		t.Fatal(err)
	}
	lines := func(step string) int {
		return strings.Count(readFile(t, filepath.Join(o.Dir, "logs", step+".log")), "\n")
	}
	if lines("fixed") != 1 || lines("random") == 1 {
		t.Errorf("%d places of the stack without randomisation, %d with", lines("fixed"), lines("random"))
	}
}

func TestWritten(t *testing.T) {
	e := experiment{steps: []manifest.Step{sh("writes", "i=0; while [ $i -lt 100 ]; do echo 0123456789012345678; i=$((i+1)); done > big")}}
	rep, err := e.run(t, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := rep.Steps[0].Written; got < 2000 || got > 2500 {
		t.Errorf("%d bytes written, not some 2000", got)
	}
}

// What a step that is stopped has left so far is kept.
func TestPartialOutputs(t *testing.T) {
	e := experiment{steps: []manifest.Step{sh("long", "echo half > a.txt; echo working; sleep 1000", "/paper/a.txt", "/paper/b.txt")}}
	o := options(t)
	ctx, cancel := context.WithCancel(t.Context())
	o.Log = writerFunc(func([]byte) { cancel() })
	rep, err := Image(ctx, e.build(t), o)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt")); got != "half\n" {
		t.Errorf("%q", got)
	}
	if st := rep.Steps[0]; st.Status != statusKilled || len(rep.Outputs) != 1 {
		t.Errorf("%+v %+v", st, rep.Outputs)
	}
}

func TestTimeLeft(t *testing.T) {
	steps := []manifest.Step{{Name: "a", Takes: 100}, {Name: "b", Takes: 50, CPUs: 2}, {Name: "c", Takes: 60, CPUs: 2}, {Name: "d", Takes: 10}}
	r := &runner{plan: &plan{steps: steps, needs: [][]int{{}, {0}, {0}, {0, 1, 2}}}, cpus: []int{0, 1}, states: make([]state, 4)}
	s := &schedule{runner: r, started: make([]bool, 4), began: make([]time.Time, 4)}
	now := time.Now()
	check := func(what string, want time.Duration) {
		t.Helper()
		if got := s.left(now).Round(time.Second); got != want {
			t.Errorf("%s: %v left, want %v", what, got, want)
		}
	}
	check("at the start", 220*time.Second)
	s.started[0], s.began[0] = true, now.Add(-30*time.Second)
	check("under way", 190*time.Second)
	r.states[0] = state{ended: true, status: report.StepStatus{Status: statusDone, WallMS: 50_000}}
	check("twice as quick as the author's", 60*time.Second)
	r.cpus = []int{0, 1, 2, 3}
	check("side by side", 35*time.Second)
	steps[3].Takes = 0
	check("a time that nobody said", 0)
}
