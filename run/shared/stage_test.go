package shared

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

func testImage(t *testing.T) *format.Image {
	t.Helper()
	root := tree.NewDir()
	if err := root.Put("usr/file", tree.NewFile(0o644, []byte(strings.Repeat("x", 100_000)))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	m := manifest.Manifest{
		Version: manifest.Version, Arch: runtime.GOARCH, Environment: manifest.Environment{Kind: "host"},
		Paper: manifest.Paper{Title: "A test", Authors: []manifest.Author{{Name: "A. Uthor"}}, Date: "2024-05-06T07:08:09Z"},
		Steps: []manifest.Step{{Name: "s", Command: []string{"true"}, Dir: "/", Outputs: []string{}}}, Results: []manifest.Result{},
	}
	if _, err := format.Create(t.Context(), name, format.Spec{Manifest: m, Recipe: []byte("title: A test\n"), Inspect: []byte("{}"), Layers: []format.LayerSpec{
		{Name: "environment", Role: manifest.RoleLayer, Tree: root}}}); err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

func TestStage(t *testing.T) {
	im := testImage(t)
	dir := filepath.Join(t.TempDir(), "stage")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			staged, err := Stage(t.Context(), im, dir, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer staged.Close()
			a, errA := im.ContentID()
			b, errB := staged.ContentID()
			if errA != nil || errB != nil || a != b || filepath.Dir(staged.Name()) != dir {
				t.Errorf("%s: %s, want %s", staged.Name(), b, a)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	name := filepath.Join(dir, entries[0].Name())
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Stage(t.Context(), im, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if after, err := os.Stat(name); err != nil || !os.SameFile(before, after) {
		t.Errorf("copied again: %v", err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{"half a copy": b[:len(b)/2], "another file": []byte("x"), "a header that was changed": append([]byte("y"), b[1:]...)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Stage(t.Context(), im, dir, nil); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Stage(t.Context(), im, file, nil); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file as folder: %v", err)
	}
}
