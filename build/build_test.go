package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/build/host"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/recipe"
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
func build(t testing.TB, dir string) (*format.Image, *manifest.Manifest) {
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

// TestWhatIsTaken has names that never come along by themselves, links that
// the recipe names, patterns that take away, and the environment's own source
// in the folder.
func TestWhatIsTaken(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, dir, experiment)
	write(t, elsewhere, map[string]string{"big/1.dat": "one", "big/.git/x": "x", "one.csv": "single", "paper.csv": "6.000\n"})
	write(t, dir, map[string]string{
		"repro.yaml": strings.NewReplacer(
			"[run.sh, lib/, \"*.awk\"]", "[., \"!notes.txt\", \"!lib/deep\", lib/__pycache__, \"!published\"]",
			"- {path: data/x.dat", "- big\n  - data/one.csv\n  - {path: data/x.dat",
			"host: [sh, awk, cat]", "rootfs: base",
			"awk -f", "busybox awk -f",
			"published/fit.csv", "linked.csv",
		).Replace(experiment["repro.yaml"]),
		".git/config": "x", ".env": "SECRET=1", "author.key": "secret", "old.sif": "x", "paper.run/x": "x", "lib/__pycache__/a.pyc": "x", "lib/.DS_Store": "x",
		".hidden": "comes along",
	})
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skipf("needs a static /bin/busybox")
	}
	write(t, dir, map[string]string{"base/bin/busybox": "#!", "base/bin/sh": "#!"})
	for _, name := range []string{"base/bin/busybox", "base/bin/sh"} {
		if err := os.WriteFile(filepath.Join(dir, name), busybox, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"big": "big", "data/one.csv": "one.csv", "linked.csv": "paper.csv"} {
		if err := os.Symlink(filepath.Join(elsewhere, target), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	im, _ := build(t, dir)
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, n := range root.Lookup("paper").All() {
		if !n.IsDir() {
			got = append(got, name)
		}
	}
	want := []string{".hidden", "big/1.dat", "data/one.csv", "data/x.dat", "fit.awk", "lib/__pycache__/a.pyc", "lib/common.awk", "repro.yaml", "run.sh"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestOnAnImage builds on an image of ours, on which it comes to the same as
// on what that was built on, and on one of another program.
func TestOnAnImage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, experiment)
	base := filepath.Join(t.TempDir(), "base.sif")
	m, err := Image(context.Background(), base, options(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	on := func(base string) *manifest.Manifest {
		write(t, dir, map[string]string{"repro.yaml": strings.Replace(experiment["repro.yaml"], "host: [sh, awk, cat]", "sif: "+base, 1)})
		m, err := Image(context.Background(), filepath.Join(t.TempDir(), "p.sif"), options(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	same := on(base)
	if got, want := environmentOf(t, same), environmentOf(t, m); got.Digest != want.Digest {
		t.Error("the environment of an image built on an image is another one")
	}
	if got := environmentOf(t, on(foreignSIF(t, base))); got.Digest != environmentOf(t, m).Digest {
		t.Error("the environment is another one after a way through mksquashfs")
	}
}

// foreignSIF makes a SIF file as other programs do: a system partition made
// by mksquashfs, with an overlay that has one file.
func foreignSIF(t *testing.T, from string) string {
	t.Helper()
	im, err := format.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	delete(root.Entries, "paper")
	delete(root.Entries, singularityDir)
	dir := t.TempDir()
	lower, upper := filepath.Join(dir, "lower"), filepath.Join(dir, "upper")
	if err := tree.Extract(context.Background(), root, lower, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(lower, "etc/hosts"), filepath.Join(dir, "hosts")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(upper, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "hosts"), filepath.Join(upper, "etc/hosts")); err != nil {
		t.Fatal(err)
	}
	var inputs []sif.DescriptorInput
	for i, part := range []struct {
		dir  string
		kind sif.PartType
	}{{lower, sif.PartPrimSys}, {upper, sif.PartOverlay}} {
		file := fmt.Sprintf("%s/%d.squashfs", dir, i)
		if out, err := exec.Command("mksquashfs", part.dir, file, "-comp", "gzip", "-quiet", "-no-progress").CombinedOutput(); err != nil {
			t.Skipf("needs mksquashfs: %s", out)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		di, err := sif.NewDescriptorInput(sif.DataPartition, f, sif.OptPartitionMetadata(sif.FsSquash, part.kind, "amd64"))
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, di)
	}
	name := filepath.Join(dir, "foreign.sif")
	c, err := sif.CreateContainerAtPath(name, sif.OptCreateWithDescriptors(inputs...))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.UnloadContainer(); err != nil {
		t.Fatal(err)
	}
	return name
}
