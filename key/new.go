package key

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Options says what [New] makes. The zero value is the default of its kind,
// except that an OpenPGP key needs a name or a mail address.
type Options struct {
	Algorithm Algorithm     // one of [Types]; zero: Ed25519 for OpenPGP, ECDSAP256 for PEM
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
	if o.Algorithm == (Algorithm{}) {
		o.Algorithm = Ed25519
	}
	f, err := familyFor(OpenPGP, o.Algorithm)
	if err != nil {
		return nil, err
	}
	f.configure(o.Algorithm, config)
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
	if o.Algorithm == (Algorithm{}) {
		o.Algorithm = ECDSAP256
	}
	f, err := familyFor(PEM, o.Algorithm)
	if err != nil {
		return nil, err
	}
	signer, err := f.create(o.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("make a pem key: %w", err)
	}
	return privatePEM(signer)
}
