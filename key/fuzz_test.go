package key_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"repro/key"
)

var known = []error{key.ErrNotKey, key.ErrPublic, key.ErrPrivate, key.ErrPassphrase, key.ErrWeak, key.ErrUnsupported}

func isKnown(err error) bool {
	for _, k := range known {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

func addSeeds(f *testing.F) {
	for _, kind := range []key.Kind{key.OpenPGP, key.PEM} {
		k := newKey(f, kind, key.Options{})
		f.Add(encode(f, k, ""))
		f.Add(encode(f, k, "x"))
		f.Add(encodePublic(f, k.Public()))
		if kind == key.OpenPGP {
			f.Add(unarmour(f, encode(f, k, "")))
			f.Add(unarmour(f, encode(f, k, "x")))
			f.Add(unarmour(f, encodePublic(f, k.Public())))
		}
	}
	k := newKey(f, key.OpenPGP, key.Options{})
	certificate, err := k.Revoke(key.Compromised, "", time.Unix(1e9, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(certificate)
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"))
}

// unarmour returns the packets in b, which the fuzzer reaches more easily.
func unarmour(f *testing.F, b []byte) []byte {
	block, err := armor.Decode(bytes.NewReader(b))
	if err != nil {
		f.Fatal(err)
	}
	packets, err := io.ReadAll(block.Body)
	if err != nil {
		f.Fatal(err)
	}
	return packets
}

// FuzzParsePublic: never a panic, always a known error, and what is read is
// written so that it reads the same.
func FuzzParsePublic(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := key.ParsePublic(b)
		if err != nil {
			if !isKnown(err) {
				t.Fatalf("unknown error %v", err)
			}
			return
		}
		p.UserIDs()
		p.Expires()
		out, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := key.ParsePublic(out)
		if err != nil {
			t.Fatalf("does not read what it wrote: %v\n%s", err, out)
		}
		if again.Fingerprint() != p.Fingerprint() {
			t.Fatalf("%s became %s", p.Fingerprint(), again.Fingerprint())
		}
	})
}

// FuzzParsePrivate: never a panic, always a known error.
func FuzzParsePrivate(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := key.ParsePrivate(b, nil)
		if err != nil {
			if !isKnown(err) {
				t.Fatalf("unknown error %v", err)
			}
			return
		}
		if _, err := k.Encode(nil); err != nil {
			t.Fatal(err)
		}
	})
}
