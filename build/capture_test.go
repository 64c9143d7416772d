package build

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/capture"
	"repro/format/manifest"
	"repro/recipe"
)

// TestCapturedIsWhatWasRead builds of a record: a file of the experiment that
// has changed since, or that the recipe leaves out, is no image.
func TestCapturedIsWhatWasRead(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	program, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const text = `repro: 1
title: T
authors: [A]
licence: MIT
date: 2026-11-01
environment: {capture: repro.capture.json}
code: [run.sh]
data: [x.csv]
steps:
  - {name: s, command: [sh, run.sh], inputs: [x.csv], outputs: [out.txt]}
`
	write(t, dir, map[string]string{"repro.yaml": text, "run.sh": "cat x.csv > out.txt\n", "x.csv": "1\n"})
	at := func(name string) string { return filepath.Join(dir, name) }
	record := capture.Record{
		Version: 1, Machine: capture.Machine{Arch: "amd64"}, Folder: dir, Packages: []capture.Package{},
		Steps: []capture.Step{{
			Name: "s", Command: []string{"sh", "run.sh"}, Dir: dir, Env: map[string]string{}, Observed: capture.Observed{Way: "view"}, Started: "2026-11-01T00:00:00Z",
			Programs: []capture.Program{}, Links: []capture.Link{}, Folders: []string{}, Written: []capture.Written{}, Network: []capture.Contact{}, NotTaken: []capture.Omission{},
			Files: []capture.File{
				{Path: shell, Digest: manifest.DigestOf(program), Size: int64(len(program)), Executable: true, Read: true},
				{Path: at("run.sh"), Digest: manifest.DigestOf([]byte("cat x.csv > out.txt\n")), Size: 20, Read: true},
				{Path: at("x.csv"), Digest: manifest.DigestOf([]byte("1\n")), Size: 2, Read: true},
			},
		}},
	}
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("repro.capture.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	build := func() string {
		_, err := Image(t.Context(), filepath.Join(t.TempDir(), "x.sif"), options(t, dir))
		if err != nil && !errors.As(err, new(*recipe.Error)) {
			t.Fatal(err)
		}
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if got := build(); got != "" {
		t.Fatalf("as it was captured: %s", got)
	}
	write(t, dir, map[string]string{"x.csv": "2\n"})
	if got := build(); !strings.Contains(got, "x.csv") || !strings.Contains(got, "but the captured run read sha256:") {
		t.Errorf("changed since: %q", got)
	}
	if err := Check(t.Context(), options(t, dir)); err == nil || !strings.Contains(err.Error(), "but the captured run read sha256:") {
		t.Errorf("check says %v of it", err)
	}
	write(t, dir, map[string]string{"x.csv": "1\n", "repro.yaml": strings.Replace(strings.Replace(text, "data: [x.csv]\n", "", 1), "inputs: [x.csv], ", "", 1)})
	if got := build(); !strings.Contains(got, `"x.csv": was used by the captured run, and is neither in the code nor in the data`) {
		t.Errorf("left out: %q", got)
	}
}
