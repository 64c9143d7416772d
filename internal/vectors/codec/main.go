// Command codec writes testdata/vectors/codec: what the codec zstd-2/repro-4
// makes of inputs that show one clause each, and vectors.json, which says of
// each what it shows. The inputs are what the files decode to.
//
//	go run ./internal/vectors/codec
package main

import (
	"repro/internal/codec"

	"repro/internal/vectors/folder"
)

const (
	dir  = folder.Folder("testdata/vectors/codec")
	name = "zstd-2/repro-4"
)

// entry is what the index says of a vector.
type entry struct {
	vector
	Blocks []string `json:"blocks"`
}

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
	c, err := codec.Find(name)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	var entries []entry
	for _, v := range vectors {
		e, err := c.NewEncoder(1 << 20)
		if err != nil {
			return nil, err
		}
		if out[v.Name+".zst"], err = e.Encode(nil, v.input()); err != nil {
			return nil, err
		}
		entries = append(entries, entry{v, describe(out[v.Name+".zst"])})
	}
	var list []byte
	list, err = folder.List(entries, "  ")
	out[folder.Index] = list
	return out, err
}
