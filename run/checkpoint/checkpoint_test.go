package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
	"repro/run/folder"
	"repro/run/plan"
)

// chain is a run of steps a, b, c, of which c needs b and b needs a; and alone.
var chain = &plan.Plan{
	Steps: []manifest.Step{{Name: "a", Outputs: []string{"/a"}}, {Name: "b", Outputs: []string{"/b"}}, {Name: "c"}, {Name: "alone", Outputs: []string{"/alone"}}},
	Needs: [][]int{{}, {0}, {0, 1}, {}},
}

type testRun struct {
	t                    *testing.T
	parent, dir, scratch string
	keys                 []manifest.Digest
	recorder             *Recorder
}

func newRun(t *testing.T) *testRun {
	r := &testRun{t: t, parent: t.TempDir(), dir: filepath.Join(t.TempDir(), "run")}
	for i := range chain.Steps {
		r.keys = append(r.keys, manifest.DigestOf([]byte(fmt.Sprint(i))))
	}
	var err error
	if r.scratch, err = NewScratch(r.parent, r.dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(r.dir, 0o755), folder.Empty(r.dir)); err != nil {
		t.Fatal(err)
	}
	r.recorder = NewRecorder(r.dir, r.scratch, chain, r.keys)
	return r
}

func (r *testRun) write(name, content string) {
	r.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
		r.t.Fatal(err)
	}
}

// finish records step i as done, with an output and size bytes beside it.
func (r *testRun) finish(i, size int) {
	r.t.Helper()
	s := chain.Steps[i]
	upper := filepath.Join(r.scratch, StepDir(r.keys[i]), upperDir)
	r.write(filepath.Join(upper, "undeclared"), strings.Repeat("x", size))
	var files []report.OutputFile
	for _, o := range s.Outputs {
		r.write(filepath.Join(r.dir, folder.Outputs, o), s.Name)
		files = append(files, report.OutputFile{Path: o, Size: int64(len(s.Name)), Digest: manifest.DigestOf([]byte(s.Name))})
	}
	log := folder.Logs + "/" + s.Name + ".log"
	r.write(filepath.Join(r.dir, log), "log")
	if err := r.recorder.Add(i, report.StepStatus{Name: s.Name, Status: report.StepDone, Log: log}, files, upper); err != nil {
		r.t.Fatal(err)
	}
}

