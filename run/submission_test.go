package run

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
)

func goodSubmission() Submission {
	return Submission{Version: 1, Image: "/p/paper.sif", ContentID: manifest.DigestSum([32]byte{}), Engine: "slurm:fat", Jobs: []submitted{{Step: "a", ID: "1_0"}, {Step: "b", ID: "2", Needs: []string{"a"}}}}
}

func TestSubmission(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(s *Submission)
		want  string
	}{
		"good":               {func(*Submission) {}, ""},
		"another version":    {func(s *Submission) { s.Version = 2 }, "version 2"},
		"a relative image":   {func(s *Submission) { s.Image = "paper.sif" }, "not an absolute path"},
		"an unknown engine":  {func(s *Submission) { s.Engine = "cray" }, `"cray": not one of`},
		"a step twice":       {func(s *Submission) { s.Jobs[1].Step = "a" }, "submitted twice"},
		"a need that is not": {func(s *Submission) { s.Jobs[1].Needs = []string{"x"} }, `needs "x"`},
		"no step":            {func(s *Submission) { s.Jobs[0].Step = "" }, "no name"},
	} {
		s := goodSubmission()
		tt.spoil(&s)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, submissionName), b, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSubmission(dir)
		if tt.want == "" && (err != nil || got.Engine != "slurm:fat" || len(got.ids()) != 2 || got.ids()[1] != "2" || got.engineJobs()[1].Needs[0] != "a") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := ReadSubmission(t.TempDir()); !errors.Is(err, ErrNothingSubmitted) {
		t.Errorf("an empty folder: %v", err)
	}
}

// Another process can only follow jobs that outlive the one that submitted them,
// with the image that they run.
func TestAttachRefused(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "echo 1 >a", "/paper/a")}, published: map[string]string{"a": "1\n"}}
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := spreadTo(t, t.Context(), e, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(t.Context(), e.build(t), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "end with the process") {
		t.Errorf("jobs that end with their engine: %v", err)
	}
	s, err := ReadSubmission(dir)
	if err != nil || s.Jobs[0].Step != "a" || s.Engine != "madeup" {
		t.Fatalf("%+v, %v", s, err)
	}
	s.ContentID = manifest.DigestSum([32]byte{1})
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, submissionName), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := CancelJobs(t.Context(), e.build(t), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another image") {
		t.Errorf("another image: %v", err)
	}
}

// FuzzSubmission parses whatever lies in a folder that others can write to.
func FuzzSubmission(f *testing.F) {
	b, err := json.Marshal(goodSubmission())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":1,"image":"/x","engine":"slurm","jobs":[{"step":"a","id":"-1","needs":["a"]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSubmission(b)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, j := range s.Jobs {
			if j.Step == "" || names[j.Step] {
				t.Errorf("%+v", s.Jobs)
			}
			names[j.Step] = true
		}
	})
}
