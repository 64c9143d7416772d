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
	"flag"
	"time"

	"repro/internal/vectors/folder"
	"repro/key"
)

const (
	dir       = folder.Folder("testdata/vectors/signature")
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

// The private keys: Alice and Bob have OpenPGP keys, that of Erin expires
// before the rest is done; Carol and Dave have PEM keys.
var people = []folder.Person{
	{Name: "alice", Kind: key.OpenPGP}, {Name: "bob", Kind: key.OpenPGP},
	{Name: "erin", Kind: key.OpenPGP, Lifetime: 2 * 366 * 24 * time.Hour},
	{Name: "carol", Kind: key.PEM}, {Name: "dave", Kind: key.PEM},
}

func main() {
	base := flag.Bool("base", false, "make the keys anew")
	flag.Parse()
	folder.Exit(write(*base))
}

func write(base bool) error {
	if base {
		if err := dir.WriteKeys(born, people...); err != nil {
			return err
		}
	}
	files, err := generate()
	if err != nil {
		return err
	}
	return dir.Write(files)
}

// generate returns all files but the private keys, by their names.
func generate() (map[string][]byte, error) {
	g := &generator{keys: map[string]*key.Private{}, files: map[string][]byte{payload: []byte(signedText)}}
	for _, p := range people {
		k, err := dir.Key(p.Name)
		if err != nil {
			return nil, err
		}
		g.keys[p.Name] = k
		g.public(p.Name, k.Public())
	}
	g.revocations()
	for _, v := range vectors {
		g.files[v.Name+extension] = v.block(g)
	}
	var err error
	if g.files[folder.Index], err = folder.List(vectors, "  "); err != nil {
		return nil, err
	}
	return g.files, g.err
}
