package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/rmtree"
	"repro/report"
	"repro/run/checkpoint"
)

// checkpointFile is where a run says what a later one can resume from.
const checkpointFile = ".repro-kept"

// long is an experiment of which the last step never ends by itself in the
// first run, and does as soon as there is a file "go" in the folder bound.
var long = fixture{
	steps: []manifest.Step{
		sh("a", "cat /proc/sys/kernel/random/uuid > hidden; cat hidden > a.txt", "/paper/a.txt"),
		after(sh("b", "cat hidden > b.txt", "/paper/b.txt"), "a"),
		sh("alone", "echo alone > alone.txt", "/paper/alone.txt"),
		after(sh("last", "echo working; while ! test -e /mnt/go; do sleep 0.05; done; cat hidden > last.txt", "/paper/last.txt"), "b"),
	},
	published: map[string]string{"alone.txt": "alone\n"},
}

// interrupted runs long until its last step works, and returns options to go on.
func interrupted(t *testing.T) (*format.Image, Options) {
	t.Helper()
	im := long.build(t)
	o := options(t)
	o.Scratch = t.TempDir()
	door := t.TempDir()
	if err := os.Chmod(door, 0o755); err != nil {
		t.Fatal(err)
	}
	o.Host.Binds = []local.Bind{{Source: door, Target: "/mnt"}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Log = writerFunc(func(p []byte) {
		if strings.Contains(string(p), "working") {
			cancel()
		}
	})
	rep, err := Image(ctx, im, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := strings.Join(rep.Kept, " "); got != "a alone b" && got != "a b alone" && got != "alone a b" {
		t.Fatalf("kept: %q", got)
	}
	if err := os.WriteFile(filepath.Join(door, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Log, o.Resume = nil, true
	return im, o
}

func keptNames(rep *report.Run) string {
	var names []string
	for _, s := range rep.Steps {
		if s.Kept {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, " ")
}

// scratchOf is what is kept in the scratch directories below o.Scratch.
func scratchOf(t *testing.T, o Options) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(o.Scratch, "repro-run-*", "step-*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestResume(t *testing.T) {
	im, o := interrupted(t)
	if n := len(scratchOf(t, o)); n != 2 { // of a and b, on which the last step stands
		t.Errorf("%d steps' files are kept", n)
	}
	before := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt"))
	rep, err := Image(t.Context(), im, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := keptNames(rep); got != "a b alone" {
		t.Errorf("not run again: %q", got)
	}
	for _, name := range []string{"a.txt", "b.txt", "last.txt"} {
		if got := readFile(t, filepath.Join(o.Dir, "outputs/paper", name)); got != before {
			t.Errorf("%s: %q, the first run made %q", name, got, before)
		}
	}
	if len(rep.Outputs) != 4 || rep.Counts.Reproduced != 1 || len(rep.Kept) > 0 {
		t.Errorf("%+v %+v %q", rep.Outputs, rep.Counts, rep.Kept)
	}
	if left, _ := os.ReadDir(o.Scratch); len(left) > 0 {
		t.Errorf("left in the scratch directory: %v", left)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, checkpointFile)); err == nil {
		t.Error("there is still something to go on with")
	}
	if rep, err = Image(t.Context(), im, o); err != nil || keptNames(rep) != "" {
		t.Errorf("with nothing to go on with: %v, %q kept", err, keptNames(rep))
	}
}

// found is what a run with the options o would not run again.
func found(t *testing.T, im *format.Image, o Options) string {
	t.Helper()
	x, err := decide(im, o)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := x.keys(o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Find(t.Context(), o.Dir, x.plan, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range x.plan.Steps {
		if f != nil && f.Steps[i] != nil {
			names = append(names, f.Steps[i].Status.Name)
		}
	}
	return strings.Join(names, " ")
}

// What was touched since is not believed, and looking does not change it.
func TestResumeChecks(t *testing.T) {
	im, interrupted := interrupted(t)
	dir := func(o Options, name string) string { return filepath.Join(o.Dir, name) }
	chmod := func(mode os.FileMode) func(t *testing.T, o *Options) {
		return func(t *testing.T, o *Options) {
			names, _ := filepath.Glob(filepath.Join(o.Scratch, "repro-run-*"))
			if err := os.Chmod(names[0], mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*testing.T, *Options) {}
	output := func(name, content string) func(t *testing.T, o *Options) {
		return func(t *testing.T, o *Options) { rewrite(t, dir(*o, "outputs/paper/"+name), content) }
	}
	a, note := readFile(t, dir(interrupted, "outputs/paper/a.txt")), readFile(t, dir(interrupted, checkpointFile))
	for _, tt := range []struct {
		name        string
		touch, undo func(t *testing.T, o *Options)
		kept        string
	}{
		{"limits alone", func(_ *testing.T, o *Options) { o.Memory = 1 << 30 }, nothing, "a b alone"},
		{"the settings", func(_ *testing.T, o *Options) { o.Change.Env = map[string]string{"X": "1"} }, nothing, ""},
		{"an output", output("alone.txt", "forged\n"), output("alone.txt", "alone\n"), "a b"},
		{"an output that others stand on", output("a.txt", "forged\n"), output("a.txt", a), "alone"},
		{"who may enter", chmod(0o755), chmod(0o700), ""},
		{"the note itself", func(t *testing.T, o *Options) { rewrite(t, dir(*o, checkpointFile), "{") },
			func(t *testing.T, o *Options) { rewrite(t, dir(*o, checkpointFile), note) }, ""},
		{"nothing", nothing, nothing, "a b alone"},
	} {
		o := interrupted
		tt.touch(t, &o)
		if got := found(t, im, o); got != tt.kept {
			t.Errorf("%s: not run again: %q, want %q", tt.name, got, tt.kept)
		}
		tt.undo(t, &o)
	}
}

// What was touched is made again, from files that are as they were.
func TestResumeTouched(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(t *testing.T, o *Options)
		kept  string
	}{
		{"an output replaced by a link", func(t *testing.T, o *Options) {
			name := filepath.Join(o.Dir, "outputs/paper/alone.txt")
			if err := errors.Join(os.Remove(name), os.Symlink("/etc/hostname", name)); err != nil {
				t.Fatal(err)
			}
		}, "a b"},
		{"what a step wrote", func(t *testing.T, o *Options) {
			names, _ := filepath.Glob(filepath.Join(o.Scratch, "repro-run-*", "step-*", "upper/paper/hidden"))
			if len(names) != 1 {
				t.Fatalf("%q", names)
			}
			rewrite(t, names[0], "forged\n")
		}, "alone"},
		{"nothing, but not asked to go on", func(_ *testing.T, o *Options) { o.Resume = false }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im, o := interrupted(t)
			tt.touch(t, &o)
			rep, err := Image(t.Context(), im, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := keptNames(rep); got != tt.kept {
				t.Errorf("not run again: %q, want %q", got, tt.kept)
			}
			if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/alone.txt")); got != "alone\n" {
				t.Errorf("%q", got)
			}
			hidden := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt"))
			if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/last.txt")); got != hidden || strings.Contains(hidden, "forged") {
				t.Errorf("the last step found %q, the first wrote %q", got, hidden)
			}
		})
	}
}

// A run that cannot start leaves all that an earlier one left.
func TestRefusedRunLosesNothing(t *testing.T) {
	im, o := interrupted(t)
	a := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt"))
	refused, absent, elsewhere := o, o, o
	refused.Host.Layers = local.LayersCopy // without overlays there is no going on
	absent.Resume, absent.Host.Binds = false, []local.Bind{{Source: "/nonexistent", Target: "/mnt"}}
	elsewhere.Resume, elsewhere.Scratch = false, "/nonexistent"
	if _, err := Image(t.Context(), im, refused); !errors.Is(err, ErrMachine) {
		t.Errorf("without overlays: %v", err)
	}
	for _, o := range []Options{absent, elsewhere} {
		if _, err := Image(t.Context(), im, o); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/a.txt")); got != a {
		t.Errorf("%q, was %q", got, a)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Scratch, "repro-run-*")); len(left) != 1 {
		t.Errorf("scratch directories: %q", left)
	}
	if got := found(t, im, o); got != "a b alone" {
		t.Errorf("can be gone on with: %q", got)
	}
}

// The same steps of another image are others: its files may differ.
func TestResumeOtherImage(t *testing.T) {
	_, o := interrupted(t)
	other := long
	other.code = map[string]string{"paper/more": "x"}
	rep, err := other.run(t, o)
	if err != nil || keptNames(rep) != "" {
		t.Errorf("%v, not run again: %q", err, keptNames(rep))
	}
}

func rewrite(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A note that somebody else put there must not have a directory removed that
// no run in this folder made.
func TestKeptNoteOfAnother(t *testing.T) {
	o := options(t)
	mine := t.TempDir()
	if err := errors.Join(os.MkdirAll(o.Dir, 0o755), os.Chmod(mine, 0o700)); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(mine, "thesis"), "x")
	rewrite(t, filepath.Join(o.Dir, ".repro-run"), "")
	rewrite(t, filepath.Join(o.Dir, checkpointFile), `{"version":1,"scratch":"`+mine+`","steps":[]}`)
	if _, err := catStep.run(t, o); err != nil {
		t.Fatal(err)
	}
	if readFile(t, filepath.Join(mine, "thesis")) != "x" {
		t.Error("a directory of somebody else's was removed")
	}
}

// A run that was killed leaves its scratch directory; the next one in the same
// folder removes it, and no other's.
func TestScratchOfKilled(t *testing.T) {
	o := options(t)
	o.Scratch = t.TempDir()
	killed, others := filepath.Join(o.Scratch, "repro-run-1"), filepath.Join(o.Scratch, "repro-run-2")
	if err := errors.Join(os.Mkdir(killed, 0o700), os.Mkdir(others, 0o700)); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(killed, "run"), o.Dir)
	rewrite(t, filepath.Join(others, "run"), o.Dir+"2")
	if _, err := catStep.run(t, o); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Scratch, "*")); len(left) != 1 || left[0] != others {
		t.Errorf("left: %q", left)
	}
}

func TestKeepBound(t *testing.T) {
	e := fixture{steps: []manifest.Step{
		sh("big", "truncate -s 3000 big", "/paper/big"), sh("small", "truncate -s 100 small", "/paper/small"),
		after(sh("fails", "exit 3"), "big", "small"),
	}}
	im := e.build(t)
	for bound, want := range map[int64]string{0: "big small", 1000: "small", 10: "", -1: ""} {
		o := options(t)
		o.Scratch, o.KeepSize, o.CPUs = t.TempDir(), bound, 1
		rep, err := Image(t.Context(), im, o)
		if !errors.Is(err, ErrStep) || strings.Join(rep.Kept, " ") != want {
			t.Errorf("bound %d: %v, kept %q, want %q", bound, err, rep.Kept, want)
		}
		if got := len(scratchOf(t, o)); got != len(strings.Fields(want)) {
			t.Errorf("bound %d: files of %d steps", bound, got)
		}
		if err := checkpoint.Remove(o.Dir); err != nil {
			t.Error(err)
		}
	}
}

func TestTwiceWithoutOverlays(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("s", "test ! -e left; echo 1 > left; echo 1 > a.txt", "/paper/a.txt")}}
	o := options(t)
	o.Twice, o.Host.Layers = true, local.LayersCopy
	rep, err := e.run(t, o)
	if err != nil || rep.Repeat == nil || rep.Repeat.Files != 1 || len(rep.Repeat.Moved) > 0 {
		t.Errorf("%v %+v", err, rep)
	}
	_ = rmtree.Remove(o.Dir)
}
