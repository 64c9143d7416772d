// Command image writes testdata/vectors/image: SIF files with one defect each,
// named for it, that every reader of images must refuse, and vectors.json,
// which says of each file how it must be refused.
//
//	go run ./internal/vectors/image          # from valid.sif.gz, which is kept
//	go run ./internal/vectors/image -base    # makes valid.sif.gz anew, too
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

const (
	dir   = "testdata/vectors/image"
	valid = "valid.sif.gz"
	index = "vectors.json"
)

func main() {
	base := flag.Bool("base", false, "make "+valid+" anew")
	flag.Parse()
	if err := write(*base); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(base bool) error {
	if base {
		b, err := makeBase()
		if err != nil {
			return err
		}
		if err := store(filepath.Join(dir, valid), b); err != nil {
			return err
		}
	}
	b, err := load(filepath.Join(dir, valid))
	if err != nil {
		return err
	}
	for _, v := range vectors {
		if err := store(filepath.Join(dir, v.Name+".sif.gz"), v.edit(b)); err != nil {
			return err
		}
	}
	list, err := marshalIndex(b)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, index), list, 0o666)
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
	b, err := json.MarshalIndent(struct {
		Valid   image    `json:"valid"`
		Vectors []vector `json:"vectors"`
	}{image{"valid", id}, vectors}, "", "  ")
	return append(b, '\n'), err
}

func store(name string, b []byte) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, out.Bytes(), 0o666)
}

func load(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
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
