// Command codec writes testdata/vectors/codec: what the codec zstd-2/repro-4
// makes of inputs that show one clause each, and vectors.json, which says of
// each what it shows. The inputs are what the files decode to.
//
//	go run ./internal/vectors/codec
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"repro/internal/codec"
)

const (
	dir   = "testdata/vectors/codec"
	index = "vectors.json"
	name  = "zstd-2/repro-4"
)

// entry is what the index says of a vector.
type entry struct {
	vector
	Blocks []string `json:"blocks"`
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	files, err := files()
	if err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			return err
		}
	}
	return nil
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
	list, err := json.MarshalIndent(entries, "", "  ")
	out[index] = append(list, '\n')
	return out, err
}
