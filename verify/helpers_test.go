package verify_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
)

var (
	ctx  = context.Background()
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func newKey(t testing.TB, kind key.Kind, name string) *key.Private {
	t.Helper()
	alg := key.Ed25519
	if kind == key.PEM {
		alg = key.ECDSAP256
	}
	k, err := key.New(kind, key.Options{Algorithm: alg, Name: name, Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// image makes an image whose environment layer holds content.
func image(t testing.TB, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.sif")
	if err := create(name, content); err != nil {
		t.Fatal(err)
	}
	return name
}

func create(name, content string) error {
	env, code := tree.NewDir(), tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, []byte(content))); err != nil {
		return err
	}
	if err := code.Put("paper/a.sh", tree.NewFile(0o644, []byte("true\n"))); err != nil {
		return err
	}
	_, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}},
			Results:     []manifest.Result{},
		},
		Recipe:  []byte("title: T\n"),
		Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
		},
	})
	return err
}

// exampleImage makes an image that Alice signed.
func exampleImage() (name string, alice *key.Public, remove func()) {
	dir, err := os.MkdirTemp("", "repro-example")
	if err != nil {
		log.Fatal(err)
	}
	name = filepath.Join(dir, "paper.sif")
	if err := create(name, "not really a shell"); err != nil {
		log.Fatal(err)
	}
	k, err := key.New(key.OpenPGP, key.Options{Name: "Alice"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := sign.Image(ctx, name, k, sign.Options{}); err != nil {
		log.Fatal(err)
	}
	return name, k.Public(), func() { os.RemoveAll(dir) }
}

// signedBy returns the bytes of an image that keys signed one after the other.
func signedBy(t testing.TB, keys ...*key.Private) []byte {
	t.Helper()
	name := image(t, "not really a shell")
	for _, k := range keys {
		if _, err := sign.Image(ctx, name, k, sign.Options{Time: made}); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, name)
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func trusting(keys ...*key.Private) verify.Trust {
	var t verify.Trust
	for _, k := range keys {
		t.Keys = append(t.Keys, k.Public())
	}
	return t
}

// run verifies the file b. A file that cannot even be opened gives no report.
func run(b []byte, t verify.Trust, o verify.Options) (*report.Verify, error) {
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "paper.sif")
	if err != nil {
		return &report.Verify{Verdict: report.ImageMalformed}, err
	}
	return verify.Image(ctx, im, t, o)
}

// statuses lists the statuses of the signatures in a report.
func statuses(r *report.Verify) (list []string) {
	for _, s := range r.Signatures {
		list = append(list, s.Status)
	}
	return list
}

// SIF fields, for those who tamper with them.
const (
	headerUUID     = 48
	headerModified = 72
	descriptorSize = 585

	offset, size, padded, created = 17, 25, 33, 41
	modified, uid, name, extra    = 49, 57, 73, 201
)

// slot returns where the descriptor of slot n (from 1) stands.
func slot(n int) int { return 4096 + (n-1)*descriptorSize }

func get64(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint64(b[at:])) }

// object returns the bytes of the object in slot n.
func object(b []byte, n int) []byte {
	from := get64(b, slot(n)+offset)
	return b[from : from+get64(b, slot(n)+size)]
}
