package draft

import (
	"strings"
	"testing"
)

// TestNotebook drafts a notebook on a machine without jupyter: how to have it is
// said, and one that the author ran is its own result.
func TestNotebook(t *testing.T) {
	bin := folder(t, map[string]string{"sh": ""})
	const run, cleared = `{"cells": [{"outputs": [{"output_type": "stream"}]}]}`, `{"cells": [{"outputs": []}]}`
	for _, c := range []struct {
		name, notebook string
		result         bool
	}{{"run", run, true}, {"cleared", cleared, false}} {
		d, err := Folder(folder(t, map[string]string{"a.ipynb": c.notebook}), Options{Path: bin})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(d.Text), "    outputs:\n      - a.ipynb\n") && strings.Contains(string(d.Text), "    output: a.ipynb\n"); got != c.result {
			t.Errorf("%s: result %t in\n%s", c.name, got, d.Text)
		}
		if !strings.Contains(string(d.Text), "code:\n  - a.ipynb\n") {
			t.Errorf("%s: no code in\n%s", c.name, d.Text)
		}
		notes := strings.Join(d.Notes, "\n")
		if !strings.Contains(notes, "jupyter-nbconvert, which this machine has not: python3 -m venv .venv && .venv/bin/pip install nbconvert ipykernel") || strings.Contains(notes, "opens files") {
			t.Errorf("%s: notes\n%s", c.name, notes)
		}
	}
	d, err := Folder(folder(t, map[string]string{"run.jl": "", "codecheck.yml": "manifest:\n  - file: x.csv\n", "x.csv": "1"}), Options{Path: bin})
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(d.Notes, "\n"); strings.Count(notes, "the steps start julia, which this machine has not: build where it is") != 1 {
		t.Errorf("notes\n%s", notes)
	}
}
