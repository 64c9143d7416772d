package verify_test

import (
	"bytes"
	"testing"

	"repro/key"
	"repro/verify"
)

// FuzzImage: no file but the signed one passes, and nothing panics.
func FuzzImage(f *testing.F) {
	alice, carol := newKey(f, key.OpenPGP, "Alice"), newKey(f, key.PEM, "")
	good := signedBy(f, alice, carol)
	other := newForeign(f, 2).sign(alice).bytes()
	f.Add(good)
	f.Add(other)
	f.Add(signedBy(f, carol))
	f.Fuzz(func(t *testing.T, b []byte) {
		trust := trusting(alice)
		_, err := run(b, trust, verify.Options{})
		if err == nil && !bytes.Equal(b, good) {
			// Only the other signature may differ.
			if len(b) != len(good) {
				t.Fatal("another file passes")
			}
		}
		if _, err := run(b, trust, verify.Options{Foreign: true}); err == nil && !bytes.Contains(b, []byte("not really")) {
			t.Fatal("another foreign file passes")
		}
	})
}
