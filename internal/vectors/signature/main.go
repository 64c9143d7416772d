// Command signature writes testdata/vectors/signature: signature blocks over one
// payload, each with at most one defect and named for it, the keys that they
// are checked with, and vectors.json, which says of each block which status a
// verifier must give it.
//
//	go run ./internal/vectors/signature          # from the keys, which are kept
//	go run ./internal/vectors/signature -base    # makes the keys anew, too
//
// The keys are for this purpose only. All signatures are by Ed25519, so that
// the program writes the same files each time.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"repro/key"
)

const (
	dir       = "testdata/vectors/signature"
	index     = "vectors.json"
	payload   = "payload"
	extension = ".block"
)

// The times in the vectors.
var (
	born   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // keys are made
	signed = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	later  = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // blocks are verified
)

func main() {
	base := flag.Bool("base", false, "make the keys anew")
	flag.Parse()
	if err := write(*base); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(base bool) error {
	if base {
		if err := writeKeys(); err != nil {
			return err
		}
	}
	files, err := generate()
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// The private keys: Alice and Bob have OpenPGP keys, that of Erin expires
// before the rest is done; Carol and Dave have PEM keys.
var people = map[string]struct {
	kind     key.Kind
	lifetime time.Duration
}{
	"alice": {key.OpenPGP, 0},
	"bob":   {key.OpenPGP, 0},
	"erin":  {key.OpenPGP, 2 * 366 * 24 * time.Hour},
	"carol": {key.PEM, 0},
	"dave":  {key.PEM, 0},
}

func writeKeys() error {
	for name, p := range people {
		k, err := key.New(p.kind, key.Options{Algorithm: key.Ed25519, Name: name, Time: born, Lifetime: p.lifetime})
		if err != nil {
			return err
		}
		b, err := k.Encode(nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".key"), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// generate returns all files but the private keys, by their names.
func generate() (map[string][]byte, error) {
	g := &generator{keys: map[string]*key.Private{}, files: map[string][]byte{payload: []byte(signedText)}}
	for name := range people {
		b, err := os.ReadFile(filepath.Join(dir, name+".key"))
		if err != nil {
			return nil, err
		}
		if g.keys[name], err = key.ParsePrivate(b, nil); err != nil {
			return nil, err
		}
		g.public(name, g.keys[name].Public())
	}
	g.revocations()
	for _, v := range vectors {
		g.files[v.Name+extension] = v.block(g)
	}
	b, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		return nil, err
	}
	g.files[index] = append(b, '\n')
	return g.files, g.err
}
