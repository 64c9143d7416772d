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
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"repro/key"
)

const (
	dir   = "testdata/vectors/attack"
	index = "vectors.json"
)

// The times in the vectors.
var (
	born   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // keys are made
	signed = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // images are verified
)

// people have a key each: Alice made the image, Mallory would like to have.
var people = []string{"alice", "mallory"}

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
	files, err := generate(context.Background())
	if err != nil {
		return err
	}
	for name, content := range files {
		if filepath.Ext(name) == ".gz" {
			if content, err = pack(content); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func writeKeys() error {
	for _, name := range people {
		k, err := key.New(key.OpenPGP, key.Options{Algorithm: key.Ed25519, Name: name, Time: born})
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

// generate returns all files but the private keys, by their names; those whose
// names end in .gz as they are before they are packed.
func generate(ctx context.Context) (map[string][]byte, error) {
	files, keys := map[string][]byte{}, map[string]*key.Private{}
	for _, name := range people {
		b, err := os.ReadFile(filepath.Join(dir, name+".key"))
		if err != nil {
			return nil, err
		}
		if keys[name], err = key.ParsePrivate(b, nil); err != nil {
			return nil, err
		}
		if files[name+".pub"], err = keys[name].Public().Encode(); err != nil {
			return nil, err
		}
	}
	im, err := makeImages(ctx, keys["alice"], keys["mallory"])
	if err != nil {
		return nil, err
	}
	files[byAlice], files[byMallory], files[ofOther] = im.detached, im.detachedByMallory, im.detachedOfOther
	for _, v := range vectors {
		files[v.File] = v.make(im)
	}
	b, err := json.MarshalIndent(vectors, "", "  ")
	files[index] = append(b, '\n')
	return files, err
}

func pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}
