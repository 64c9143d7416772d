package key

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Policy returns what repro asks of OpenPGP cryptography, for go-crypto's v2
// API, as of the time now: RSA of [MinRSABits], no DSA or ElGamal, no MD5,
// RIPEMD-160 or SHA-1 even in the signatures that a key makes over itself.
func Policy(now time.Time) *packet.Config {
	broken := map[crypto.Hash]bool{crypto.MD5: true, crypto.RIPEMD160: true, crypto.SHA1: true}
	return &packet.Config{
		Time:                        func() time.Time { return now },
		DefaultHash:                 crypto.SHA256,
		MinRSABits:                  MinRSABits,
		RejectHashAlgorithms:        broken,
		RejectMessageHashAlgorithms: broken,
		RejectPublicKeyAlgorithms: map[packet.PublicKeyAlgorithm]bool{
			packet.PubKeyAlgoDSA: true, packet.PubKeyAlgoElGamal: true,
		},
		RejectCurves:                          map[packet.Curve]bool{packet.CurveSecP256k1: true},
		NonDeterministicSignaturesViaNotation: packet.BoolPointer(false),
	}
}

// Packet tags (RFC 4880 section 4.3).
const (
	tagSignature = 2
	tagSecretKey = 5
	tagPublicKey = 6
)

// packetTag returns the tag in the first byte of a packet, -1 if b starts no
// packet.
func packetTag(b byte) int {
	switch {
	case b&0x80 == 0:
		return -1
	case b&0x40 != 0:
		return int(b & 0x3f)
	}
	return int(b >> 2 & 0x0f)
}

func parsePublicOpenPGP(b []byte) (*Public, error) {
	e, err := readEntity(b)
	if err != nil {
		return nil, err
	}
	if e.PrivateKey != nil {
		return nil, ErrPrivate
	}
	return publicOpenPGP(e)
}

func parsePrivateOpenPGP(b []byte, ask PassphraseFunc) (*Private, error) {
	e, err := readEntity(b)
	if err != nil {
		return nil, err
	}
	if e.PrivateKey == nil {
		return nil, ErrPublic
	}
	if encrypted(e) {
		if ask == nil {
			return nil, fmt.Errorf("%w: the key is encrypted", ErrPassphrase)
		}
		if err := checkS2K(e); err != nil {
			return nil, err
		}
		passphrase, err := ask()
		if err != nil {
			return nil, err
		}
		if err := e.DecryptPrivateKeys(passphrase); err != nil {
			return nil, fmt.Errorf("%w: the key does not open", ErrPassphrase)
		}
	}
	return privateOpenPGP(e)
}

func encrypted(e *openpgp.Entity) bool {
	return e.PrivateKey.Encrypted || slices.ContainsFunc(e.Subkeys, func(s openpgp.Subkey) bool {
		return s.PrivateKey != nil && s.PrivateKey.Encrypted
	})
}

// readEntity reads the one key in b, armoured or not.
func readEntity(b []byte) (*openpgp.Entity, error) {
	if packetTag(b[0]) < 0 {
		if n := bytes.Count(b, []byte("-----BEGIN PGP ")); n != 1 {
			return nil, fmt.Errorf("%w: %d armoured blocks, want one", ErrNotKey, n)
		}
		block, err := armor.Decode(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%w: damaged armour: %w", ErrNotKey, err)
		}
		if b, err = io.ReadAll(block.Body); err != nil {
			return nil, fmt.Errorf("%w: damaged armour: %w", ErrNotKey, err)
		}
	}
	if len(b) > 0 && packetTag(b[0]) == tagSignature {
		return nil, fmt.Errorf("%w: a revocation certificate or signature", ErrNotKey)
	}
	list, err := openpgp.ReadKeyRing(bytes.NewReader(b))
	var unsupported pgperrors.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotKey, err)
	case len(list) != 1:
		return nil, fmt.Errorf("%w: %d keys in one file", ErrNotKey, len(list))
	}
	return list[0], nil
}

