package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/build/host"
	"repro/format"
	"repro/recipe"
	"repro/record"
	"repro/tree"
)

// experiment is a folder with what a small paper consists of.
var experiment = map[string]string{
	"repro.yaml": `repro: 1
title: Norris
authors: [{name: Ada Lovelace, orcid: 0000-0002-1825-0097}]
date: 2026-11-01
licence: MIT
environment: {host: [sh, awk, cat]}
code: [run.sh, lib/, "*.awk"]
data:
  - {path: data/x.dat, source: "https://example.org/x"}
steps:
  - {name: prepare, command: [sh, run.sh], inputs: [data/x.dat], outputs: [out/tidy.csv]}
  - {name: fit, command: "awk -f fit.awk out/tidy.csv > out/fit.csv", inputs: [out/tidy.csv], outputs: [out/fit.csv], env: {OMP_NUM_THREADS: 1}}
results:
  - {name: table-1, output: out/fit.csv, published: published/fit.csv, claim: Table 1, compare: csv}
`,
	"run.sh":            "#!/bin/sh\ncat data/x.dat > out/tidy.csv\n",
	"fit.awk":           "{ s += $1 } END { print s }\n",
	"lib/common.awk":    "function f(x) { return x }\n",
	"lib/deep/er/a.awk": "#\n",
	"data/x.dat":        "1\n2\n3\n",
	"published/fit.csv": "6.000\n",
	"out/tidy.csv":      "stale\n",
	"notes.txt":         "not part of it\n",
}

// write makes the folder dir of files; names that end in / are folders.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		perm := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			perm = 0o755
		}
		if err := os.WriteFile(at, []byte(content), perm); err != nil {
			t.Fatal(err)
		}
	}
}

// options reads the recipe in dir.
func options(t testing.TB, dir string) Options {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, recipe.FileName))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse(recipe.FileName, b)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Recipe: r, RecipeBytes: b, Dir: dir, Path: strings.Join(host.DefaultPath, ":")}
}

// build builds the experiment in dir and opens the image.
func build(t testing.TB, dir string) (*format.Image, *record.Manifest) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "paper.sif")
	m, err := Image(context.Background(), out, options(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im, m
}

func digest(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestImage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, experiment)
	im, m := build(t, dir)
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"bin/sh", ".singularity.d/runscript", ".singularity.d/env/99-base.sh", "etc/passwd", "tmp",
		"paper/run.sh", "paper/fit.awk", "paper/lib/deep/er/a.awk", "paper/data/x.dat", "paper/out",
	} {
		if _, n := follow(root, "/"+name); n == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"paper/published", "paper/out/tidy.csv", "paper/notes.txt", "paper/repro.yaml"} {
		if root.Lookup(name) != nil {
			t.Errorf("%s is seen by the steps", name)
		}
	}
	if got := m.Steps[1].Needs; len(got) != 1 || got[0] != "prepare" {
		t.Errorf("needs %q", got)
	}
	if m.Steps[1].Outputs[0] != "/paper/out/fit.csv" || m.Steps[1].Dir != "/paper" {
		t.Errorf("step is %+v", m.Steps[1])
	}
	published, err := im.Published()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := published.Tree()
	if err != nil {
		t.Fatal(err)
	}
	if tr.Lookup("published/fit.csv") == nil {
		t.Error("the published result is missing")
	}
	for name, n := range root.All() {
		checkNormal(t, name, n)
	}
}

func checkNormal(t *testing.T, name string, n *tree.Node) {
	t.Helper()
	if n.UID != 0 || n.GID != 0 || n.Mode&(os.ModeSetuid|os.ModeSetgid|os.ModeDevice|os.ModeNamedPipe) != 0 {
		t.Errorf("%s: owner %d:%d, mode %v", name, n.UID, n.GID, n.Mode)
	}
}
