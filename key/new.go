package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Algorithm chooses what [New] makes.
type Algorithm string

// The algorithms of new keys.
const (
	Ed25519   Algorithm = "ed25519"    // the default of OpenPGP
	ECDSAP256 Algorithm = "ecdsa-p256" // the default of PEM; not for OpenPGP
	RSA3072   Algorithm = "rsa3072"
	RSA4096   Algorithm = "rsa4096"
)

// Options says what [New] makes. The zero value is the default of its kind,
// except that an OpenPGP key needs a name or a mail address.
type Options struct {
	Algorithm Algorithm
	Name      string        // OpenPGP: whose key it is
	Email     string        // OpenPGP
	Time      time.Time     // OpenPGP: when it was made; zero: now
	Lifetime  time.Duration // OpenPGP: whole seconds; 0: does not expire
}

const maxUserIDPart = 120 // characters of a name or address

// New makes a key from the system's randomness. Keep a revocation certificate
// of an OpenPGP key from the start: see [Private.Revoke].
func New(kind Kind, o Options) (*Private, error) {
	switch kind {
	case OpenPGP:
		return newOpenPGP(o)
	case PEM:
		return newPEM(o)
	}
	return nil, fmt.Errorf("key kind %q: %w: want openpgp or pem", string(kind), ErrUnsupported)
}

func newOpenPGP(o Options) (*Private, error) {
	if err := checkUserID(o); err != nil {
		return nil, err
	}
	config := &packet.Config{
		Time:                                  func() time.Time { return o.Time },
		NonDeterministicSignaturesViaNotation: packet.BoolPointer(false),
	}
	if o.Time.IsZero() {
		config.Time = nil
	}
	switch seconds := int64(o.Lifetime / time.Second); {
	case seconds < 0 || seconds > math.MaxUint32 || o.Lifetime > 0 && seconds == 0:
		return nil, fmt.Errorf("key lifetime %v: %w: at least a second and at most 136 years", o.Lifetime, ErrUnsupported)
	default:
		config.KeyLifetimeSecs = uint32(seconds)
	}
	switch o.Algorithm {
	case "", Ed25519:
		config.Algorithm, config.Curve = packet.PubKeyAlgoEdDSA, packet.Curve25519
	case RSA3072:
		config.Algorithm, config.RSABits = packet.PubKeyAlgoRSA, 3072
	case RSA4096:
		config.Algorithm, config.RSABits = packet.PubKeyAlgoRSA, 4096
	default:
		return nil, fmt.Errorf("algorithm %q: %w for openpgp keys: want ed25519, rsa3072 or rsa4096", string(o.Algorithm), ErrUnsupported)
	}
	e, err := openpgp.NewEntity(o.Name, "", o.Email, config)
	if err != nil {
		return nil, fmt.Errorf("make an openpgp key: %w", err)
	}
	e.Subkeys = nil // it came with one for encryption; this key only signs
	return privateOpenPGP(e)
}

func checkUserID(o Options) error {
	if o.Name == "" && o.Email == "" {
		return fmt.Errorf("openpgp key: %w without a name or a mail address", ErrUnsupported)
	}
	for _, part := range []string{o.Name, o.Email} {
		bad := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune("()<>", r) }
		if !utf8.ValidString(part) || strings.ContainsFunc(part, bad) {
			return fmt.Errorf("openpgp key: name %q: %w: control characters and ()<> cannot stand in it", part, ErrUnsupported)
		}
		if utf8.RuneCountInString(part) > maxUserIDPart {
			return fmt.Errorf("openpgp key: name of %d characters: %w: at most %d", utf8.RuneCountInString(part), ErrUnsupported, maxUserIDPart)
		}
	}
	return nil
}

func newPEM(o Options) (*Private, error) {
	var signer crypto.Signer
	var err error
	switch o.Algorithm {
	case "", ECDSAP256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case RSA3072:
		signer, err = rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		signer, err = rsa.GenerateKey(rand.Reader, 4096)
	default:
		return nil, fmt.Errorf("algorithm %q: %w for pem keys: want ecdsa-p256, ed25519, rsa3072 or rsa4096", string(o.Algorithm), ErrUnsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("make a pem key: %w", err)
	}
	return privatePEM(signer)
}
