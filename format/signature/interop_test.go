package signature_test

import (
	"bytes"
	"crypto"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"repro/format/signature"
	"repro/key"
)

// home is a folder for peer programs. The agent's socket wants a short path.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "g")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := exec.LookPath("gpgconf"); err == nil {
			_ = exec.Command("gpgconf", "--homedir", dir, "--kill", "all").Run()
		}
		os.RemoveAll(dir)
	})
	return dir
}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// peer runs a program that must be there.
func peer(t *testing.T, dir string, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("needs %s", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+dir, "HOME="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func public(t *testing.T, k *key.Private) []byte {
	t.Helper()
	b, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOthersVerifyOurs(t *testing.T) {
	dir := home(t)
	for _, alg := range []key.Algorithm{key.Ed25519, key.RSA3072} {
		k := newKey(t, key.OpenPGP, alg)
		cert := write(t, dir, "cert.pgp", public(t, k))
		block := write(t, dir, "block.asc", clearsigned(t, k))
		t.Run("gpg "+alg.String(), func(t *testing.T) {
			if out, err := peer(t, dir, "gpg", "--batch", "--import", cert); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := peer(t, dir, "gpg", "--batch", "--verify", block); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		t.Run("sq "+alg.String(), func(t *testing.T) {
			if out, err := peer(t, dir, "sq", "verify", "--signer-cert", cert, block); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestWeVerifyOthers(t *testing.T) {
	dir := home(t)
	text := write(t, dir, "text", []byte(payload))
	for _, alg := range []string{"ed25519", "rsa2048", "nistp256", "nistp384"} {
		t.Run("gpg "+alg, func(t *testing.T) {
			for _, args := range [][]string{
				{"--passphrase", "", "--quick-gen-key", alg, alg, "sign"},
				{"-u", alg, "-o", filepath.Join(dir, alg+".asc"), "--clearsign", text},
				{"-o", filepath.Join(dir, alg+".pub"), "--export", alg},
			} {
				if out, err := peer(t, dir, "gpg", append([]string{"--batch"}, args...)...); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			check(t, filepath.Join(dir, alg+".asc"), filepath.Join(dir, alg+".pub"))
		})
	}
	t.Run("sq", func(t *testing.T) {
		cert, secret, block := filepath.Join(dir, "sq.pub"), filepath.Join(dir, "sq.key"), filepath.Join(dir, "sq.asc")
		for _, args := range [][]string{
			{"key", "generate", "--userid", "Quoi", "--export", secret},
			{"key", "extract-cert", "-o", cert, secret},
			{"sign", "--cleartext-signature", "--signer-key", secret, "-o", block, text},
		} {
			if out, err := peer(t, dir, "sq", args...); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		check(t, block, cert)
		signer, err := os.ReadFile(secret)
		if err != nil {
			t.Fatal(err)
		}
		k, err := key.ParsePrivate(signer, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Sequoia keys sign with a subkey.
		ours, err := signature.Clearsign([]byte(payload), k, time.Now().Truncate(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		again := write(t, dir, "again.asc", ours.Encode())
		if out, err := peer(t, dir, "sq", "verify", "--signer-cert", cert, again); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		check(t, again, cert)
	})
}

// check verifies a block that another program made, then flips each of its
// bytes.
func check(t *testing.T, block, cert string) {
	t.Helper()
	b, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	c, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	p, err := key.ParsePublic(c)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(b []byte) error {
		parsed, err := signature.Parse(b)
		if err != nil {
			return err
		}
		if string(parsed.Payload()) != payload {
			return errors.New("other payload")
		}
		return parsed.Clearsigned.Verify(p, time.Now())
	}
	if err := verify(b); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	for i := range b {
		f := bytes.Clone(b)
		f[i] ^= 0x01
		if verify(f) == nil {
			t.Errorf("byte %d (%q) may become %q", i, b[i], f[i])
		}
	}
}

// forge signs as of any time, whatever the key says.
func forge(t *testing.T, k *openpgp.Entity, at time.Time) *signature.Clearsigned {
	t.Helper()
	pub := k.PrimaryKey
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeText, PubKeyAlgo: pub.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: at,
		IssuerKeyId: &pub.KeyId, IssuerKeyVersion: 4, IssuerFingerprint: pub.Fingerprint,
	}
	h := crypto.SHA256.New()
	h.Write([]byte(payload))
	if err := sig.Sign(h, k.PrivateKey, key.Policy(at)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sig.Serialize(&out); err != nil {
		t.Fatal(err)
	}
	c, err := signature.NewClearsigned([]byte(payload), out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLifeOfKeys holds our verdict against Sequoia's wherever a key expires or
// is revoked.
func TestLifeOfKeys(t *testing.T) {
	const month = 30 * 24 * time.Hour
	now := time.Now().UTC().Truncate(time.Second)
	born := now.Add(-36 * month)
	never := time.Duration(0)
	tests := []struct {
		name     string
		lifetime time.Duration
		signed   time.Time
		reason   key.Reason
		revoked  time.Time
		want     error
	}{
		{"valid", never, now.Add(-12 * month), "", now, nil},
		{"expired later", 12 * month, born.Add(6 * month), "", now, nil},
		{"expired before", 12 * month, born.Add(24 * month), "", now, signature.ErrExpired},
		{"compromised later", never, now.Add(-12 * month), key.Compromised, now.Add(-6 * month), signature.ErrRevoked},
		{"superseded later", never, now.Add(-12 * month), key.Superseded, now.Add(-6 * month), nil},
		{"retired later", never, now.Add(-12 * month), key.Retired, now.Add(-6 * month), nil},
		{"superseded before", never, now.Add(-6 * month), key.Superseded, now.Add(-12 * month), signature.ErrRevoked},
		{"retired before", never, now.Add(-6 * month), key.Retired, now.Add(-12 * month), signature.ErrRevoked},
		{"certificate made in advance", never, now.Add(-12 * month), key.Unspecified, born, signature.ErrRevoked},
		{"dated before the key", never, born.Add(-month), "", now, signature.ErrInvalid},
		{"dated in the future", never, now.Add(month), "", now, signature.ErrInvalid},
	}
	dir := home(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, err := key.New(key.OpenPGP, key.Options{Name: "Alice", Time: born, Lifetime: tt.lifetime})
			if err != nil {
				t.Fatal(err)
			}
			p := k.Public()
			if tt.reason != "" {
				certificate, err := k.Revoke(tt.reason, "", tt.revoked)
				if err != nil {
					t.Fatal(err)
				}
				if p, err = p.Revoked(certificate); err != nil {
					t.Fatal(err)
				}
			}
			cert, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if p, err = key.ParsePublic(cert); err != nil {
				t.Fatal(err)
			}
			c := forge(t, k.Entity(), tt.signed)
			for range 2 { // the answer must not depend on what was asked before
				if err := c.Verify(p, now); !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				} else if tt.want == signature.ErrRevoked && !strings.Contains(err.Error(), stamp(tt.revoked)) {
					t.Errorf("%v does not say when", err)
				}
				_ = forge(t, k.Entity(), born.Add(time.Hour)).Verify(p, now)
			}
			_, armoured, _ := bytes.Cut(c.Encode(), []byte(payload+"\n"))
			out, err := peer(t, dir, "sqv", "--keyring", write(t, dir, "cert.pgp", cert),
				write(t, dir, "sig.asc", armoured), write(t, dir, "text", []byte(payload)))
			if (err == nil) != (tt.want == nil) {
				t.Errorf("sqv decides otherwise: %v\n%s", err, out)
			}
			if strings.Contains(out, "USAGE") {
				t.Errorf("sqv was not asked rightly:\n%s", out)
			}
		})
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// TestWeakKey: RSA of 1024 bits is refused when the key is read, and by what
// its signatures look like.
func TestWeakKey(t *testing.T) {
	config := &packet.Config{RSABits: 1024, Algorithm: packet.PubKeyAlgoRSA}
	e, err := openpgp.NewEntity("Alice", "", "", config)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.Serialize(&out); err != nil {
		t.Fatal(err)
	}
	if _, err := key.ParsePublic(out.Bytes()); !errors.Is(err, key.ErrWeak) {
		t.Error(err)
	}
	if !strings.Contains(key.ErrWeak.Error(), "weak") {
		t.Error(key.ErrWeak)
	}
}

// TestOpenSSL verifies the signatures of an envelope with nothing but openssl.
func TestOpenSSL(t *testing.T) {
	dir := home(t)
	for _, alg := range []key.Algorithm{key.ECDSAP256, key.Ed25519, key.RSA3072} {
		k := newKey(t, key.PEM, alg)
		e := &signature.Envelope{Payload: []byte(payload)}
		if err := e.Sign(k); err != nil {
			t.Fatal(err)
		}
		cert := write(t, dir, "key.pub", public(t, k))
		text := write(t, dir, "text", e.Signed())
		for want, sig := range map[bool][]byte{true: e.Signatures[0].Sig, false: bytes.Repeat([]byte{1}, 64)} {
			args := []string{"dgst", "-sha256", "-verify", cert, "-signature", write(t, dir, "sig", sig), text}
			if alg == key.Ed25519 {
				args = []string{"pkeyutl", "-verify", "-pubin", "-inkey", cert, "-rawin", "-in", text, "-sigfile", write(t, dir, "sig", sig)}
			}
			if out, err := peer(t, dir, "openssl", args...); (err == nil) != want {
				t.Errorf("%s: %v\n%s", alg, err, out)
			}
		}
	}
}
