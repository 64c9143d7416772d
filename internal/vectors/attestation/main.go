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
	dir   = "testdata/vectors/attestation"
	index = "vectors.json"
)

// The times in the vectors.
var (
	born = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // keys are made
	made = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC) // images are signed, statements made
	now  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // images are verified
)

// people have a key each.
var people = []struct {
	name     string
	kind     key.Kind
	lifetime time.Duration
	revoked  key.Reason
}{
	{"alice", key.OpenPGP, 0, ""},                        // the author
	{"bob", key.PEM, 0, ""},                              // a reviewer
	{"carol", key.OpenPGP, 0, ""},                        // another
	{"mallory", key.PEM, 0, ""},                          // nobody's
	{"expired", key.OpenPGP, 30 * 24 * time.Hour, ""},    // before anything was signed
	{"later", key.OpenPGP, 2 * 365 * 24 * time.Hour, ""}, // expired after that
	{"compromised", key.OpenPGP, 0, key.Compromised},     //
}

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
	for _, p := range people {
		k, err := key.New(p.kind, key.Options{Algorithm: key.Ed25519, Name: p.name, Time: born, Lifetime: p.lifetime})
		if err != nil {
			return err
		}
		b, err := k.Encode(nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, p.name+".key"), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// readKeys reads the private keys, and makes the files of the public ones.
func readKeys(files map[string][]byte) (map[string]*key.Private, error) {
	keys := map[string]*key.Private{}
	for _, p := range people {
		b, err := os.ReadFile(filepath.Join(dir, p.name+".key"))
		if err != nil {
			return nil, err
		}
		k, err := key.ParsePrivate(b, nil)
		if err != nil {
			return nil, err
		}
		pub := k.Public()
		if p.revoked != "" {
			cert, err := k.Revoke(p.revoked, "", made.AddDate(1, 0, 0))
			if err != nil {
				return nil, err
			}
			if pub, err = pub.Revoked(cert); err != nil {
				return nil, err
			}
		}
		if files[p.name+".pub"], err = pub.Encode(); err != nil {
			return nil, err
		}
		keys[p.name] = k
	}
	return keys, nil
}

// generate returns all files but the private keys, by their names; those whose
// names end in .gz as they are before they are packed.
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
	list, err := json.MarshalIndent(vectors, "", "  ")
	files[index] = append(list, '\n')
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
