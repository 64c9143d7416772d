// Command attack writes testdata/vectors/attack: signed images with one
// alteration each, named for it, as they have been tried on SIF files, the keys
// that signed them, and vectors.json, which says of each file how it is to be
// verified and what a verifier must answer.
//
//	go run ./internal/vectors/attack          # with the keys, which are kept
//	go run ./internal/vectors/attack -base    # makes the keys anew, too
//
// The keys are for this purpose only. Signatures are by Ed25519 and of one
// time, so that the program writes the same files each time.
package main

import (
	"context"
	"flag"
	"time"

	"repro/internal/vectors/folder"
	"repro/key"
)

const dir = folder.Folder("testdata/vectors/attack")

// The times in the vectors.
var (
	born   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // keys are made
	signed = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // images are verified
)

// people have a key each: Alice made the image, Mallory would like to have.
var people = []folder.Person{{Name: "alice", Kind: key.OpenPGP}, {Name: "mallory", Kind: key.OpenPGP}}

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
	files, err := generate(context.Background())
	if err != nil {
		return err
	}
	return dir.Write(files)
}

// generate returns all files but the private keys, by their names.
func generate(ctx context.Context) (map[string][]byte, error) {
	files, keys := map[string][]byte{}, map[string]*key.Private{}
	for _, p := range people {
		k, err := dir.Key(p.Name)
		if err != nil {
			return nil, err
		}
		if files[p.Name+".pub"], err = k.Public().Encode(); err != nil {
			return nil, err
		}
		keys[p.Name] = k
	}
	im, err := makeImages(ctx, keys["alice"], keys["mallory"])
	if err != nil {
		return nil, err
	}
	files[byAlice], files[byMallory], files[ofOther] = im.detached, im.detachedByMallory, im.detachedOfOther
	for _, v := range vectors {
		files[v.File] = v.make(im)
	}
	files[folder.Index], err = folder.List(vectors, "  ")
	return files, err
}
