package run

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
	"repro/run/plan"
)

func TestChange(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("look", "echo $X $OMP_NUM_THREADS; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online")}}
	o := options(t)
	o.Change = plan.Change{Env: map[string]string{"X": "changed"}, Threads: 3, Fixed: []string{manifest.FixedAddresses}}
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
	for _, bad := range []plan.Change{{CPU: "z80"}, {Fixed: []string{"time"}}, {Env: map[string]string{"A=B": "c"}}, {Env: map[string]string{"A": "\x00"}}} {
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
	e := fixture{steps: []manifest.Step{look("random"), look("fixed", manifest.FixedAddresses)}}
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
	e := fixture{steps: []manifest.Step{sh("writes", "i=0; while [ $i -lt 100 ]; do echo 0123456789012345678; i=$((i+1)); done > big")}}
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
	e := fixture{steps: []manifest.Step{sh("long", "echo half > a.txt; echo working; sleep 1000", "/paper/a.txt", "/paper/b.txt")}}
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
	if st := rep.Steps[0]; st.Status != report.StepKilled || len(rep.Outputs) != 1 {
		t.Errorf("%+v %+v", st, rep.Outputs)
	}
}
