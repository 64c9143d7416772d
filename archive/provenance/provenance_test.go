package provenance_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"repro/archive/provenance"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/report"
)

func image(t *testing.T) *format.Image {
	t.Helper()
	root := tree.NewDir()
	if err := root.Put("bin/x", tree.NewFile(0o755, []byte("x"))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	digest := manifest.DigestOf([]byte("source"))
	_, err := format.Create(t.Context(), name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Paper: manifest.Paper{Title: "t & <u>", Authors: []manifest.Author{}, Date: "2026-01-02T00:00:00Z"},
			Arch: "amd64", Environment: manifest.Environment{Kind: "tar", Source: "/home/ada/root.tar", Digest: digest},
			Steps: []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}}, Results: []manifest.Result{},
		},
		Recipe: []byte("r"), Inspect: []byte("{}"),
		Layers: []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: root}},
	})
	if err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// TestBuild reads the statement as in-toto's and SLSA's readers do, and looks
// for what may not be in it.
func TestBuild(t *testing.T) {
	im := image(t)
	b, err := provenance.Build(im, "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Type          string `json:"_type"`
		PredicateType string
		Subject       []provenance.Resource
		Predicate     struct {
			BuildDefinition struct {
				BuildType            string
				ExternalParameters   map[string]any
				ResolvedDependencies []provenance.Resource
			}
			RunDetails struct{ Builder struct{ ID string } }
		}
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	id, err := im.ContentID()
	if err != nil {
		t.Fatal(err)
	}
	if s.Type != provenance.StatementType || s.PredicateType != provenance.BuildPredicate || len(s.Subject) != 1 ||
		"sha256:"+s.Subject[0].Digest["sha256"] != string(id) || s.Predicate.RunDetails.Builder.ID == "" ||
		s.Predicate.BuildDefinition.BuildType == "" || len(s.Predicate.BuildDefinition.ResolvedDependencies) != 3 {
		t.Errorf("%s", b)
	}
	for _, d := range s.Predicate.BuildDefinition.ResolvedDependencies {
		if len(d.Digest["sha256"]) != 64 {
			t.Errorf("%s without a digest", d.Name)
		}
	}
	if bytes.Contains(b, []byte("/home/ada")) {
		t.Errorf("names a folder of the building machine: %s", b)
	}
	if strings.Count(string(b), "\n") != 1 || !bytes.HasSuffix(b, []byte("\n")) {
		t.Errorf("not one line")
	}
	if again, err := provenance.Build(im, "paper.sif"); err != nil || !bytes.Equal(again, b) {
		t.Errorf("two statements about one image differ: %v", err)
	}
}

func TestResults(t *testing.T) {
	id := manifest.DigestOf([]byte("image"))
	for want, verdicts := range map[string][]report.Verdict{
		"PASSED": {report.Identical, report.WithinTolerance},
		"WARNED": {report.Identical, report.NeedsEyes},
		"FAILED": {report.Identical, report.NeedsEyes, report.Missing},
	} {
		r := &report.Run{ContentID: id}
		for _, v := range verdicts {
			r.Findings = append(r.Findings, report.Finding{Result: string(v), Verdict: v})
		}
		if got := string(provenance.Results(r, "paper.sif")); !strings.Contains(got, `"result":"`+want+`"`) {
			t.Errorf("%s: %s", want, got)
		}
	}
}
