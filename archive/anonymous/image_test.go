package anonymous

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

const recipeText = `repro: 1
title: Sums
authors: [{name: Ada Lovelace, email: ada.l@example.org}]
doi: 10.1000/1
date: 2026-01-01
environment: {host: [sh]}
code: [a.sh]
steps: [{name: a, command: [sh, a.sh]}]
`

// named makes an image of Ada's with further files in the environment, as code
// and as published results.
func named(t *testing.T, env, code, published map[string]string) *format.Image {
	t.Helper()
	layer := func(files map[string]string) *tree.Node {
		root := tree.NewDir()
		for name, content := range files {
			if err := root.Put(name, tree.NewFile(0o644, []byte(content))); err != nil {
				t.Fatal(err)
			}
		}
		return root
	}
	env[".singularity.d/labels.json"] = `{"author": "Ada Lovelace"}`
	env[".singularity.d/runscript"] = "#!/bin/sh\n"
	name := filepath.Join(t.TempDir(), "ada.sif")
	_, err := format.Create(context.Background(), name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64",
			Paper: manifest.Paper{Title: "Sums", Date: "2026-01-01T00:00:00Z", DOI: "10.1000/1", Licence: "MIT",
				Authors: []manifest.Author{{Name: "Ada Lovelace", Email: "ada.l@example.org"}}},
			Environment: manifest.Environment{Kind: "rootfs", Source: "/home/ada/root"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}}, Results: []manifest.Result{},
		},
		Recipe: []byte(recipeText), Inspect: []byte(`{"author": "Ada Lovelace"}`),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: layer(env)},
			{Name: "code", Role: manifest.RoleLayer, Tree: layer(code)},
			{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: layer(published)},
		},
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

// TestImage: the image has the same files, and nobody's name.
func TestImage(t *testing.T) {
	im := named(t, map[string]string{"bin/sh": "a shell by Ada Lovelace"}, map[string]string{"paper/a.sh": "true\n"}, map[string]string{"t.csv": "1\n"})
	dir := t.TempDir()
	made, remove, err := Image(t.Context(), im, filepath.Join(dir, "out"), Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := made.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Paper.Authors) != 1 || m.Paper.Authors[0] != (manifest.Author{Name: "Anonymous"}) || m.Paper.DOI != "" || m.Environment.Source != "" || m.Paper.Title != "Sums" {
		t.Errorf("%+v %+v", m.Paper, m.Environment)
	}
	b, err := os.ReadFile(made.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range made.Objects() {
		if o.Type == format.DataSignature {
			t.Error("it carries a signature")
		}
		for _, word := range []string{"Lovelace", "ada.l@", "10.1000/1", "/home/ada"} {
			if o.Name != format.EnvironmentName && strings.Contains(string(b[o.Offset:o.Offset+o.Size]), word) { // the shell is another's
				t.Errorf("object %q says %s", o.Name, word)
			}
		}
	}
	root, err := made.Root()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{".singularity.d/labels.json": "{}\n", ".singularity.d/runscript": "#!/bin/sh\n", "paper/a.sh": "true\n", "bin/sh": "a shell by Ada Lovelace"} {
		n := root.Lookup(name)
		if n == nil {
			t.Errorf("%s is gone", name)
			continue
		}
		r, err := n.Content()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, n.Size)
		if _, err := r.Read(b); err != nil && n.Size > 0 || string(b) != want {
			t.Errorf("%s: %q, want %q", name, b, want)
		}
		r.Close()
	}
	remove()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPlaces names every place where an author is, and makes nothing.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		env, code, published map[string]string
		want                 []string
	}{
		"code":             {nil, map[string]string{"paper/a.sh": "# by Ada LOVELACE"}, nil, []string{`/paper/a.sh: says "ada lovelace"`, `/paper/a.sh: says "lovelace"`}},
		"name of a file":   {nil, map[string]string{"paper/lovelace.sh": ""}, nil, []string{`name of /paper/lovelace.sh: says "lovelace"`}},
		"result":           {nil, nil, map[string]string{"t.csv": "ada.l@example.org"}, []string{`/t.csv: says "ada.l@example.org"`, `/t.csv: says "ada.l"`}},
		"mail in a system": {map[string]string{"etc/mail": "ada.l@example.org"}, nil, nil, []string{`/etc/mail: says "ada.l@example.org"`}},
		"name in a system": {map[string]string{"usr/lovelace": "Lovelace, ada.l"}, nil, nil, nil},
	} {
		env, code := map[string]string{"bin/sh": "x"}, map[string]string{"paper/b": "x"}
		for k, v := range c.env {
			env[k] = v
		}
		for k, v := range c.code {
			code[k] = v
		}
		published := c.published
		if published == nil {
			published = map[string]string{"t.csv": "1"}
		}
		dir := t.TempDir()
		_, remove, err := Image(t.Context(), named(t, env, code, published), filepath.Join(dir, "out"), Options{})
		var found *Error
		if (err != nil) != errors.As(err, &found) {
			t.Fatalf("%s: %v", name, err)
		}
		if err == nil {
			remove()
			found = &Error{}
		}
		var got []string
		for _, p := range found.Places {
			place, _, _ := strings.Cut(p, ", which")
			got = append(got, place)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Image(ctx, named(t, map[string]string{}, map[string]string{"paper/a": ""}, map[string]string{"t": "1"}), filepath.Join(t.TempDir(), "out"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}
