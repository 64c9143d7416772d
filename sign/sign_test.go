package sign_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/key"
	"repro/sign"
	"repro/verify"
)

var (
	ctx  = context.Background()
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func TestEachKind(t *testing.T) {
	tests := map[string]struct {
		kind          key.Kind
		alg           key.Algorithm
		deterministic bool
	}{
		"openpgp ed25519": {key.OpenPGP, key.Ed25519, true},
		"openpgp rsa":     {key.OpenPGP, key.RSA3072, true},
		"pem ecdsa":       {key.PEM, key.ECDSAP256, false},
		"pem ed25519":     {key.PEM, key.Ed25519, true},
		"pem rsa":         {key.PEM, key.RSA3072, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k := newKey(t, tt.kind, tt.alg, "Alice")
			var files [2][]byte
			for i := range files {
				im := image(t)
				id, err := open(t, im).ContentID()
				if err != nil {
					t.Fatal(err)
				}
				res := signed(t, im, k, sign.Options{Time: made})
				if res.ContentID != id || res.Fingerprint != k.Fingerprint() || res.Already || res.Beside {
					t.Errorf("%+v", res)
				}
				wantSigned(t, im, k)
				wantLibrary(t, im, k)
				files[i] = read(t, im)
			}
			if tt.deterministic && !bytes.Equal(files[0], files[1]) {
				t.Error("two signed images differ")
			}
		})
	}
}

// TestLaterSignatures adds signers and asks each time whether Apptainer still
// accepts what it accepted before.
func TestLaterSignatures(t *testing.T) {
	pgp := []*key.Private{newKey(t, key.OpenPGP, key.Algorithm{}, "Alice"), newKey(t, key.OpenPGP, key.Algorithm{}, "Bob")}
	pem := []*key.Private{newKey(t, key.PEM, key.Algorithm{}, ""), newKey(t, key.PEM, key.Ed25519, "")}

	t.Run("openpgp first", func(t *testing.T) {
		im := image(t)
		for i, k := range []*key.Private{pgp[0], pgp[1], pem[0], pem[1]} {
			if res := signed(t, im, k, sign.Options{}); res.Beside != (i > 0) {
				t.Errorf("signature %d: %+v", i, res)
			}
			wantLibrary(t, im, pgp[0])
		}
		wantSigned(t, im, pgp[0], pgp[1], pem[0], pem[1])
		if n := len(blocks(t, im)); n != 3 { // the PEM keys share an envelope
			t.Errorf("%d blocks", n)
		}
	})
	t.Run("envelope first", func(t *testing.T) {
		im := image(t)
		for i, k := range []*key.Private{pem[0], pem[1], pgp[0], pgp[1]} {
			if res := signed(t, im, k, sign.Options{}); res.Beside != (i > 1) {
				t.Errorf("signature %d: %+v", i, res)
			}
			wantLibrary(t, im, pem[0])
		}
		wantLibrary(t, im, pem[1]) // joined the envelope: any one will do
		wantSigned(t, im, pgp[0], pgp[1], pem[0], pem[1])
	})
}

