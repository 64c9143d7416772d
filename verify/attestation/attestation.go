// Package attestation finds out who signed a statement about an image, and
// whether the signature is good: the first half of what package verify says of
// attestations. What the statement says, and whether its signer counts, is
// judged there, beside the signatures of the image.
//
// The envelope of a bundle is signed in one of two ways. A PEM key signs the
// pre-authentication encoding as DSSE has it, so that cosign can check it. An
// OpenPGP key makes a signature packet over the same bytes, which are one line
// of text, so that gpg can. SPEC.md, ATT-9 to ATT-11.
package attestation

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"repro/attest/statement"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/key"
)

// Signed is a statement, and how its signature came about.
type Signed struct {
	Statement *statement.Statement
	Digest    manifest.Digest // of the statement's bytes
	Named     string          // the key that the bundle names; unsigned
	By        *key.Public     // nil if no key that was given made it
	With      key.Algorithm
	At        time.Time // by the signer's word in the signature; the caller's now where it has none
	Value     []byte    // the signature: what time stamps are over

	packet *signature.Clearsigned // by an OpenPGP key
}

// NoLongerValid says why the key that signed is no longer valid at the time
// now, although what it signed before stays valid; or "".
func (s *Signed) NoLongerValid(now time.Time) string {
	if s.packet == nil || s.By == nil {
		return ""
	}
	return s.packet.NoLongerValid(s.By, now)
}

// Judge reads the statement in b and looks for the one of keys that signed it.
// Errors wrap those of package signature; the result then holds what is known.
// The statement of a signature that is not good is nobody's: it is read only so
// that one that breaks the rules is told from one of an unknown signer.
func Judge(b *bundle.Bundle, keys []*key.Public, now time.Time) (Signed, error) {
	s := Signed{At: now, Named: b.KeyHint}
	e := b.Envelope
	switch {
	case e == nil:
		return s, malformed("it signs a file and holds no statement")
	case e.PayloadType != statement.PayloadType:
		return s, malformed("payload of type %.80q, want %s", e.PayloadType, statement.PayloadType)
	}
	var err error
	if s.Statement, err = statement.Parse(e.Payload); err != nil {
		return s, malformed("%v", err)
	}
	s.Digest, s.Value = manifest.DigestOf(e.Payload), e.Signature
	if b.Certificate != nil {
		s.Named = ""
		return s, fmt.Errorf("%w: signed with a certificate, and nobody said whose certificates count", signature.ErrUnknown)
	}
	return s, s.find(e.Signed(), keys, now)
}

// find looks for the key that made the signature over text.
func (s *Signed) find(text []byte, keys []*key.Public, now time.Time) error {
	packet, broken := signature.NewClearsigned(text, s.Value)
	if broken == nil {
		s.At = packet.Time()
	}
	best := signature.ErrUnknown
	for _, p := range keys {
		var err error
		switch {
		case p.Kind() == key.PEM:
			err = s.byPEM(text, p)
		case broken == nil:
			err = packet.Verify(p, now)
		case s.Named == string(p.Fingerprint()):
			err = broken
		default:
			err = signature.ErrUnknown
		}
		if errors.Is(err, signature.ErrUnknown) || s.By != nil && err != nil {
			continue
		}
		s.By, best = p, err
		if p.Kind() == key.PEM {
			s.With, s.At = p.Algorithm(), now
		} else if broken == nil {
			s.With, s.packet = packet.Algorithm(p), packet
			if err == nil && s.Named != string(p.Fingerprint()) {
				best = malformed("it names key %.80q but was made by %s", s.Named, p.Fingerprint())
			}
		}
		if best == nil {
			break
		}
	}
	return best
}

// byPEM checks that p made the signature. A bundle that names another key is
// refused, as nothing else would notice that the name was changed.
func (s *Signed) byPEM(text []byte, p *key.Public) error {
	made := p.Verify(text, s.Value)
	switch named := s.Named == string(p.Fingerprint()); {
	case made && (named || s.Named == "" || s.Named == hint(p)):
		return nil
	case made:
		return malformed("it names key %.80q but was made by %s", s.Named, p.Fingerprint())
	case named:
		return fmt.Errorf("%w: not made by the key that it names", signature.ErrInvalid)
	}
	return signature.ErrUnknown
}

// hint is what cosign calls a key: the SHA-256 of its SubjectPublicKeyInfo
// (RFC 6962, section 3.2) in base64.
func hint(p *key.Public) string {
	der, err := x509.MarshalPKIXPublicKey(p.Crypto())
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func malformed(text string, args ...any) error {
	return fmt.Errorf("%w: %s", signature.ErrMalformed, fmt.Sprintf(text, args...))
}

// Is reports whether an object of signatures is meant to be a bundle.
func Is(b []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(`{"mediaType"`)) }
