package key_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/key"
)

func newKey(t testing.TB, kind key.Kind, o key.Options) *key.Private {
	t.Helper()
	if kind == key.OpenPGP && o.Name == "" {
		o.Name, o.Email = "Alice Example", "alice@example.org"
	}
	k, err := key.New(kind, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func encode(t testing.TB, k *key.Private, pass string) []byte {
	t.Helper()
	b, err := k.Encode([]byte(pass))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encodePublic(t testing.TB, p *key.Public) []byte {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func phrase(s string) key.PassphraseFunc { return func() ([]byte, error) { return []byte(s), nil } }

func TestRoundTrip(t *testing.T) {
	tests := []struct {
		kind key.Kind
		alg  key.Algorithm
		name string
	}{
		{key.OpenPGP, key.Algorithm{}, "ed25519"},
		{key.OpenPGP, key.RSA3072, "rsa 3072"},
		{key.PEM, key.Algorithm{}, "ecdsa P-256"},
		{key.PEM, key.Ed25519, "ed25519"},
		{key.PEM, key.RSA3072, "rsa 3072"},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind)+" "+tt.name, func(t *testing.T) {
			k := newKey(t, tt.kind, key.Options{Algorithm: tt.alg})
			if k.Public().Algorithm().String() != tt.name {
				t.Errorf("algorithm %q", k.Public().Algorithm())
			}
			for _, pass := range []string{"", "correct horse"} {
				again, err := key.ParsePrivate(encode(t, k, pass), phrase(pass))
				if err != nil {
					t.Fatal(err)
				}
				if again.Fingerprint() != k.Fingerprint() {
					t.Errorf("fingerprint %s became %s", k.Fingerprint(), again.Fingerprint())
				}
			}
			public, err := key.ParsePublic(encodePublic(t, k.Public()))
			if err != nil {
				t.Fatal(err)
			}
			if public.Fingerprint() != k.Fingerprint() || public.Kind() != tt.kind {
				t.Errorf("public key %s of kind %s, want %s", public.Fingerprint(), public.Kind(), k.Fingerprint())
			}
			if !bytes.Equal(encodePublic(t, public), encodePublic(t, k.Public())) {
				t.Error("the public key does not encode to the same bytes again")
			}
			if _, err := key.ParseFingerprint(string(k.Fingerprint())); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	pgp, pemKey := newKey(t, key.OpenPGP, key.Options{}), newKey(t, key.PEM, key.Options{})
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(k any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	twice := func(b []byte) []byte { return append(bytes.Clone(b), b...) }
	broken := errors.New("terminal gone")
	tests := []struct {
		name string
		in   []byte
		ask  key.PassphraseFunc
		want error
	}{
		{"empty", nil, nil, key.ErrNotKey},
		{"blank", []byte(" \n"), nil, key.ErrNotKey},
		{"too long", make([]byte, key.MaxFile+1), nil, key.ErrNotKey},
		{"prose", []byte("Dear reviewer,"), nil, key.ErrNotKey},
		{"ssh public key", []byte("ssh-ed25519 AAAA alice"), nil, key.ErrNotKey},
		{"openssh private key", []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"), nil, key.ErrNotKey},
		{"certificate", []byte("-----BEGIN CERTIFICATE-----\n"), nil, key.ErrNotKey},
		{"cut armour", encode(t, pgp, "")[:120], nil, key.ErrNotKey},
		{"cut pem", encode(t, pemKey, "")[:60], nil, key.ErrNotKey},
		{"two pgp keys", twice(encode(t, pgp, "")), nil, key.ErrNotKey},
		{"two pem keys", twice(encode(t, pemKey, "")), nil, key.ErrNotKey},
		{"public pgp", encodePublic(t, pgp.Public()), nil, key.ErrPublic},
		{"public pem", encodePublic(t, pemKey.Public()), nil, key.ErrPublic},
		{"pgp, no passphrase", encode(t, pgp, "x"), nil, key.ErrPassphrase},
		{"pgp, wrong passphrase", encode(t, pgp, "x"), phrase("y"), key.ErrPassphrase},
		{"pem, no passphrase", encode(t, pemKey, "x"), nil, key.ErrPassphrase},
		{"pem, wrong passphrase", encode(t, pemKey, "x"), phrase("y"), key.ErrPassphrase},
		{"pem, empty passphrase", encode(t, pemKey, "x"), phrase(""), key.ErrPassphrase},
		{"nobody to ask", encode(t, pemKey, "x"), func() ([]byte, error) { return nil, broken }, broken},
		{"rsa 1024", pkcs8(weak), nil, key.ErrWeak},
		{"ecdsa p-224", pkcs8(p224), nil, key.ErrWeak},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if k, err := key.ParsePrivate(tt.in, tt.ask); !errors.Is(err, tt.want) || k != nil {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	for _, b := range [][]byte{encode(t, pgp, ""), encode(t, pgp, "x"), encode(t, pemKey, ""), encode(t, pemKey, "x")} {
		if _, err := key.ParsePublic(b); !errors.Is(err, key.ErrPrivate) {
			t.Errorf("private key taken for a public one: %v", err)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		kind key.Kind
		o    key.Options
	}{
		{"x509", key.Options{}},
		{key.OpenPGP, key.Options{}},
		{key.OpenPGP, key.Options{Name: "A <a@example.org>"}},
		{key.OpenPGP, key.Options{Name: "A\x1b[31m"}},
		{key.OpenPGP, key.Options{Name: strings.Repeat("A", 200)}},
		{key.OpenPGP, key.Options{Name: "A", Algorithm: key.ECDSAP256}},
		{key.OpenPGP, key.Options{Name: "A", Lifetime: -time.Second}},
		{key.OpenPGP, key.Options{Name: "A", Lifetime: time.Millisecond}},
		{key.PEM, key.Options{Algorithm: key.Algorithm{Family: "dsa"}}},
	} {
		if _, err := key.New(tt.kind, tt.o); !errors.Is(err, key.ErrUnsupported) {
			t.Errorf("%s %+v: %v", tt.kind, tt.o, err)
		}
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := newKey(t, key.OpenPGP, key.Options{Name: "A", Time: made, Lifetime: 48 * time.Hour})
	if p := k.Public(); !p.Created().Equal(made) || !p.Expires().Equal(made.Add(48*time.Hour)) {
		t.Errorf("from %v to %v", p.Created(), p.Expires())
	}
}

// TestUserIDs shows that a name counts only if the key signed it, and that it
// cannot take over a terminal.
func TestUserIDs(t *testing.T) {
	alice := newKey(t, key.OpenPGP, key.Options{Name: "Alice", Email: "alice@example.org"})
	if got := alice.Public().UserID(); got != "Alice <alice@example.org>" {
		t.Errorf("user id %q", got)
	}
	forged := *alice.Entity()
	if err := forged.AddUserId("Bob", "", "", key.Policy(time.Now())); err != nil {
		t.Fatal(err)
	}
	for name, id := range forged.Identities {
		if strings.HasPrefix(name, "Bob") { // the signature is over "Bob"
			id.Name, id.UserId.Id = "Eve", "Eve"
			forged.Identities["Eve"] = id
			delete(forged.Identities, name)
		}
	}
	var packets bytes.Buffer
	if err := forged.Serialize(&packets); err != nil {
		t.Fatal(err)
	}
	p, err := key.ParsePublic(packets.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.UserIDs()); got != "[Alice <alice@example.org>]" {
		t.Errorf("user ids %s", got)
	}
}

func TestFingerprintAgainstOthers(t *testing.T) {
	dir := t.TempDir()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skipf("needs ssh-keygen")
	}
	for _, alg := range []key.Algorithm{key.ECDSAP256, key.Ed25519, key.RSA3072} {
		k := newKey(t, key.PEM, key.Options{Algorithm: alg})
		name := filepath.Join(dir, alg.String())
		if err := os.WriteFile(name, encodePublic(t, k.Public()), 0o600); err != nil {
			t.Fatal(err)
		}
		line, err := exec.Command("ssh-keygen", "-i", "-m", "PKCS8", "-f", name).Output()
		if alg == key.Ed25519 && err != nil {
			continue // OpenSSH reads no Ed25519 in PKCS#8
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, line, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh-keygen", "-l", "-f", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), " "+string(k.Fingerprint())+" ") {
			t.Errorf("%s: ssh-keygen says %s, we %s", alg, out, k.Fingerprint())
		}
	}
}

func TestParseFingerprint(t *testing.T) {
	for in, ok := range map[string]bool{
		"0x0123456789abcdef0123456789ABCDEF01234567":         true,
		"0123 4567 89ab cdef 0123  4567 89AB CDEF 0123 4567": true,
		"89ABCDEF01234567":                                    false,
		"0123456789abcdef0123456789ABCDEF0123456g":            false,
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU":  true,
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=": false,
		"SHA256:47DEQpj8":                                     false,
		"":                                                    false,
	} {
		if _, err := key.ParseFingerprint(in); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
	}
}
