package sign_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/key"
	"repro/sign"
	"repro/verify"
)

// TestMain is also the program that TestProcesses and TestCrash start.
func TestMain(m *testing.M) {
	if file := os.Getenv("SIGN_TEST_KEY"); file != "" {
		runtime.LockOSThread() // strace counts system calls by thread
		if err := signWith(file, os.Getenv("SIGN_TEST_IMAGE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func signWith(file, image string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	k, err := key.ParsePrivate(b, nil)
	if err != nil {
		return err
	}
	_, err = sign.Image(ctx, image, k, sign.Options{})
	return err
}

func newKey(t testing.TB, kind key.Kind, alg key.Algorithm, name string) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Algorithm: alg, Name: name, Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func image(t testing.TB) string {
	t.Helper()
	env := tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, bytes.Repeat([]byte("not really "), 20000))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
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
		Layers:  []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func signed(t testing.TB, name string, k *key.Private, o sign.Options) *sign.Result {
	t.Helper()
	res, err := sign.Image(ctx, name, k, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, name string) *format.Image {
	t.Helper()
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// wantSigned demands that each key alone is enough.
func wantSigned(t testing.TB, name string, keys ...*key.Private) {
	t.Helper()
	for _, k := range keys {
		wantSignedBy(t, name, k.Public())
	}
}

func wantSignedBy(t testing.TB, name string, p *key.Public) {
	t.Helper()
	r, err := verify.Image(ctx, open(t, name), verify.Trust{Keys: []*key.Public{p}}, verify.Options{})
	if err != nil {
		t.Errorf("%s: %v\n%+v", p.Fingerprint(), err, r.Signatures)
	}
}

// library is what Apptainer and SingularityCE do: it checks all signatures
// that are linked to objects, with the given keys.
func library(t testing.TB, name string, keys ...*key.Private) error {
	t.Helper()
	f, err := sif.LoadContainerFromPath(name, sif.OptLoadWithFlag(os.O_RDONLY))
	if err != nil {
		t.Fatal(err)
	}
	defer f.UnloadContainer()
	var opts []integrity.VerifierOpt
	var ring openpgp.EntityList
	for _, k := range keys {
		b, err := k.Public().Encode()
		if err != nil {
			t.Fatal(err)
		}
		if k.Kind() == key.OpenPGP {
			es, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			ring = append(ring, es...)
			continue
		}
		v, err := signature.LoadVerifier(k.Public().Crypto(), 5) // crypto.SHA256
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, integrity.OptVerifyWithVerifier(v))
	}
	if ring != nil {
		opts = append(opts, integrity.OptVerifyWithKeyRing(ring))
	}
	v, err := integrity.NewVerifier(f, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify()
}

func wantLibrary(t testing.TB, name string, keys ...*key.Private) {
	t.Helper()
	if err := library(t, name, keys...); err != nil {
		t.Errorf("package integrity with %d keys: %v", len(keys), err)
	}
}

func blocks(t testing.TB, name string) []format.NewObject {
	t.Helper()
	list, err := open(t, name).Signatures()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// foreign returns a SIF file of the library.
func foreign(t testing.TB) []byte {
	t.Helper()
	di, err := sif.NewDescriptorInput(sif.DataGeneric, bytes.NewReader([]byte("abc")))
	if err != nil {
		t.Fatal(err)
	}
	buf := sif.NewBuffer(nil)
	f, err := sif.CreateContainer(buf, sif.OptCreateWithDescriptors(di))
	if err != nil {
		t.Fatal(err)
	}
	defer f.UnloadContainer()
	return buf.Bytes()
}
