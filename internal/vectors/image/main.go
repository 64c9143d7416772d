// Command image writes testdata/vectors/image: SIF files with one defect each,
// named for it, that every reader of images must refuse, and vectors.json,
// which says of each file how it must be refused.
//
//	go run ./internal/vectors/image          # from valid.sif.gz, which is kept
//	go run ./internal/vectors/image -base    # makes valid.sif.gz anew, too
package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"

	"repro/internal/vectors/folder"
)

const (
	dir   = folder.Folder("testdata/vectors/image")
	valid = "valid.sif.gz"
)

func main() {
	base := flag.Bool("base", false, "make "+valid+" anew")
	flag.Parse()
	folder.Exit(write(*base))
}

func write(base bool) error {
	if base {
		b, err := makeBase()
		if err != nil {
			return err
		}
		if err := dir.Write(map[string][]byte{valid: b}); err != nil {
			return err
		}
	}
	b, err := dir.Read(valid)
	if err != nil {
		return err
	}
	files, err := generate(b)
	if err != nil {
		return err
	}
	return dir.Write(files)
}

// generate returns all files but the valid image, by their names.
func generate(base []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, v := range vectors {
		files[v.Name+".sif.gz"] = v.edit(base)
	}
	list, err := marshalIndex(base)
	files[folder.Index] = list
	return files, err
}

// marshalIndex returns vectors.json, which also states the content id of the
// valid image, for those who compute it by themselves.
func marshalIndex(base []byte) ([]byte, error) {
	im, err := format.New(bytes.NewReader(base), int64(len(base)), valid)
	if err != nil {
		return nil, err
	}
	id, err := im.ContentID()
	if err != nil {
		return nil, err
	}
	type image struct {
		Name      string          `json:"name"`
		ContentID manifest.Digest `json:"contentId"`
	}
	return folder.List(struct {
		Valid   image    `json:"valid"`
		Vectors []vector `json:"vectors"`
	}{image{"valid", id}, vectors}, "  ")
}

// makeBase makes the image that all others are edits of: four small layers, a
// signature and an attestation (neither of them by any key).
func makeBase() ([]byte, error) {
	temp, err := os.MkdirTemp("", "vectors")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	name := filepath.Join(temp, "valid.sif")
	ctx := context.Background()
	if _, err := format.Create(ctx, name, spec()); err != nil {
		return nil, err
	}
	for _, o := range []format.NewObject{
		{Data: []byte("in the place of a signature\n")},
		{Data: []byte("in the place of an attestation\n"), Attestation: true},
	} {
		if err := format.Append(ctx, name, o); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(name)
}

func spec() format.Spec {
	layer := func(name string, role manifest.Role, file, content string) format.LayerSpec {
		root := tree.NewDir()
		if err := root.Put(file, tree.NewFile(0o644, []byte(content))); err != nil {
			panic(err) // the names are those below
		}
		return format.LayerSpec{Name: name, Role: role, Tree: root}
	}
	return format.Spec{
		Manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "Vector", Authors: []manifest.Author{{Name: "Ada Lovelace"}}, Date: "2026-11-23T12:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "rootfs"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"/bin/run"}, Dir: "/paper"}},
			Results:     []manifest.Result{},
		},
		Recipe:  []byte("title: Vector\n"),
		Inspect: []byte("{\"data\":{\"attributes\":{}},\"type\":\"container\"}\n"),
		Layers: []format.LayerSpec{
			layer("environment", manifest.RoleLayer, "bin/run", "run"),
			layer("code", manifest.RoleLayer, "paper/code.txt", "code"),
			layer("data", manifest.RoleLayer, "paper/data.txt", "data"),
			layer("published", manifest.RoleHidden, "result.txt", "result"),
		},
	}
}
