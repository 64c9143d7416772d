package shared

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/format/verity"
	"repro/report"
	"repro/run/lease"
	"repro/run/plan"
)

var steps = &plan.Plan{
	Steps: []manifest.Step{{Name: "a", Outputs: []string{"/paper/a", "/paper/d"}}, {Name: "b"}}, Needs: [][]int{{}, {0}},
}

var keys = []manifest.Digest{manifest.DigestOf([]byte("a")), manifest.DigestOf([]byte("b"))}

func openRun(t *testing.T, dir string) *Run {
	t.Helper()
	r, err := Open(dir, "sha256:1", steps, keys, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if Exists(dir) {
		t.Error("there is a run before there is one")
	}
	var all sync.WaitGroup
	for i := range 6 { // all come first
		all.Go(func() {
			if _, err := Open(dir, "sha256:1", steps, keys, time.Duration(i+1)*time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first := openRun(t, dir).Timing
	if r, err := Open(dir, "sha256:1", steps, keys, time.Hour); err != nil || r.Timing != first || !Exists(dir) {
		t.Errorf("workers differ about the timing: %v, %v: %v", r.Timing, first, err)
	}
	if r, err := Open(t.TempDir(), "sha256:1", steps, keys, 0); err != nil || r.Timing != (lease.Timing{Beat: 10 * time.Second, Patience: 2 * time.Minute}) {
		t.Errorf("by default: %v, %v", r.Timing, err)
	}
	fewer := &plan.Plan{Steps: steps.Steps[:1], Needs: steps.Needs[:1]}
	swapped := []manifest.Digest{keys[1], keys[0]}
	for name, open := range map[string]func() (*Run, error){
		"another image":  func() (*Run, error) { return Open(dir, "sha256:2", steps, keys, 0) },
		"fewer steps":    func() (*Run, error) { return Open(dir, "sha256:1", fewer, keys[:1], 0) },
		"other settings": func() (*Run, error) { return Open(dir, "sha256:1", steps, swapped, 0) },
	} {
		if _, err := open(); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{`{"version":2}`, `{"version":1,"image":"sha256:1","patienceMs":5,"steps":[]}`} {
		d := t.TempDir()
		if err := os.WriteFile(filepath.Join(d, DocumentName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(d, "sha256:1", steps, keys, 0); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", text, err)
		}
	}
	d := t.TempDir()
	if err := os.WriteFile(filepath.Join(d, DocumentName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(d, "sha256:1", steps, keys, 0); err == nil || errors.Is(err, ErrOther) {
		t.Errorf("half a document: %v", err)
	}
}

// finish leaves a try of step a with the given lease.
func finish(t *testing.T, r *Run, number int, status, content string) (State, bool) {
	t.Helper()
	try, err := r.NewTry(0, number)
	if err != nil {
		t.Fatal(err)
	}
	upper := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(try.Outputs(), "paper/d"), 0o755), os.WriteFile(filepath.Join(try.Outputs(), "paper/a"), []byte(content), 0o644),
		os.WriteFile(filepath.Join(try.Outputs(), "paper/d/x"), nil, 0o644), os.WriteFile(try.Log(), []byte("log"), 0o644), os.WriteFile(filepath.Join(upper, "hidden"), []byte(content), 0o640)); err != nil {
		t.Fatal(err)
	}
	layer, err := try.Pack(t.Context(), upper)
	if err != nil {
		t.Fatal(err)
	}
	s := State{Lease: number, Status: report.StepStatus{Name: "a", Status: status}, Layer: layer, Outputs: []report.OutputFile{
		{Path: "/paper/a", Size: int64(len(content)), Digest: manifest.DigestOf([]byte(content))}, {Path: "/paper/d/x", Digest: manifest.DigestOf(nil)}}}
	made, err := r.Commit(0, s)
	if err != nil {
		t.Fatal(err)
	}
	return s, made
}

// Of two workers that do one step, the first to say so has done it.
func TestCommit(t *testing.T) {
	r := openRun(t, t.TempDir())
	if s, err := r.Done(0); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	for _, n := range []int{1, 3, 2} {
		if _, made := finish(t, r, n, report.StepFailed, "x"); !made {
			t.Errorf("failure %d was not noted", n)
		}
	}
	if s, err := r.Failed(0); err != nil || s.Lease != 3 {
		t.Errorf("last failure: %+v, %v", s, err)
	}
	if _, made := finish(t, r, 5, report.StepDone, "first"); !made {
		t.Error("the first was not taken")
	}
	if _, made := finish(t, r, 4, report.StepDone, "second"); made {
		t.Error("a step was done twice")
	}
	s, err := r.Done(0)
	if err != nil || s.Lease != 5 {
		t.Fatalf("%+v, %v", s, err)
	}
	to := t.TempDir()
	if err := r.Deliver(t.Context(), 0, s, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"outputs/paper/a": "first", "outputs/paper/d/x": "", "logs/a.log": "log"} {
		if b, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	layer, f, err := r.OpenLayer(0, s)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	view, err := tree.NewView(tree.Look{}, layer)
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := view.Find("hidden"); err != nil || seen.Node.Size != 5 || seen.Node.Mode != 0o640 {
		t.Errorf("%+v, %v", seen, err)
	}
	if l, err := r.Claim(t.Context(), 0, lease.Holder{}); l != nil || err != nil {
		t.Errorf("a step that is done was claimed: %+v, %v", l, err)
	}
}

// Nothing that was touched is handed on.
func TestTouched(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(dir string) error
		what  string // "outputs" or "layer": what is refused
	}{
		{"an output's bytes", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "outputs/paper/a"), []byte("forge"), 0o644)
		}, "outputs"},
		{"an output's size", func(dir string) error { return os.WriteFile(filepath.Join(dir, "outputs/paper/a"), []byte("f"), 0o644) }, "outputs"},
		{"an output that is a link", func(dir string) error {
			name := filepath.Join(dir, "outputs/paper/a")
			return errors.Join(os.Rename(name, name+"2"), os.Symlink("a2", name))
		}, "outputs"},
		{"an output that is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "outputs/paper/d/x")) }, "outputs"},
		{"a layer that is shorter", func(dir string) error { return os.Truncate(filepath.Join(dir, "layer"), 100) }, "layer"},
		{"a layer that is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "layer")) }, "layer"},
		{"a layer's hashes", func(dir string) error {
			name := filepath.Join(dir, "layer")
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b[len(b)-1] ^= 1
			return os.WriteFile(name, b, 0o644)
		}, ""},
		{"a layer's first byte", func(dir string) error {
			name := filepath.Join(dir, "layer")
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b[0] ^= 1
			return os.WriteFile(name, b, 0o644)
		}, "layer"},
	} {
		r := openRun(t, t.TempDir())
		s, _ := finish(t, r, 1, report.StepDone, "first")
		if err := tt.touch(r.tryDir(0, 1)); err != nil {
			t.Fatal(err)
		}
		if err := r.Deliver(t.Context(), 0, &s, t.TempDir()); (err != nil) != (tt.what == "outputs") {
			t.Errorf("%s: outputs: %v", tt.name, err)
		}
		_, f, err := r.OpenLayer(0, &s)
		if err == nil {
			f.Close()
		}
		bad, isCorrupt := errors.AsType[*verity.CorruptError](err)
		if (err != nil) != (tt.what == "layer") && tt.what != "" {
			t.Errorf("%s: layer: %v %v %v", tt.name, err, bad, isCorrupt)
		}
	}
}

// States that no worker wrote are refused before anything is done with them.
func TestForgedStates(t *testing.T) {
	r := openRun(t, t.TempDir())
	good, _ := finish(t, r, 1, report.StepDone, "first")
	good.Version, good.Key = version, keys[0]
	for name, forge := range map[string]func(s *State){
		"good":                   func(*State) {},
		"another version":        func(s *State) { s.Version++ },
		"another step":           func(s *State) { s.Status.Name = "b" },
		"another key":            func(s *State) { s.Key = keys[1] },
		"no lease":               func(s *State) { s.Lease = 0 },
		"an output elsewhere":    func(s *State) { s.Outputs[0].Path = "/etc/passwd" },
		"an output above":        func(s *State) { s.Outputs[0].Path = "/paper/d/../../../x" },
		"a relative output":      func(s *State) { s.Outputs[0].Path = "paper/a" },
		"a layer of no size":     func(s *State) { s.Layer.Size = -1 },
		"a layer of a size huge": func(s *State) { s.Layer.Size = maxLayer + 1 },
	} {
		var s State
		b, err := json.Marshal(good)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
		forge(&s)
		if b, err = json.Marshal(s); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.stepDir(0), doneName), b, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Done(0); (err == nil) != (name == "good") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.stepDir(0), doneName), []byte(strings.Repeat(" ", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Done(0); err == nil {
		t.Error("an empty state is one")
	}
}

// FuzzState parses whatever lies there: it is refused, or names nothing but
// outputs of the step.
func FuzzState(f *testing.F) {
	for _, s := range []State{
		{Version: version, Key: keys[0], Lease: 1, Status: report.StepStatus{Name: "a", Status: report.StepDone}, Layer: &Layer{Size: 4096, Digest: keys[0]},
			Outputs: []report.OutputFile{{Path: "/paper/a", Size: 1, Digest: keys[0]}}},
		{Version: version, Key: keys[0], Lease: 9, Status: report.StepStatus{Name: "a"}, Outputs: []report.OutputFile{{Path: "/paper/../etc"}}},
	} {
		b, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"version":1,"lease":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b, steps.Steps[0], keys[0])
		if err != nil {
			return
		}
		for _, o := range s.Outputs {
			inside := o.Path == "/paper/a" || o.Path == "/paper/d" || strings.HasPrefix(o.Path, "/paper/a/") || strings.HasPrefix(o.Path, "/paper/d/")
			if !inside || strings.Contains(o.Path+"/", "/../") {
				t.Errorf("output %q", o.Path)
			}
		}
		if s.Lease < 1 || s.Layer != nil && s.Layer.Size < 0 {
			t.Errorf("%+v", s)
		}
	})
}
