package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// sampleSpec describes a small image with every kind of layer.
func sampleSpec() format.Spec {
	env := tree.NewDir()
	put(env, "bin/sh", tree.NewFile(0o755, []byte("#!not really\n")))
	put(env, "etc/passwd", tree.NewFile(0o644, []byte("root:x:0:0::/:/bin/sh\n")))
	put(env, "lib", tree.NewSymlink("usr/lib"))
	code := tree.NewDir()
	put(code, "paper/analysis.py", tree.NewFile(0o644, []byte("print(1/3)\n")))
	data := tree.NewDir()
	put(data, "paper/data.csv", tree.NewFile(0o644, bytes.Repeat([]byte("1.5,2.5\n"), 3000)))
	published := tree.NewDir()
	put(published, "result.txt", tree.NewFile(0o644, []byte("0.3333\n")))
	return format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version,
			Paper: manifest.Paper{
				Title:   "A sample",
				Authors: []manifest.Author{{Name: "Ada Lovelace"}},
				Date:    "2026-11-23T12:00:00Z",
			},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"sh", "-c", "true"}, Dir: "/paper"}},
			Results:     []manifest.Result{},
		},
		Recipe:  []byte("title: A sample\n"),
		Inspect: []byte(`{"data":{"attributes":{}},"type":"container"}` + "\n"),
		Layers: []format.LayerSpec{
			{Name: "environment", Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
			{Name: "data", Role: manifest.RoleLayer, Tree: data},
			{Name: "published", Role: manifest.RoleHidden, Tree: published},
		},
	}
}

func put(root *tree.Node, name string, n *tree.Node) {
	if err := root.Put(name, n); err != nil {
		panic(err)
	}
}

// create makes an image in a folder of its own and returns its name.
func create(t testing.TB, s format.Spec) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.sif")
	if _, err := format.Create(context.Background(), name, s); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t testing.TB, name string) *format.Image {
	t.Helper()
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCreateThenOpen(t *testing.T) {
	ctx := context.Background()
	name := filepath.Join(t.TempDir(), "paper.sif")
	made, err := format.Create(ctx, name, sampleSpec())
	if err != nil {
		t.Fatal(err)
	}
	im := open(t, name)
	for _, p := range im.Layout() {
		t.Error(p)
	}
	m, err := im.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := marshal(t, made), marshal(t, m); !bytes.Equal(a, b) {
		t.Errorf("Create returned\n%s\nthe image holds\n%s", a, b)
	}
	for _, classic := range []bool{false, true} {
		statuses, err := im.Check(ctx, format.CheckOptions{Classic: classic})
		if err != nil {
			t.Fatal(err)
		}
		if len(statuses) != 1+len(m.Objects) {
			t.Errorf("%d statuses for %d objects", len(statuses), 1+len(m.Objects))
		}
		for _, s := range statuses {
			if !s.Intact {
				t.Errorf("%+v", s)
			}
		}
	}
	if _, err := im.Root(); err != nil {
		t.Error(err)
	}
	if _, err := im.Published(); err != nil {
		t.Error(err)
	}
	if _, err := im.Primary(); err != nil {
		t.Error(err)
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := manifest.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSlots states the order of objects once more, in plain sight.
func TestSlots(t *testing.T) {
	im := open(t, create(t, sampleSpec()))
	want := []string{
		"1 json manifest.json", "2 generic repro.yaml", "3 json inspect-metadata.json",
		"4 partition environment primary system", "5 generic environment.verity",
		"6 partition code overlay", "7 generic code.verity",
		"8 partition data overlay", "9 generic data.verity",
		"10 partition published data", "11 generic published.verity",
	}
	for i, o := range im.Objects() {
		got := fmt.Sprint(o.ID, " ", o.Type, " ", o.Name)
		if p, ok := o.Partition(); ok {
			got += " " + p.Type.String()
		}
		if i >= len(want) || got != want[i] {
			t.Errorf("slot %d: %s", i+1, got)
		}
		if o.Offset%4096 != 0 || o.Group != 1 {
			t.Errorf("slot %d: offset %d, group %d", i+1, o.Offset, o.Group)
		}
	}
	if h := im.Header(); h.UUID[6]>>4 != 8 || h.UUID[8]>>6 != 2 {
		t.Errorf("UUID %x is not of version 8", h.UUID)
	}
}

func checkIs(t *testing.T, want error, f func() error) {
	t.Helper()
	if err := f(); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
