package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format/manifest"
	"repro/report"
	"repro/run/folder"
)

// TestOutputRace has a step leave a process that never rests: where the output
// belongs there is now a directory, now a link to the machine's /etc.
func TestOutputRace(t *testing.T) {
	const flip = `(while :; do rm -rf d; mkdir d; echo mine >d/hostname; rm -rf d; ln -s /etc d; done) & i=0; while [ $i -lt 300 ]; do i=$((i+1)); done`
	var steps []manifest.Step
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		steps = append(steps, manifest.Step{Name: name, Command: []string{"/bin/sh", "-c", "mkdir " + name + "; cd " + name + "; " + flip},
			Dir: "/paper", Outputs: []string{"/paper/" + name + "/d/hostname"}})
	}
	o := options(t)
	rep, err := fixture{steps: steps}.run(t, o)
	if err != nil && !errors.Is(err, ErrStep) {
		t.Fatal(err)
	}
	for _, s := range rep.Steps {
		if s.Status != report.StepDone && s.Status != report.StepFailed {
			t.Errorf("%+v", s)
		}
	}
	err = filepath.WalkDir(filepath.Join(o.Dir, folder.Outputs), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if b := readFile(t, name); d.Type() != 0 || b != "mine\n" && b != "" {
			t.Errorf("%s, %v: %q", name, d.Type(), b)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLogFlood prints far more than is kept.
func TestLogFlood(t *testing.T) {
	o := options(t)
	o.LogSize = 100_000
	rep, err := fixture{steps: []manifest.Step{
		sh("lines", `i=0; while [ $i -lt 200 ]; do cat /bin/sh; i=$((i+1)); done; echo last >&2`),
		sh("one-line", `i=0; while [ $i -lt 200 ]; do tr '\n' x </bin/sh; i=$((i+1)); done`),
	}}.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rep.Steps {
		log := readFile(t, filepath.Join(o.Dir, s.Log))
		if len(log) > 100_200 || !strings.HasSuffix(log, "was not kept]\n") {
			t.Errorf("%s: %d bytes, ending in %q", s.Name, len(log), log[max(0, len(log)-100):])
		}
	}
}

// TestBindsKeepTheAnswerHidden binds directories in which steps would find the
// published results, or could tamper with each other.
func TestBindsKeepTheAnswerHidden(t *testing.T) {
	im := fixture{steps: []manifest.Step{sh("s", "echo 1 >out", "/paper/out")}, published: map[string]string{"out": "1\n"}}.build(t)
	o := options(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Dir(im.Name()), link); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		im.Name(): "the image", filepath.Dir(im.Name()): "the image", link: "the image", "/": "", filepath.Dir(o.Dir): "the results of this run",
	} {
		o.Host.Binds = []local.Bind{{Source: source, Target: "/mnt"}}
		if _, err := Image(t.Context(), im, o); err == nil || !strings.Contains(err.Error(), "it holds "+want) {
			t.Errorf("%s: %v", source, err)
		}
	}
	o.Host.Binds = []local.Bind{{Source: t.TempDir(), Target: "/mnt"}}
	if _, err := Image(t.Context(), im, o); err != nil {
		t.Error(err)
	}
}
