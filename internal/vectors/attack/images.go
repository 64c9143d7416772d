package main

import (
	"context"
	"os"
	"path/filepath"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/key"
	"repro/sign"
)

// images are what the vectors are made of.
type images struct {
	good   []byte // signed by Alice
	theirs []byte // the same, signed by Mallory
	bare   []byte // the same, unsigned
	other  []byte // with another content, signed by Mallory

	detached, detachedByMallory []byte // signatures of bare
	detachedOfOther             []byte // Alice's signature of an image with the other content

	alice   *key.Private
	results []byte // unsigned, with a result and its published file
}

func makeImages(ctx context.Context, alice, mallory *key.Private) (*images, error) {
	temp, err := os.MkdirTemp("", "vectors")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	name := filepath.Join(temp, "paper.sif")
	im := &images{alice: alice}
	if im.results, err = makeImage(ctx, name, "", nil); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		out     *[]byte
		content string
		signer  *key.Private
	}{
		{&im.bare, "not really a shell", nil},
		{&im.good, "not really a shell", alice},
		{&im.theirs, "not really a shell", mallory},
		{&im.other, "another shell", mallory},
	} {
		if *m.out, err = makeImage(ctx, name, m.content, m.signer); err != nil {
			return nil, err
		}
	}
	for _, m := range []struct {
		out     *[]byte
		content string
		signer  *key.Private
	}{
		{&im.detached, "not really a shell", alice},
		{&im.detachedByMallory, "not really a shell", mallory},
		{&im.detachedOfOther, "another shell", alice},
	} {
		if *m.out, err = detach(ctx, name, m.content, m.signer); err != nil {
			return nil, err
		}
	}
	return im, nil
}

// makeImage makes the image name anew and returns what it holds. Its slots are
// listed in edit.go.
func makeImage(ctx context.Context, name, content string, signer *key.Private) ([]byte, error) {
	if err := os.RemoveAll(name); err != nil {
		return nil, err
	}
	env, code := tree.NewDir(), tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, []byte(content))); err != nil {
		return nil, err
	}
	if err := code.Put("paper/a.sh", tree.NewFile(0o644, []byte("true\n"))); err != nil {
		return nil, err
	}
	spec := format.Spec{
		Manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "A"}}, Date: "2021-01-01T00:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}},
			Results:     []manifest.Result{},
		},
		Recipe:  []byte("title: T\n"),
		Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
		},
	}
	if content == "" {
		published := tree.NewDir()
		if err := published.Put("out.txt", tree.NewFile(0o644, []byte("10\n"))); err != nil {
			return nil, err
		}
		spec.Layers = append(spec.Layers, format.LayerSpec{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: published})
		spec.Manifest.Steps[0].Outputs = []string{"/paper/out.txt"}
		spec.Manifest.Results = []manifest.Result{{Name: "out", Output: "/paper/out.txt", Published: "out.txt"}}
	}
	if _, err := format.Create(ctx, name, spec); err != nil {
		return nil, err
	}
	if signer != nil {
		if _, err := sign.Image(ctx, name, signer, sign.Options{Time: signed}); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(name)
}

// detach returns a signature of an image that is kept outside of it.
func detach(ctx context.Context, name, content string, signer *key.Private) ([]byte, error) {
	if _, err := makeImage(ctx, name, content, nil); err != nil {
		return nil, err
	}
	im, err := format.Open(name)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	r, err := sign.Detached(ctx, im, signer, sign.Options{Time: signed})
	if err != nil {
		return nil, err
	}
	return r.Block, nil
}
