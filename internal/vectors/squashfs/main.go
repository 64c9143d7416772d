// Command squashfs writes testdata/vectors/squashfs: file systems with one
// defect each, named for it, that every reader of layers must refuse, and
// vectors.json, which says of each what is wrong.
//
//	go run ./internal/vectors/squashfs
package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"repro/format/squashfs"
	"repro/format/tree"

	"repro/internal/vectors/folder"
)

const (
	dir = folder.Folder("testdata/vectors/squashfs")
)

func main() { folder.Exit(write()) }

func write() error {
	files, err := files()
	if err != nil {
		return err
	}
	return dir.Write(files)
}

// files returns what stands in the directory, by name.
func files() (map[string][]byte, error) {
	base, err := makeBase()
	if err != nil {
		return nil, err
	}
	large, err := makeLarge()
	if err != nil {
		return nil, err
	}
	list, err := folder.List(slices.Concat(vectors, secondMeanings, indexes), "  ")
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{folder.Index: list, "valid.squashfs": base, "valid-index.squashfs": large}
	for _, v := range slices.Concat(vectors, secondMeanings) {
		out[v.Name+".squashfs"] = v.edit(bytes.Clone(base))
	}
	for _, v := range indexes {
		out[v.Name+".squashfs"] = v.edit(bytes.Clone(large))
	}
	return out, nil
}

// output is a squashfs.Output in memory.
type output struct{ b []byte }

func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

func (o *output) WriteAt(p []byte, off int64) (int, error) { return copy(o.b[off:], p), nil }

// makeBase makes the file system that all others are edits of. Nothing in it is
// compressed, so that fields can be edited in place.
func makeBase() ([]byte, error) {
	root := tree.NewDir()
	var noise []byte // no block of it repeats anything, so it is stored as it is
	for i, x := 0, uint32(1); i < 5000; i++ {
		x = x*1664525 + 1013904223
		noise = append(noise, byte(x>>24))
	}
	content := tree.NewFile(0o644, noise)
	content.Xattrs = map[string][]byte{"user.x": []byte("y")}
	for name, n := range map[string]*tree.Node{"d/file": content, "link": tree.NewSymlink("d/file"), "d/e/empty": tree.NewFile(0o600, nil)} {
		if err := root.Put(name, n); err != nil {
			return nil, err
		}
	}
	var out output
	_, err := squashfs.Write(context.Background(), &out, root, squashfs.Options{Codec: "none", BlockSize: 4096, ModTime: 1_700_000_000})
	return out.b, err
}

// makeLarge makes a file system whose root has an index of two entries.
func makeLarge() ([]byte, error) {
	root := tree.NewDir()
	for i := range 180 {
		if err := root.Put(fmt.Sprintf("%03d%s", i, strings.Repeat("-", 100)), tree.NewFile(0o644, nil)); err != nil {
			return nil, err
		}
	}
	var out output
	_, err := squashfs.Write(context.Background(), &out, root, squashfs.Options{Codec: "none", BlockSize: 4096, ModTime: 1_700_000_000})
	return out.b, err
}
