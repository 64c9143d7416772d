package key_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"repro/key"
)

// TestTypes makes a key of each type and holds it to what the table says.
func TestTypes(t *testing.T) {
	var names []string
	for _, typ := range key.Types() {
		names = append(names, typ.Name)
		if testing.Short() && typ.Algorithm.Bits > 3072 {
			continue
		}
		t.Run(typ.Name, func(t *testing.T) {
			k := newKey(t, typ.Kind, key.Options{Algorithm: typ.Algorithm})
			want := typ.Algorithm
			if typ.Kind == key.OpenPGP {
				want.Hash = crypto.SHA256
			}
			if got := k.Public().Algorithm(); got != want {
				t.Errorf("algorithm %+v, want %+v", got, want)
			}
			if !slices.Contains(key.Families(), want.Family) {
				t.Errorf("%q is none of the families", want.Family)
			}
			message := []byte("the message")
			sig, err := k.Sign(message)
			if typ.Kind == key.OpenPGP {
				if !errors.Is(err, key.ErrUnsupported) || k.Public().Verify(message, sig) {
					t.Errorf("a bare signature by an OpenPGP key: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !k.Public().Verify(message, sig) {
				t.Error("its own signature is refused")
			}
			if k.Public().Verify([]byte("another"), sig) {
				t.Error("a signature over another message is accepted")
			}
			sig[len(sig)/2] ^= 1
			if k.Public().Verify(message, sig) {
				t.Error("a damaged signature is accepted")
			}
			other := newKey(t, typ.Kind, key.Options{Algorithm: key.ECDSAP256})
			if sig[len(sig)/2] ^= 1; other.Public().Verify(message, sig) {
				t.Error("a signature by another key is accepted")
			}
		})
	}
	want := []string{"ecdsa", "ed25519", "openpgp", "openpgp-rsa", "openpgp-rsa3072", "rsa", "rsa4096"}
	if !slices.Equal(names, want) {
		t.Errorf("types %q, want %q", names, want)
	}
}

func TestAlgorithmOfCurves(t *testing.T) {
	for _, c := range []struct {
		curve elliptic.Curve
		name  string
		want  error
	}{
		{elliptic.P256(), "ecdsa P-256", nil},
		{elliptic.P384(), "ecdsa P-384", nil},
		{elliptic.P521(), "ecdsa P-521", nil},
		{elliptic.P224(), "", key.ErrWeak},
	} {
		k, err := ecdsa.GenerateKey(c.curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		p, err := key.ParsePublic(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.curve.Params().Name, err, c.want)
		}
		if err == nil && (p.Algorithm().String() != c.name || p.Algorithm().Hash != crypto.SHA256) {
			t.Errorf("%+v, want %s with SHA-256", p.Algorithm(), c.name)
		}
	}
}

// TestOpenPGPHashes holds larger curves to the hashes that RFC 9580 asks for.
func TestOpenPGPHashes(t *testing.T) {
	for curve, want := range map[packet.Curve]crypto.Hash{
		packet.CurveNistP256:      crypto.SHA256,
		packet.CurveNistP384:      crypto.SHA384,
		packet.CurveNistP521:      crypto.SHA512,
		packet.CurveBrainpoolP256: crypto.SHA256,
		packet.CurveBrainpoolP384: crypto.SHA384,
		packet.CurveBrainpoolP512: crypto.SHA512,
	} {
		e, err := openpgp.NewEntity("Alice", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoECDSA, Curve: curve})
		if err != nil {
			t.Fatal(err)
		}
		p := parseEntity(t, e)
		if a := p.Algorithm(); a.Hash != want || a.String() != "ecdsa "+string(curve) {
			t.Errorf("%s: %+v, want %v", curve, a, want)
		}
		if a := p.SubkeyAlgorithm(e.PrimaryKey.KeyId); a != p.Algorithm() {
			t.Errorf("%s: the primary key as a subkey is %+v", curve, a)
		}
		if a := p.SubkeyAlgorithm(1); a != (key.Algorithm{}) {
			t.Errorf("%s: a subkey that is not there is %+v", curve, a)
		}
	}
}

func parseEntity(t *testing.T, e *openpgp.Entity) *key.Public {
	t.Helper()
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	p, err := key.ParsePublic(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
