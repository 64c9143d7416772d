package key_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/key"
)

// program runs a peer program in a home of its own.
type program struct {
	t    *testing.T
	home string
}

func peer(t *testing.T, names ...string) program {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
	// The agent's socket wants a short path.
	home, err := os.MkdirTemp("", "g")
	if err != nil {
		t.Fatal(err)
	}
	// Do not let the agent find out how slow it can make a passphrase.
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := exec.LookPath("gpgconf"); err == nil {
			_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		}
		os.RemoveAll(home)
	})
	return program{t, home}
}

func (p program) run(stdin []byte, name string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+p.home, "HOME="+p.home)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

func (p program) file(name string, content []byte) string {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// algorithms lists those of OpenPGP; RSA keys take their time.
func algorithms() []key.Algorithm {
	if testing.Short() {
		return []key.Algorithm{key.Ed25519}
	}
	return []key.Algorithm{key.Ed25519, key.RSA3072}
}

func TestGnuPGReadsOurKeys(t *testing.T) {
	gpg := peer(t, "gpg")
	for _, alg := range algorithms() {
		k := newKey(t, key.OpenPGP, key.Options{Algorithm: alg, Lifetime: 24 * time.Hour})
		gpg.run(encodePublic(t, k.Public()), "gpg", "--batch", "--import")
		if out := gpg.run(nil, "gpg", "--batch", "--with-colons", "--list-keys"); !strings.Contains(out, string(k.Fingerprint())) {
			t.Errorf("%s: not listed:\n%s", alg, out)
		}
		gpg.run(encode(t, k, "secret"), "gpg", "--batch", "--import")
		made := gpg.run([]byte("text"), "gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "secret",
			"-u", string(k.Fingerprint()), "--clearsign")
		gpg.run([]byte(made), "gpg", "--batch", "--verify")

		certificate, err := k.Revoke(key.Superseded, "have a new one", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		gpg.run(certificate, "gpg", "--batch", "--import")
		if out := gpg.run(nil, "gpg", "--batch", "--with-colons", "--list-keys", string(k.Fingerprint())); !strings.Contains(out, "pub:r:") {
			t.Errorf("%s: not shown as revoked:\n%s", alg, out)
		}
	}
}

func TestWeReadGnuPGKeys(t *testing.T) {
	gpg := peer(t, "gpg")
	for _, alg := range []string{"ed25519", "rsa2048", "nistp256"} {
		if testing.Short() && alg != "ed25519" {
			continue
		}
		gpg.run(nil, "gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "secret",
			"--quick-gen-key", fmt.Sprintf("Grace %s <grace@example.org>", alg), alg, "sign", "1y")
		uid := "Grace " + alg
		public, err := key.ParsePublic([]byte(gpg.run(nil, "gpg", "--batch", "--export", uid)))
		if err != nil {
			t.Fatal(err)
		}
		if public.UserID() != "Grace "+alg+" <grace@example.org>" || public.Expires().Before(time.Now()) {
			t.Errorf("%s: %q until %v", alg, public.UserID(), public.Expires())
		}
		secret := gpg.run(nil, "gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "secret",
			"--armor", "--export-secret-keys", uid)
		private, err := key.ParsePrivate([]byte(secret), phrase("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if private.Fingerprint() != public.Fingerprint() {
			t.Errorf("%s: %s and %s", alg, private.Fingerprint(), public.Fingerprint())
		}
	}
}

func TestSequoiaReadsOurKeys(t *testing.T) {
	sq := peer(t, "sq")
	for _, alg := range algorithms() {
		k := newKey(t, key.OpenPGP, key.Options{Algorithm: alg})
		name := sq.file("k.pgp", encodePublic(t, k.Public()))
		if out := sq.run(nil, "sq", "inspect", name); !strings.Contains(out, string(k.Fingerprint())) || strings.Contains(out, "Invalid") {
			t.Errorf("%s:\n%s", alg, out)
		}
	}
}

func TestWeReadOpenSSLKeys(t *testing.T) {
	ssl := peer(t, "openssl")
	generate := map[string][]string{
		"pkcs8 p-256":     {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"pkcs8 p-384":     {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"pkcs8 ed25519":   {"genpkey", "-algorithm", "ED25519"},
		"pkcs8 encrypted": {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:secret"},
		"sec1 parameters": {"ecparam", "-name", "prime256v1", "-genkey"},
		"pkcs1":           {"genrsa", "-traditional", "2048"},
		"pkcs1 encrypted": {"genrsa", "-traditional", "-aes128", "-passout", "pass:secret", "2048"},
	}
	for name, args := range generate {
		t.Run(name, func(t *testing.T) {
			made := []byte(ssl.run(nil, "openssl", args...))
			k, err := key.ParsePrivate(made, phrase("secret"))
			if err != nil {
				t.Fatal(err)
			}
			theirs := ssl.run(made, "openssl", "pkey", "-pubout", "-passin", "pass:secret")
			public, err := key.ParsePublic([]byte(theirs))
			if err != nil {
				t.Fatal(err)
			}
			if public.Fingerprint() != k.Fingerprint() {
				t.Errorf("%s and %s", public.Fingerprint(), k.Fingerprint())
			}
			if !bytes.Equal([]byte(theirs), encodePublic(t, k.Public())) {
				t.Error("we write the public key differently")
			}
		})
	}
}

// TestCosignKeys reads a key as cosign writes it, under both of its names.
func TestCosignKeys(t *testing.T) {
	k := newKey(t, key.PEM, key.Options{})
	block, _ := pem.Decode(encode(t, k, "secret"))
	for _, name := range []string{"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"} {
		block.Type = name
		again, err := key.ParsePrivate(pem.EncodeToMemory(block), phrase("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if again.Fingerprint() != k.Fingerprint() {
			t.Errorf("%s: %s", name, again.Fingerprint())
		}
	}
}
