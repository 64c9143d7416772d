package key

import (
	"crypto"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Family is a signature scheme of any size, in the word that policies use:
// "ed25519", "ecdsa", "rsa".
type Family string

// Algorithm says how a key signs. Algorithms can be compared with ==.
type Algorithm struct {
	Family Family
	Bits   int    // of an RSA modulus; 0 for other families
	Curve  string // "P-256"; empty where the family has one curve or none

	// Hash is what a message is hashed with. In the algorithm of a key it is
	// the hash of the signatures that the key will make; a signature may
	// have been made with another.
	Hash crypto.Hash
}

// String names family and size for a person: "ed25519", "ecdsa P-256",
// "rsa 3072".
func (a Algorithm) String() string {
	switch {
	case a.Bits > 0:
		return fmt.Sprintf("%s %d", a.Family, a.Bits)
	case a.Curve != "":
		return string(a.Family) + " " + a.Curve
	}
	return string(a.Family)
}

// family is one row of the table of schemes. Functions that a scheme has no
// use for are nil: it then has no keys of that kind.
type family struct {
	name  Family
	types []Type // what New can make

	// PEM keys. ask names the algorithm of a key of this family, with an
	// error if it is weak or not supported; of another family's key it
	// returns an algorithm without Family.
	ask    func(crypto.PublicKey) (Algorithm, error)
	wire   func(crypto.PublicKey) ([]byte, error) // in SSH wire format
	create func(Algorithm) (crypto.Signer, error)
	sign   func(k crypto.Signer, message []byte) ([]byte, error)
	verify func(p crypto.PublicKey, message, sig []byte) bool

	// OpenPGP keys.
	openPGP    map[packet.PublicKeyAlgorithm]Values
	askOpenPGP func(*packet.PublicKey) (Algorithm, error)
	configure  func(Algorithm, *packet.Config)
}

// families is the table of signature schemes. A scheme is a file of this
// package and its line here.
var families = []*family{
	&ed25519Family,
	&ecdsaFamily,
	&rsaFamily,
}

// Values says what an OpenPGP signature consists of after the hash's first two
// bytes (RFC 9580 section 5.2.3): so many multiprecision integers, or so many
// bytes.
type Values struct {
	Integers int
	Least    int // bits of each integer, below which the key is too weak
	Bytes    int
}

// OpenPGPValues returns what a signature by an OpenPGP algorithm consists of;
// ok is false if no family has the algorithm.
func OpenPGPValues(a packet.PublicKeyAlgorithm) (v Values, ok bool) {
	for _, f := range families {
		if v, ok := f.openPGP[a]; ok {
			return v, true
		}
	}
	return Values{}, false
}

// Families returns the names of all families.
func Families() []Family {
	var names []Family
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// Type is a kind of key that [New] makes, with the name that a user gives it.
type Type struct {
	Name      string
	Kind      Kind
	Algorithm Algorithm
}

// Types returns the types of keys that can be made, by name.
func Types() []Type {
	var all []Type
	for _, f := range families {
		all = append(all, f.types...)
	}
	slices.SortFunc(all, func(a, b Type) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// familyOf returns the family and algorithm of a PEM key. It refuses what is
// weak or not known.
func familyOf(pub crypto.PublicKey) (*family, Algorithm, error) {
	for _, f := range families {
		if f.ask == nil {
			continue
		}
		if a, err := f.ask(pub); err != nil || a.Family != "" {
			return f, a, err
		}
	}
	return nil, Algorithm{}, fmt.Errorf("%w: key of type %T", ErrUnsupported, pub)
}

// openPGPAlgorithm returns the algorithm of an OpenPGP key or subkey. It
// refuses what is weak or not known.
func openPGPAlgorithm(p *packet.PublicKey) (Algorithm, error) {
	if p.PubKeyAlgo == packet.PubKeyAlgoDSA || p.PubKeyAlgo == packet.PubKeyAlgoElGamal {
		return Algorithm{}, fmt.Errorf("%w: dsa or elgamal", ErrWeak)
	}
	for _, f := range families {
		if _, known := f.openPGP[p.PubKeyAlgo]; known {
			return f.askOpenPGP(p)
		}
	}
	return Algorithm{}, fmt.Errorf("%w: openpgp algorithm %d", ErrUnsupported, p.PubKeyAlgo)
}

// familyFor returns the family that makes keys of the kind with algorithm a.
func familyFor(kind Kind, a Algorithm) (*family, error) {
	var names []string
	for _, f := range families {
		for _, t := range f.types {
			if t.Kind != kind {
				continue
			}
			if t.Algorithm == a {
				return f, nil
			}
			names = append(names, t.Algorithm.String())
		}
	}
	return nil, fmt.Errorf("algorithm %q: %w for %s keys: want one of %q", a, ErrUnsupported, kind, names)
}

// signHashed signs the SHA-256 of message, as programs for SIF files expect of
// all schemes that sign a hash.
func signHashed(k crypto.Signer, message []byte) ([]byte, error) {
	return k.Sign(rand.Reader, digestOf(crypto.SHA256, message), crypto.SHA256)
}

func digestOf(h crypto.Hash, message []byte) []byte {
	w := h.New()
	w.Write(message)
	return w.Sum(nil)
}
