package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/sandbox"
)

// catStep copies a file of the code layer to an output.
var catStep = experiment{
	code:  map[string]string{"paper/in.txt": "signed\n"},
	steps: []manifest.Step{sh("cat", "cat in.txt > out.txt", "/paper/out.txt")},
}

func TestCacheIsNotBelievedBlindly(t *testing.T) {
	im := catStep.build(t)
	o := options(t)
	o.Layers, o.NoCache, o.Cache = LayersExtract, false, filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = sandbox.Remove(o.Cache) })
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
	entries, _ := filepath.Glob(filepath.Join(o.Cache, "*", "root"))
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
	must(os.Remove(filepath.Join(filepath.Dir(entries[0]), cachedStamp)))
	check("no stamp")
	must(os.Remove(in))
	check("file removed")
}

// The cache keeps within its bound what was used last, and what is in use.
func TestCacheBound(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = sandbox.Remove(cache) })
	use := func(name string, limit int64) (release func(), made bool) {
		t.Helper()
		_, release, err := cachedRoot(t.Context(), cache, limit, manifest.DigestOf([]byte(name)), func(_ context.Context, dir string) error {
			made = true
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1000), 0o644))
		})
		if err != nil {
			t.Fatal(err)
		}
		return release, made
	}
	roots := func() int {
		names, _ := filepath.Glob(filepath.Join(cache, "*", "root"))
		return len(names)
	}
	const two = 2500
	a, _ := use("a", two)
	b, _ := use("b", two)
	b()
	c, _ := use("c", two) // a is older, but in use
	if again, made := use("a", two); made || roots() != 2 {
		t.Errorf("an entry in use was given up; %d roots", roots())
	} else {
		again()
	}
	a()
	c()
	if release, made := use("c", two); made {
		t.Error("an entry within the bound was given up")
	} else {
		release()
	}
	if release, made := use("b", two); !made || roots() != 2 {
		t.Errorf("what was used longest ago was kept; %d roots", roots())
	} else {
		release()
	}
	small, _ := use("c", 10)
	if roots() != 1 {
		t.Errorf("%d roots beside one in use, over the bound", roots()-1)
	}
	touched := filepath.Join(cache, strings.TrimPrefix(string(manifest.DigestOf([]byte("c"))), "sha256:")+fmt.Sprintf("-%d", shapeVersion), "root/file")
	if err := os.WriteFile(touched, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cachedRoot(t.Context(), cache, two, manifest.DigestOf([]byte("c")), nil); err == nil || !strings.Contains(err.Error(), "was touched") {
		t.Errorf("an entry that another run uses and that was touched: %v", err)
	}
	small()
	if roots() != 0 {
		t.Error("an entry over the bound stayed when nobody used it any more")
	}
}

func TestRunsThatStartAtOnce(t *testing.T) {
	im := catStep.build(t)
	cache := filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = sandbox.Remove(cache) })
	var g errgroup.Group
	for range 4 {
		o := options(t)
		o.Layers, o.NoCache, o.Cache = LayersExtract, false, cache
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
	e := experiment{
		code: map[string]string{"paper/in.txt": "1\n", "paper/b.txt": "stale\n"},
		steps: []manifest.Step{
			sh("a", "cat in.txt > a.txt; echo x > /tmp/x", "/paper/a.txt"),
			sh("aside", "ls /tmp > tmp.txt", "/paper/tmp.txt"),
			after(sh("b", "test ! -e b.txt; cat a.txt > b.txt", "/paper/b.txt"), "a"),
		},
		published: map[string]string{"b.txt": "1\n", "tmp.txt": "home\n"},
	}
	o := options(t)
	o.copyRoot = true
	report, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if report.Counts.Reproduced != 2 || len(report.Isolation.Notes) == 0 {
		t.Errorf("%+v %+v", report.Counts, report.Isolation)
	}
}