func TestTwiceIsOnce(t *testing.T) {
	for _, kind := range []key.Kind{key.OpenPGP, key.PEM} {
		for _, first := range []key.Kind{key.OpenPGP, key.PEM} {
			im := image(t)
			signed(t, im, newKey(t, first, key.Algorithm{}, "Other"), sign.Options{})
			k := newKey(t, kind, key.Algorithm{}, "Alice")
			one := signed(t, im, k, sign.Options{})
			before := read(t, im)
			two := signed(t, im, k, sign.Options{})
			if !two.Already || two.Beside != one.Beside || !bytes.Equal(one.Block, two.Block) || !one.Time.Equal(two.Time) {
				t.Errorf("%s after %s: %+v", kind, first, two)
			}
			if !bytes.Equal(before, read(t, im)) {
				t.Errorf("%s after %s: the file changed", kind, first)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	k := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice")
	good := image(t)
	im := open(t, good)
	layer := im.Objects()[3]
	flip := func(off int64) func([]byte) []byte {
		return func(b []byte) []byte { b[off] ^= 1; return b }
	}
	tests := map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"layer":           {flip(layer.Offset + 200), format.ErrAltered},
		"recipe":          {flip(im.Objects()[1].Offset), format.ErrAltered},
		"padding":         {flip(200), format.ErrMalformed},
		"modified time":   {flip(72), format.ErrMalformed},
		"appended":        {func(b []byte) []byte { return append(b, 0) }, format.ErrMalformed},
		"cut":             {func(b []byte) []byte { return b[:len(b)-1] }, format.ErrMalformed},
		"not a sif file":  {func([]byte) []byte { return []byte("hello") }, format.ErrMalformed},
		"foreign program": {func([]byte) []byte { return foreign(t) }, format.ErrForeign},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "paper.sif")
			bad := tt.change(bytes.Clone(read(t, good)))
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := sign.Image(ctx, file, k, sign.Options{}); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if !bytes.Equal(read(t, file), bad) {
				t.Error("the file changed")
			}
			if list, _ := os.ReadDir(filepath.Dir(file)); len(list) != 1 {
				t.Errorf("left behind: %v", list)
			}
		})
	}
	if _, err := sign.Image(ctx, filepath.Join(t.TempDir(), "none.sif"), k, sign.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	before := read(t, good)
	if _, err := sign.Image(ctx, good, k, sign.Options{Time: made.Add(-time.Hour)}); err == nil {
		t.Error("signed before the key was made")
	}
	if _, err := sign.Image(ctx, good, k, sign.Options{Time: time.Now().Add(time.Hour)}); err == nil {
		t.Error("signed in the future")
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := sign.Image(stopped, good, k, sign.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !bytes.Equal(before, read(t, good)) {
		t.Error("the file changed")
	}
}

func TestGoroutines(t *testing.T) {
	for _, kinds := range [][]key.Kind{{key.OpenPGP}, {key.PEM}, {key.OpenPGP, key.PEM}} {
		im := image(t)
		var keys []*key.Private
		var eg errgroup.Group
		for i := range 8 {
			k := newKey(t, kinds[i%len(kinds)], key.Ed25519, fmt.Sprint("Signer ", i))
			keys = append(keys, k)
			eg.Go(func() error {
				_, err := sign.Image(ctx, im, k, sign.Options{})
				return err
			})
		}
		if err := eg.Wait(); err != nil {
			t.Fatal(err)
		}
		wantSigned(t, im, keys...)
	}
}

func TestProcesses(t *testing.T) {
	im := image(t)
	var keys []*key.Private
	var running []*exec.Cmd
	for i := range 4 {
		k := newKey(t, key.OpenPGP, key.Algorithm{}, fmt.Sprint("Signer ", i))
		keys = append(keys, k)
		b, err := k.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SIGN_TEST_KEY="+file, "SIGN_TEST_IMAGE="+im)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	wantSigned(t, im, keys...)
}

func TestDetached(t *testing.T) {
	for _, kind := range []key.Kind{key.OpenPGP, key.PEM} {
		im := image(t)
		before := read(t, im)
		k := newKey(t, kind, key.Algorithm{}, "Alice")
		res, err := sign.Detached(ctx, open(t, im), k, sign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, read(t, im)) {
			t.Error("the file changed")
		}
		trust := verify.Trust{Keys: []*key.Public{k.Public()}}
		if _, err := verify.Image(ctx, open(t, im), trust, verify.Options{}); !errors.Is(err, verify.ErrNotSigned) {
			t.Error(err)
		}
		if _, err := verify.Image(ctx, open(t, im), trust, verify.Options{Detached: [][]byte{res.Block}}); err != nil {
			t.Error(err)
		}
		other, err := sign.Embed(ctx, im, res.Block, k.Public(), sign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if other.Beside || other.Already {
			t.Errorf("%+v", other)
		}
		wantSigned(t, im, k)
		wantLibrary(t, im, k)
	}
}
