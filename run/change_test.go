package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format/manifest"
	"repro/run/plan"
)

func TestBackwards(t *testing.T) {
	e := fixture{
		code:  map[string]string{"paper/d/a": "", "paper/d/b": "", "paper/d/c": ""},
		steps: []manifest.Step{sh("a", "ls -U d >o; echo $OMP_NUM_THREADS $TZ >>o", "/paper/o")},
	}
	o := options(t)
	o.Change = plan.Change{Default: map[string]string{"TZ": "X-1"}, Threads: 2, Reversed: true}
	rep, err := e.run(t, o)
	skipUnprovided(t, local.LayersAny, err)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(o.Dir, "outputs/paper/o"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(got), "2 X-1\n") {
		t.Errorf("the step saw %q", got)
	}
	if rep.Isolation.Layers == string(local.LayersFUSE) && string(got) != "c\nb\na\n2 X-1\n" {
		t.Errorf("directories were not listed backwards: %q", got)
	}
}
