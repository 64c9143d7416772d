// Command attestation writes testdata/vectors/attestation: bundles, images that
// hold bundles, and policies, with one defect each, named for it, and
// vectors.json, which says what a verifier must answer.
//
//	go run ./internal/vectors/attestation          # with the keys, which are kept
//	go run ./internal/vectors/attestation -base    # makes the keys anew, too
//
// The keys are for this purpose only. All sign by Ed25519 and as of one time, so
// that the program writes the same files each time.
package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"repro/internal/vectors/folder"
	"repro/key"
)

const dir = folder.Folder("testdata/vectors/attestation")

// The times in the vectors.
var (
	born = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // keys are made
	made = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC) // images are signed, statements made
	now  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // images are verified
)

// people have a key each.
var people = []folder.Person{
	{Name: "alice", Kind: key.OpenPGP},                                     // the author
	{Name: "bob", Kind: key.PEM},                                           // a reviewer
	{Name: "carol", Kind: key.OpenPGP},                                     // another
	{Name: "mallory", Kind: key.PEM},                                       // nobody's
	{Name: "expired", Kind: key.OpenPGP, Lifetime: 30 * 24 * time.Hour},    // before anything was signed
	{Name: "later", Kind: key.OpenPGP, Lifetime: 2 * 365 * 24 * time.Hour}, // expired after that
	{Name: "compromised", Kind: key.OpenPGP},
}

// revocations says why keys are revoked.
var revocations = map[string]key.Reason{"compromised": key.Compromised}

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

// readKeys reads the private keys, and makes the files of the public ones.
func readKeys(files map[string][]byte) (map[string]*key.Private, error) {
	keys := map[string]*key.Private{}
	for _, p := range people {
		k, err := dir.Key(p.Name)
		if err != nil {
			return nil, err
		}
		pub := k.Public()
		if why := revocations[p.Name]; why != "" {
			cert, err := k.Revoke(why, "", made.AddDate(1, 0, 0))
			if err != nil {
				return nil, err
			}
			if pub, err = pub.Revoked(cert); err != nil {
				return nil, err
			}
		}
		if files[p.Name+".pub"], err = pub.Encode(); err != nil {
			return nil, err
		}
		keys[p.Name] = k
	}
	return keys, nil
}

// generate returns all files but the private keys, by their names.
func generate(ctx context.Context) (map[string][]byte, error) {
	files := map[string][]byte{}
	keys, err := readKeys(files)
	if err != nil {
		return nil, err
	}
	b, err := newBase(ctx, keys)
	if err != nil {
		return nil, err
	}
	files[paper], files[former] = b.image, b.former
	for i, v := range vectors {
		out, err := v.make(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, err)
		}
		for name, content := range out.files {
			files[v.Name+"-"+name] = content
		}
		if out.image != nil {
			vectors[i].Image = v.Name + ".sif.gz"
			files[vectors[i].Image] = out.image
		}
		vectors[i].Detached = out.detached(v.Name)
		if out.policy != nil {
			vectors[i].Policy = v.Name + ".yaml"
			files[vectors[i].Policy] = out.policy
		}
	}
	files[folder.Index], err = folder.List(vectors, "  ")
	return files, err
}
