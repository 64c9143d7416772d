// Package key makes, reads, names and writes the keys that sign images.
//
// There are two kinds. [OpenPGP] keys (RFC 4880 version 4; Ed25519 as the
// "EdDSA" algorithm 22 unless asked otherwise, because that is what GnuPG 2.2,
// Sequoia and Apptainer all read) carry names, an expiry and revocations. [PEM]
// keys (ECDSA P-256, Ed25519 or RSA, as OpenSSL, cosign and `apptainer sign
// --key` use them) are bare.
//
// Parsing goes by content, never by file name, and is bounded by [MaxFile].
// What is too weak to vouch for anything is refused at the door: RSA below
// [MinRSABits], DSA, ElGamal, curves below 256 bits.
//
// A private key is not taken where a public one is wanted, although the public
// part could be derived: whoever hands a private key to a reviewer by mistake
// should learn of it ([ErrPrivate]).
package key

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Limits on keys.
const (
	MaxFile    = 1 << 20 // bytes of a key file
	MinRSABits = 2048
	MaxRSABits = 8192
)

// What can be wrong with a key. Every error of this package wraps one of
// these, or comes from a passphrase callback.
var (
	ErrNotKey      = errors.New("not a key that repro can read")
	ErrPublic      = errors.New("a public key where a private one is needed")
	ErrPrivate     = errors.New("a private key where a public one is needed")
	ErrPassphrase  = errors.New("wrong or missing passphrase")
	ErrWeak        = errors.New("too weak to vouch for anything")
	ErrUnsupported = errors.New("not supported")
)

// Kind says to which family a key belongs, and with it what a signature by it
// looks like.
type Kind string

// The kinds of keys.
const (
	OpenPGP Kind = "openpgp"
	PEM     Kind = "pem"
)

// Public is a public key. It may be shared by goroutines.
type Public struct {
	kind        Kind
	fingerprint Fingerprint
	algorithm   Algorithm
	entity      *openpgp.Entity  // OpenPGP
	family      *family          // PEM
	key         crypto.PublicKey // PEM
}

// Kind returns the family of the key.
func (p *Public) Kind() Kind { return p.kind }

// Fingerprint returns the full fingerprint.
func (p *Public) Fingerprint() Fingerprint { return p.fingerprint }

// Algorithm says how the key signs.
func (p *Public) Algorithm() Algorithm { return p.algorithm }

// Verify reports whether sig is a bare signature over message by a PEM key. It
// is false for an OpenPGP key, whose signatures are packets.
func (p *Public) Verify(message, sig []byte) bool {
	return p.family != nil && p.family.verify(p.key, message, sig)
}

// Entity returns an OpenPGP key as go-crypto knows it, nil for a PEM key. It
// must not be changed.
func (p *Public) Entity() *openpgp.Entity { return p.entity }

// Crypto returns a PEM key as the standard library knows it, nil for an
// OpenPGP key.
func (p *Public) Crypto() crypto.PublicKey { return p.key }

// Created returns when an OpenPGP key says that it was made; zero for PEM.
func (p *Public) Created() time.Time {
	if p.entity == nil {
		return time.Time{}
	}
	return p.entity.PrimaryKey.CreationTime.UTC()
}

// Expires returns when an OpenPGP key stops being valid; zero if never.
func (p *Public) Expires() time.Time {
	if p.entity == nil {
		return time.Time{}
	}
	self, err := p.entity.PrimarySelfSignature(time.Time{}, nil)
	if err != nil || self.KeyLifetimeSecs == nil || *self.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return p.Created().Add(time.Duration(*self.KeyLifetimeSecs) * time.Second)
}

// Private is a private key, ready to sign.
type Private struct {
	public *Public
	entity *openpgp.Entity // OpenPGP, decrypted
	signer crypto.Signer   // PEM
}

// Public returns the public part.
func (k *Private) Public() *Public { return k.public }

// Kind returns the family of the key.
func (k *Private) Kind() Kind { return k.public.kind }

// Fingerprint returns the full fingerprint of the public part.
func (k *Private) Fingerprint() Fingerprint { return k.public.fingerprint }

// Entity returns an OpenPGP key with its decrypted private parts, nil for a
// PEM key. It must not be changed.
func (k *Private) Entity() *openpgp.Entity { return k.entity }

// Sign returns a bare signature over message by a PEM key, as SIF tools expect
// it of the key's algorithm. An OpenPGP key makes none ([ErrUnsupported]).
func (k *Private) Sign(message []byte) ([]byte, error) {
	f := k.public.family
	if f == nil {
		return nil, fmt.Errorf("key %s: %w: a bare signature by an openpgp key", k.Fingerprint(), ErrUnsupported)
	}
	sig, err := f.sign(k.signer, message)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.Fingerprint(), err)
	}
	return sig, nil
}

// Signer returns a PEM key as the standard library knows it, nil for an
// OpenPGP key.
func (k *Private) Signer() crypto.Signer { return k.signer }
