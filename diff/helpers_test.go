package diff

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/codec"
	"repro/report"
)

// layerSpec is a layer by the contents of its files.
type layerSpec struct {
	name  string
	files map[string]string
}

// spec is an image for the tests; each changes what it is about.
type spec struct {
	manifest  manifest.Manifest
	recipe    string
	codec     string
	blockSize int
	layers    []layerSpec
}

func plainSpec() spec {
	return spec{
		manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "fit", Command: []string{"sh", "fit.sh"}, Dir: "/paper"}},
			Results:     []manifest.Result{},
		},
		recipe: "title: T\n",
		layers: []layerSpec{
			{format.EnvironmentName, map[string]string{"bin/sh": "not really a shell"}},
			{"code", map[string]string{"paper/fit.sh": "true\n", "paper/table.csv": "name,value\npi,3.1416\n"}},
			{"data", map[string]string{"paper/in.txt": "1 2 3\n"}},
		},
	}
}

// open makes the image that s describes and opens it.
func open(t testing.TB, s spec) *format.Image {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.sif")
	f := format.Spec{
		Manifest: s.manifest, Recipe: []byte(s.recipe), Inspect: []byte("{}\n"), Codec: s.codec, BlockSize: s.blockSize,
	}
	for _, l := range s.layers {
		root := tree.NewDir()
		for file, content := range l.files {
			if err := root.Put(file, tree.NewFile(0o644, []byte(content))); err != nil {
				t.Fatal(err)
			}
		}
		f.Layers = append(f.Layers, format.LayerSpec{Name: l.name, Role: manifest.RoleLayer, Tree: root})
	}
	if _, err := format.Create(context.Background(), name, f); err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

func images(t testing.TB, a, b spec, o Options) *report.Diff {
	t.Helper()
	r, err := Images(context.Background(), open(t, a), open(t, b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// differTo is for comparing trees and values without images.
func differTo(limit int) *differ {
	return &differ{ctx: context.Background(), o: Options{Limit: limit}, report: &report.Diff{}}
}

func file(content string) *tree.Node { return tree.NewFile(0o644, []byte(content)) }

// folder is a tree with the given files and folders.
func folder(t testing.TB, entries map[string]*tree.Node) *tree.Node {
	t.Helper()
	root := tree.NewDir()
	for name, n := range entries {
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }

// otherCodec names a codec that is not the default.
func otherCodec(t testing.TB) string {
	t.Helper()
	c, err := codec.Find("gzip")
	if err != nil {
		t.Fatal(err)
	}
	return c.Name()
}
