package key_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"repro/key"
)

// TestHostileS2K: a key file may not ask for more memory or time than a
// passphrase is worth.
func TestHostileS2K(t *testing.T) {
	argon := func(subkeys int) []byte {
		e, err := openpgp.NewEntity("Mallory", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
		if err != nil {
			t.Fatal(err)
		}
		for range subkeys {
			if err := e.AddSigningSubkey(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}); err != nil {
				t.Fatal(err)
			}
		}
		config := &packet.Config{
			DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{},
			S2KConfig: &s2k.Config{S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: 3, DegreeOfParallelism: 4, Memory: 64}},
		}
		if err := e.EncryptPrivateKeys([]byte("x"), config); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := e.SerializePrivateWithoutSigning(&b, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	ask := func() ([]byte, error) { return []byte("x"), nil }
	good := argon(1)
	if _, err := key.ParsePrivate(good, ask); err != nil {
		t.Fatalf("a modest key: %v", err)
	}
	params := []byte{3, 4, 6} // passes, lanes, log2 of KiB
	if n := bytes.Count(good, params); n == 0 {
		t.Fatal("the parameters are not where they should be")
	}
	for _, hostile := range [][]byte{{3, 4, 31}, {1, 4, 22}, {255, 4, 20}, {0, 4, 6}} {
		b := bytes.ReplaceAll(good, params, hostile)
		asked := false
		start := time.Now()
		_, err := key.ParsePrivate(b, func() ([]byte, error) { asked = true; return []byte("x"), nil })
		if err == nil || !isKnown(err) || asked || time.Since(start) > 10*time.Second {
			t.Errorf("%v: %v, asked %v", hostile, err, asked)
		}
	}
	// 32 parts may be encrypted: the key, the subkey that it came with, and 30
	// more.
	for subkeys, want := range map[int]bool{30: true, 31: false} {
		if _, err := key.ParsePrivate(argon(subkeys), ask); (err == nil) != want {
			t.Errorf("%d more subkeys: %v", subkeys, err)
		}
	}
	if _, err := key.ParsePrivate(argon(40), ask); !errors.Is(err, key.ErrUnsupported) {
		t.Errorf("41 encrypted parts: %v", err)
	}
}
