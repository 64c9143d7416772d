package sign_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	dsse "github.com/sigstore/sigstore/pkg/signature"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/format"
	"repro/format/signature"
	"repro/key"
	"repro/sign"
)

// TestBy: a signer elsewhere is asked once, for the image's metadata, and what
// it gives must be by the key that was named.
func TestBy(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice"), newKey(t, key.OpenPGP, key.Algorithm{}, "Bob")
	name := image(t)
	want, err := open(t, name).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	by := func(k *key.Private) sign.Signer {
		return func(_ context.Context, payload []byte) ([]byte, error) {
			asked++
			if string(payload) != string(want) {
				t.Errorf("asked to sign %s", payload)
			}
			c, err := signature.Clearsign(payload, k, made)
			if err != nil {
				return nil, err
			}
			return c.Encode(), nil
		}
	}
	if _, err := sign.By(ctx, name, alice.Public(), by(bob), sign.Options{}); !errors.Is(err, signature.ErrUnknown) {
		t.Errorf("another's signature: %v", err)
	}
	broken := errors.New("card is gone")
	fails := func(context.Context, []byte) ([]byte, error) { return nil, broken }
	if _, err := sign.By(ctx, name, alice.Public(), fails, sign.Options{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if n := len(blocks(t, name)); n != 0 {
		t.Errorf("%d blocks after failures", n)
	}
	res, err := sign.By(ctx, name, alice.Public(), by(alice), sign.Options{})
	if err != nil || res.Already || res.Fingerprint != alice.Fingerprint() || !res.Time.Equal(made) || asked != 2 {
		t.Errorf("%+v, asked %d times, %v", res, asked, err)
	}
	wantSigned(t, name, alice)
	if res, err := sign.By(ctx, name, alice.Public(), by(alice), sign.Options{}); err != nil || !res.Already || asked != 2 {
		t.Errorf("a second time: %+v, asked %d times, %v", res, asked, err)
	}
	res, err = sign.DetachedBy(ctx, open(t, name), bob.Public(), by(bob), sign.Options{})
	if err != nil || res.Fingerprint != bob.Fingerprint() || len(blocks(t, name)) != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := sign.DetachedBy(ctx, open(t, name), bob.Public(), fails, sign.Options{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestGPGAnswers: what GnuPG may answer, by a program in its place.
func TestGPGAnswers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	k := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice")
	public, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	program := func(script string) {
		script = "#!/bin/sh\ncd " + dir + "\necho \"$@\" >>calls\n" + script + "\n"
		if err := os.WriteFile(filepath.Join(dir, "gpg"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	full := k.Fingerprint()
	other := key.Fingerprint(strings.Repeat("0", 40))
	for _, c := range []struct {
		script string
		f      key.Fingerprint
		want   string // the beginning; "" is none
	}{
		{"cat key", full, ""},
		{"cat key", other, "gpg: key " + string(other) + ": it is a part of " + string(full) + ": name that one"},
		{"cat key", full[24:], "gpg: key " + string(full[24:]) + ": not supported: want an OpenPGP fingerprint"},
		{"true", full, "gpg: key " + string(full) + ": it has no such key"},
		{"echo nonsense", full, "gpg: key " + string(full) + ": not a key that repro can read: "},
		{"echo ' no card ' >&2; exit 2", full, `gpg: exit status 2: "no card"`},
		{"head -c 4194305 /dev/zero", full, "gpg: it printed more than 4194304 bytes"},
		{"head -c 4194304 /dev/zero", full, "gpg: key " + string(full) + ": not a key that repro can read: "},
	} {
		program(c.script)
		p, s, err := sign.GnuPG(ctx, c.f)
		if c.want == "" && (err != nil || p.Fingerprint() != full || s == nil) || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", c.script, err, c.want)
		}
	}

	program("cat key")
	_, s, err := sign.GnuPG(ctx, full)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "calls")); err != nil {
		t.Fatal(err)
	}
	program("cat; echo .")
	if b, err := s(ctx, []byte("text")); err != nil || string(b) != "text.\n" {
		t.Errorf("%q, %v", b, err)
	}
	want := fmt.Sprintf("--batch --quiet --no-tty --no-emit-version --no-comments --local-user %s --digest-algo SHA256 --clearsign\n", full)
	if got := string(read(t, filepath.Join(dir, "calls"))); got != want {
		t.Errorf("called with %s, want %s", got, want)
	}
	program("exec sleep 60")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s(cancelled, nil); err != context.Canceled {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := s(ctx, nil); err == nil || err.Error() != "gpg: not installed" {
		t.Errorf("%v", err)
	}
}

// signElsewhere signs an image as `apptainer sign` does: with an OpenPGP key,
// or with bare keys in an envelope.
func signElsewhere(t *testing.T, name string, keys ...*key.Private) {
	t.Helper()
	f, err := sif.LoadContainerFromPath(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.UnloadContainer()
	var opts []integrity.SignerOpt
	var signers []dsse.Signer
	for _, k := range keys {
		if k.Kind() == key.PEM {
			s, err := dsse.LoadSignerWithOpts(k.Signer())
			if err != nil {
				t.Fatal(err)
			}
			signers = append(signers, s)
			continue
		}
		b, err := k.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := pgp.ReadArmoredKeyRing(strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, integrity.OptSignWithEntity(ring[0]))
	}
	if len(signers) > 0 {
		opts = append(opts, integrity.OptSignWithSigner(signers...))
	}
	s, err := integrity.NewSigner(f, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(); err != nil {
		t.Fatal(err)
	}
}

// TestAdopt takes over what another program signed, whole or not at all.
func TestAdopt(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice"), newKey(t, key.OpenPGP, key.Algorithm{}, "Bob")
	lab, bench := newKey(t, key.PEM, key.Algorithm{}, ""), newKey(t, key.PEM, key.ECDSAP256, "")
	for name, c := range map[string]struct {
		by, as []*key.Private // who signed, whom to ask for
		blocks int
	}{
		"openpgp":  {[]*key.Private{alice}, []*key.Private{alice}, 1},
		"envelope": {[]*key.Private{lab, bench}, []*key.Private{bench, lab}, 1},
	} {
		for _, k := range c.as {
			im := image(t)
			signElsewhere(t, im, c.by...)
			res, err := sign.Adopt(ctx, im, k.Public(), sign.Options{})
			if err != nil || res.Already || res.Fingerprint != k.Fingerprint() {
				t.Errorf("%s: %+v, %v", name, res, err)
				continue
			}
			if n := len(blocks(t, im)); n != c.blocks {
				t.Errorf("%s: %d blocks", name, n)
			}
			wantSigned(t, im, c.by...)
			wantLibrary(t, im, k)
			again, err := sign.Image(ctx, im, k, sign.Options{})
			if err != nil || !again.Already {
				t.Errorf("%s: signed again: %+v, %v", name, again, err)
			}
		}
	}

	im := image(t)
	signElsewhere(t, im, alice)
	before := read(t, im)
	_, err := sign.Adopt(ctx, im, bob.Public(), sign.Options{})
	want := fmt.Sprintf("%s: unknown signer: none of 1 signatures is by %s", im, bob.Fingerprint())
	if !errors.Is(err, signature.ErrUnknown) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if string(read(t, im)) != string(before) {
		t.Error("a refused image was changed")
	}
	if _, err := sign.Adopt(ctx, filepath.Join(t.TempDir(), "none"), bob.Public(), sign.Options{}); err == nil {
		t.Error("adopted an image that is not there")
	}
	altered := append([]byte(nil), before...)
	altered[open(t, image(t)).Objects()[1].Offset] ^= 1
	if err := os.WriteFile(im, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sign.Adopt(ctx, im, alice.Public(), sign.Options{}); !errors.Is(err, format.ErrAltered) {
		t.Errorf("an altered image: %v", err)
	}
}
