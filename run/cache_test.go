package run

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/rmtree"
)

// catStep copies a file of the code layer to an output.
var catStep = fixture{
	code:  map[string]string{"paper/in.txt": "signed\n"},
	steps: []manifest.Step{sh("cat", "cat in.txt > out.txt", "/paper/out.txt")},
}

func TestCacheIsNotBelievedBlindly(t *testing.T) {
	im := catStep.build(t)
	o := options(t)
	o.Host.Layers, o.Host.NoCache, o.Host.Cache = local.LayersExtract, false, filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = rmtree.Remove(o.Host.Cache) })
	check := func(what string) {
		t.Helper()
		if _, err := Image(t.Context(), im, o); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/out.txt")); got != "signed\n" {
			t.Errorf("%s: a step read %q", what, got)
		}
	}
	check("first")
	entries, _ := filepath.Glob(filepath.Join(o.Host.Cache, "*", "root"))
	if len(entries) != 1 {
		t.Fatalf("cache holds %q", entries)
	}
	in := filepath.Join(entries[0], "paper/in.txt")
	before, err := os.Stat(in)
	if err != nil {
		t.Fatal(err)
	}
	check("second")
	if after, err := os.Stat(in); err != nil || !os.SameFile(before, after) {
		t.Error("a sound entry was not used again")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(in, []byte("poison\n"), 0o644))
	must(os.Chtimes(in, before.ModTime(), before.ModTime()))
	check("content changed, size and times as before")
	must(os.WriteFile(in+".new", []byte("poison\n"), 0o644))
	must(os.Rename(in+".new", in))
	check("file replaced")
	must(os.WriteFile(filepath.Join(entries[0], "usr/bin/cat"), nil, 0o755))
	check("file added or changed")
	must(os.Remove(filepath.Join(filepath.Dir(entries[0]), "stamp")))
	check("no stamp")
	must(os.Remove(in))
	check("file removed")
}

func TestRunsThatStartAtOnce(t *testing.T) {
	im := catStep.build(t)
	cache := filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = rmtree.Remove(cache) })
	var g errgroup.Group
	for range 4 {
		o := options(t)
		o.Host.Layers, o.Host.NoCache, o.Host.Cache = local.LayersExtract, false, cache
		g.Go(func() error {
			_, err := Image(t.Context(), im, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDamagedImage(t *testing.T) {
	im := catStep.build(t)
	b, err := os.ReadFile(im.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range im.Objects() {
		if object.Name != "code" {
			continue
		}
		b[object.Offset+200] ^= 1
	}
	if err := os.WriteFile(im.Name(), b, 0o644); err != nil {
		t.Fatal(err)
	}
	damaged, err := format.Open(im.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	o := options(t)
	if _, err := Image(t.Context(), damaged, o); !errors.Is(err, format.ErrAltered) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(o.Dir); err == nil {
		t.Error("a run that never began left its directory")
	}
}

func TestWithoutOverlays(t *testing.T) {
	e := fixture{
		code: map[string]string{"paper/in.txt": "1\n", "paper/b.txt": "stale\n"},
		steps: []manifest.Step{
			sh("a", "cat in.txt > a.txt; echo x > /tmp/x", "/paper/a.txt"),
			sh("aside", "ls /tmp > tmp.txt", "/paper/tmp.txt"),
			after(sh("b", "test ! -e b.txt; cat a.txt > b.txt", "/paper/b.txt"), "a"),
		},
		published: map[string]string{"b.txt": "1\n", "tmp.txt": "home\n"},
	}
	o := options(t)
	o.Host.Layers = local.LayersCopy
	rep, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Counts.Reproduced != 2 || len(rep.Isolation.Notes) == 0 {
		t.Errorf("%+v %+v", rep.Counts, rep.Isolation)
	}
}