func publicOpenPGP(e *openpgp.Entity) (*Public, error) {
	algorithm, err := checkEntity(e)
	if err != nil {
		return nil, err
	}
	return &Public{
		kind:        OpenPGP,
		fingerprint: openPGPFingerprint(e.PrimaryKey.Fingerprint),
		algorithm:   algorithm,
		entity:      e,
	}, nil
}

func privateOpenPGP(e *openpgp.Entity) (*Private, error) {
	public, err := publicOpenPGP(publicPart(e))
	if err != nil {
		return nil, err
	}
	return &Private{public: public, entity: e}, nil
}

// publicPart returns e without its secrets.
func publicPart(e *openpgp.Entity) *openpgp.Entity {
	p := *e
	p.PrivateKey = nil
	p.Subkeys = slices.Clone(e.Subkeys)
	for i := range p.Subkeys {
		p.Subkeys[i].PrivateKey = nil
	}
	return &p
}

func checkEntity(e *openpgp.Entity) (Algorithm, error) {
	primary := e.PrimaryKey
	if primary.Version != 4 {
		return Algorithm{}, fmt.Errorf("%w: openpgp key of version %d: SIF has room for the fingerprint of version 4 only", ErrUnsupported, primary.Version)
	}
	algorithm, err := openPGPAlgorithm(primary)
	if err != nil {
		return Algorithm{}, err
	}
	checkSelfSignatures(e)
	if _, err := e.PrimarySelfSignature(time.Time{}, Policy(time.Time{})); err != nil {
		return Algorithm{}, fmt.Errorf("%w: no name on the openpgp key is signed by it with an acceptable hash", ErrNotKey)
	}
	return algorithm, nil
}

// SubkeyAlgorithm is [Public.Algorithm] of the part of an OpenPGP key that has
// the given key id; zero if there is none or it is not acceptable.
func (p *Public) SubkeyAlgorithm(id uint64) Algorithm {
	if p.entity == nil {
		return Algorithm{}
	}
	if p.entity.PrimaryKey.KeyId == id {
		return p.algorithm
	}
	for _, s := range p.entity.Subkeys {
		if s.PublicKey.KeyId == id {
			a, _ := openPGPAlgorithm(s.PublicKey)
			return a
		}
	}
	return Algorithm{}
}

func (p *Public) encodeOpenPGP() ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&out, "PGP PUBLIC KEY BLOCK", nil, true)
	if err != nil {
		return nil, err
	}
	if err := writeEntity(w, p.entity); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// writeEntity writes the packets of e in an order that does not depend on the
// order of Go maps.
func writeEntity(w io.Writer, e *openpgp.Entity) error {
	primary := e.PrimaryKey.Serialize
	if e.PrivateKey != nil {
		primary = e.PrivateKey.Serialize
	}
	if err := primary(w); err != nil {
		return err
	}
	for _, s := range slices.Concat(e.Revocations, e.DirectSignatures) {
		if err := s.Packet.Serialize(w); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Identities)) {
		if err := e.Identities[name].Serialize(w); err != nil {
			return err
		}
	}
	for _, s := range e.Subkeys {
		if err := s.Serialize(w, e.PrivateKey != nil); err != nil {
			return err
		}
	}
	return nil
}

func (k *Private) encodeOpenPGP(passphrase []byte) ([]byte, error) {
	e := k.entity
	if len(passphrase) > 0 {
		var err error
		if e, err = encryptedCopy(e, passphrase); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&out, "PGP PRIVATE KEY BLOCK", nil, true)
	if err != nil {
		return nil, err
	}
	if err := writeEntity(w, e); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// encryptedCopy returns e with its secrets encrypted in the way that every
// OpenPGP program reads: AES-256 under an iterated and salted SHA-256.
func encryptedCopy(e *openpgp.Entity, passphrase []byte) (*openpgp.Entity, error) {
	var plain bytes.Buffer
	if err := writeEntity(&plain, e); err != nil {
		return nil, err
	}
	e, err := readEntity(plain.Bytes())
	if err != nil {
		return nil, err
	}
	const slowest = 65011712 // the largest count that RFC 4880 can say
	err = e.EncryptPrivateKeys(passphrase, &packet.Config{
		DefaultCipher: packet.CipherAES256,
		S2KConfig:     &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: slowest},
	})
	return e, err
}