// found names the steps that a later run would not run again.
func (r *testRun) found() string {
	r.t.Helper()
	f, err := Find(r.t.Context(), r.dir, chain, r.keys, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	if f != nil {
		for _, s := range f.Steps {
			if s != nil {
				names = append(names, s.Status.Name)
			}
		}
	}
	return strings.Join(names, " ")
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(r *testRun)
		want  string
	}{
		{"nothing touched", func(*testRun) {}, "a b alone"},
		{"another key", func(r *testRun) { r.keys[1] = manifest.DigestOf([]byte("x")) }, "a alone"},
		{"another key at the start", func(r *testRun) { r.keys[0] = manifest.DigestOf([]byte("x")) }, "alone"},
		{"an output of another size", func(r *testRun) { r.write(filepath.Join(r.dir, "outputs/alone"), "alone!") }, "a b"},
		{"an output of the same size", func(r *testRun) { r.write(filepath.Join(r.dir, "outputs/alone"), "forge") }, "a b"},
		{"an output that is gone", func(r *testRun) { _ = os.Remove(filepath.Join(r.dir, "outputs/b")) }, "a alone"},
		{"an output that became a link", func(r *testRun) {
			name := filepath.Join(r.dir, "outputs/alone")
			_ = os.Rename(name, name+"-moved")
			_ = os.Symlink("alone-moved", name)
		}, "a b"},
		{"a directory that a step to run needs", func(r *testRun) {
			r.write(filepath.Join(r.scratch, StepDir(r.keys[1]), upperDir, "undeclared"), "forged")
		}, "a alone"},
		{"a directory that no step to run needs", func(r *testRun) {
			r.write(filepath.Join(r.scratch, StepDir(r.keys[3]), upperDir, "undeclared"), "forged")
		}, "a b alone"},
		{"the scratch directory, now open to others", func(r *testRun) { _ = os.Chmod(r.scratch, 0o755) }, ""},
		{"the scratch directory of a run elsewhere", func(r *testRun) { r.write(filepath.Join(r.scratch, ownerFile), r.dir+"2") }, ""},
		{"no scratch directory", func(r *testRun) { _ = os.RemoveAll(r.scratch) }, ""},
		{"a document of another version", func(r *testRun) {
			d := *read(r.dir)
			d.Version = version + 1
			if err := d.write(r.dir); err != nil {
				r.t.Fatal(err)
			}
		}, ""},
		{"no document", func(r *testRun) { _ = os.Remove(filepath.Join(r.dir, fileName)) }, ""},
		{"a document that is a link", func(r *testRun) {
			name := filepath.Join(r.dir, fileName)
			_ = os.Rename(name, name+"-moved")
			_ = os.Symlink(name+"-moved", name)
		}, ""},
		{"a directory with a name that leads elsewhere", func(r *testRun) {
			d := *read(r.dir)
			for i := range d.Steps {
				d.Steps[i].Upper = "../" + filepath.Base(r.scratch) + "/" + d.Steps[i].Upper
			}
			if err := d.write(r.dir); err != nil {
				r.t.Fatal(err)
			}
		}, "alone"},
		{"a step that is not done", func(r *testRun) {
			d := *read(r.dir)
			d.Steps[2].Status.Status = report.StepFailed
			if err := d.write(r.dir); err != nil {
				r.t.Fatal(err)
			}
		}, "a b"},
	} {
		r := newRun(t)
		for _, i := range []int{0, 1, 3} {
			r.finish(i, 10)
		}
		tt.touch(r)
		if got := r.found(); got != tt.want {
			t.Errorf("%s: not run again: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A run that resumes keeps what it resumes from, and nothing else.
func TestResume(t *testing.T) {
	r := newRun(t)
	for _, i := range []int{0, 1, 3} {
		r.finish(i, 10)
	}
	r.write(filepath.Join(r.dir, "outputs/alone"), "forged")
	r.write(filepath.Join(r.dir, "outputs/stray"), "x")
	r.write(filepath.Join(r.scratch, "try/left"), "x")
	f, err := Find(t.Context(), r.dir, chain, r.keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.scratch, "try")); err == nil {
		t.Error("what a killed run left in the scratch directory is still there")
	}
	again := NewRecorder(r.dir, f.Scratch, chain, r.keys)
	if err := again.Resume(f.Steps); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"outputs/a": true, "outputs/b": true, "outputs/alone": false, "outputs/stray": false, "logs/a.log": true, "logs/alone.log": false,
	} {
		if _, err := os.Stat(filepath.Join(r.dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
	for i, want := range []bool{true, true, false, false} {
		if _, err := os.Stat(filepath.Join(r.scratch, StepDir(r.keys[i]))); (err == nil) != want {
			t.Errorf("directory of step %d is there: %v, want %v", i, err == nil, want)
		}
	}
	if got := r.found(); got != "a b" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestFinish(t *testing.T) {
	notC := []bool{true, true, false, true}
	for _, tt := range []struct {
		name  string
		done  []bool
		limit int64
		want  string
		dirs  []bool // of the steps that stay
	}{
		{"a step is left", notC, 0, "a b alone", []bool{true, true, false, false}},
		{"all is done", []bool{true, true, true, true}, 0, "", nil},
		{"nothing may stay", notC, -1, "", nil},
		{"the larger does not fit", notC, 1500, "a alone", []bool{true, false, false, false}},
		{"exactly what there is", notC, 3000, "a b alone", []bool{true, true, false, false}},
		{"a byte less", notC, 2999, "a alone", []bool{true, false, false, false}},
		{"none fits", notC, 10, "alone", []bool{false, false, false, false}},
	} {
		r := newRun(t)
		r.finish(0, 1000)
		r.finish(1, 2000)
		r.finish(3, 4000)
		got := strings.Join(r.recorder.Finish(tt.done, tt.limit), " ")
		if got != tt.want || r.found() != tt.want {
			t.Errorf("%s: kept %q, found %q, want %q", tt.name, got, r.found(), tt.want)
		}
		if _, err := os.Stat(filepath.Join(r.dir, fileName)); (err == nil) != (tt.want != "") {
			t.Errorf("%s: there is a document: %v", tt.name, err == nil)
		}
		for i, want := range tt.dirs {
			if _, err := os.Stat(filepath.Join(r.scratch, StepDir(r.keys[i]))); (err == nil) != want {
				t.Errorf("%s: directory of step %d is there: %v", tt.name, i, err == nil)
			}
		}
	}
}

func TestNothingToResume(t *testing.T) {
	one := &plan.Plan{Steps: chain.Steps[:1], Needs: [][]int{{}}}
	r := newRun(t)
	r.recorder = NewRecorder(r.dir, r.scratch, one, r.keys[:1])
	if err := r.recorder.Add(0, report.StepStatus{Name: "a", Status: report.StepDone}, nil, ""); err != nil {
		t.Fatal(err)
	}
	if read(r.dir) != nil {
		t.Error("a run of one step left a checkpoint")
	}
	r = newRun(t)
	r.finish(3, 10)
	r.recorder.Discard()
	if read(r.dir) != nil {
		t.Error("what was discarded is still there")
	}
}

func TestRemoveAbandoned(t *testing.T) {
	r := newRun(t)
	killed, err := NewScratch(r.parent, r.dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewScratch(r.parent, r.dir+"2")
	if err != nil {
		t.Fatal(err)
	}
	RemoveAbandoned(r.parent, r.dir, r.scratch)
	left, _ := filepath.Glob(filepath.Join(r.parent, "*"))
	want := []string{r.scratch, other}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left: %q, want %q without %q", left, want, killed)
	}
	r.finish(0, 1)
	if err := Remove(r.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.scratch); err == nil || read(r.dir) != nil {
		t.Error("a checkpoint that was removed is still there")
	}
	if err := Remove(r.dir); err != nil {
		t.Errorf("none: %v", err)
	}
	r.write(filepath.Join(other, "step-000000000000/x"), "")
	r.write(filepath.Join(other, "root/x"), "")
	if err := RemoveScratch(other, true); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(other, "*")); len(names) != 2 {
		t.Errorf("kept: %q", names)
	}
	if err := RemoveScratch(other, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a scratch directory is still there")
	}
}
