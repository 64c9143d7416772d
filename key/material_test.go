package key

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// TestMaterial: each family has numbers of its own, an OpenPGP key those of its
// subkeys too, and a key that is written anew with another date, or as PEM, has
// the same under other fingerprints.
func TestMaterial(t *testing.T) {
	seen := map[string]string{}
	for _, typ := range Types() {
		k, err := New(typ.Kind, Options{Algorithm: typ.Algorithm, Name: "n"})
		if err != nil {
			t.Fatal(err)
		}
		got := k.Public().Material()
		if len(got) == 0 {
			t.Errorf("%s: none", typ.Name)
		}
		for _, m := range got {
			if len(m) < 32 || seen[m] != "" {
				t.Errorf("%s: %d bytes, seen in %q", typ.Name, len(m), seen[m])
			}
			seen[m] = typ.Name
		}
	}
	k, err := New(OpenPGP, Options{Algorithm: Ed25519, Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	point := k.Public().Material()[0]
	pem, err := NewPublic(ed25519.PublicKey(point))
	if err != nil || !slices.Equal(pem.Material(), []string{point}) || pem.Fingerprint() == k.Fingerprint() {
		t.Errorf("as PEM: %v", err)
	}
	again := *k.Entity().PrimaryKey
	again.CreationTime = again.CreationTime.Add(-time.Hour)
	var b bytes.Buffer
	if err := again.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	p, err := packet.Read(&b)
	if err != nil || !slices.Equal(material(p.(*packet.PublicKey).PublicKey), []string{point}) {
		t.Errorf("with another date: %v", err)
	}
}
