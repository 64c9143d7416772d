package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"repro/key"
)

// clockSkew is how far ahead of ours a signer's clock may be.
const clockSkew = 5 * time.Minute

// Clearsign signs payload, one line, with an OpenPGP key as of the time at,
// whole seconds. The signature carries no salt: with an Ed25519 or RSA key,
// equal arguments give equal bytes. A subkey made for signing is preferred.
//
// The error says why the key cannot sign at that time.
func Clearsign(payload []byte, k *key.Private, at time.Time) (*Clearsigned, error) {
	policy := key.Policy(at)
	e := k.Entity()
	if _, err := e.VerifyPrimaryKey(at, policy); err != nil {
		return nil, fmt.Errorf("key %s cannot sign at %s: %w", k.Fingerprint(), stamp(at), err)
	}
	signing, ok := e.SigningKey(at, policy)
	if !ok || signing.PrivateKey == nil || signing.PrivateKey.Dummy() {
		return nil, fmt.Errorf("key %s cannot sign at %s: no part of it is there for signing", k.Fingerprint(), stamp(at))
	}
	pub := signing.PublicKey
	sig := &packet.Signature{
		Version:           pub.Version,
		SigType:           packet.SigTypeText,
		PubKeyAlgo:        pub.PubKeyAlgo,
		Hash:              k.Public().SubkeyAlgorithm(pub.KeyId).Hash,
		CreationTime:      at,
		IssuerKeyId:       &pub.KeyId,
		IssuerKeyVersion:  uint8(pub.Version),
		IssuerFingerprint: pub.Fingerprint,
	}
	h := sig.Hash.New()
	h.Write(payload)
	if err := sig.Sign(h, signing.PrivateKey, policy); err != nil {
		return nil, fmt.Errorf("key %s: %w", k.Fingerprint(), err)
	}
	var out bytes.Buffer
	if err := sig.Serialize(&out); err != nil {
		return nil, fmt.Errorf("key %s: %w", k.Fingerprint(), err)
	}
	c, err := NewClearsigned(payload, out.Bytes())
	if err != nil {
		return nil, err
	}
	return c, c.Verify(k.Public(), at) // a faulty machine must not leave a bad signature
}

// Time returns when the signature was made, by the signer's word.
func (c *Clearsigned) Time() time.Time { return c.Signature.CreationTime.UTC() }

// Issuer returns the fingerprint of the key or subkey that the signature
// names, or only its key id (16 digits), or "". Anyone can write anything
// there.
func (c *Clearsigned) Issuer() string {
	switch s := c.Signature; {
	case s.IssuerFingerprint != nil:
		return fmt.Sprintf("%X", s.IssuerFingerprint)
	case s.IssuerKeyId != nil:
		return fmt.Sprintf("%016X", *s.IssuerKeyId)
	}
	return ""
}

// Verify checks that p made the signature, and was entitled to at the time
// that the signature states: not before it was made, not after it expired, was
// superseded or retired; a key that was revoked for any other reason never
// was. Errors wrap those of this package.
//
// The time is the signer's word. Whoever steals an expired key can sign for a
// time when it was valid.
func (c *Clearsigned) Verify(p *key.Public, now time.Time) error {
	signer := c.signer(p.Entity())
	if signer == nil {
		return ErrUnknown
	}
	if err := c.checkMade(signer); err != nil {
		return err
	}
	made := c.Time()
	switch {
	case made.After(now.Add(clockSkew)):
		return fmt.Errorf("%w: dated %s, in the future", ErrInvalid, stamp(made))
	case made.Before(p.Created()):
		return fmt.Errorf("%w: dated %s, before the key was made", ErrInvalid, stamp(made))
	case made.After(now):
		now = made
	}
	e := p.Entity()
	_, _, err := openpgp.VerifyDetachedSignature(
		openpgp.EntityList{e}, bytes.NewReader(c.Payload), bytes.NewReader(c.packet), key.Policy(now))
	if err != nil {
		return c.explain(e, err)
	}
	return nil
}

// NoLongerValid says why p, or the subkey of p that made the signature, is no
// longer valid at the time now, although signatures from before stay valid; or
// "". See [key.Public.NoLongerValid].
func (c *Clearsigned) NoLongerValid(p *key.Public, now time.Time) string {
	if made := c.Time(); made.After(now) { // by a clock that is ahead of ours
		now = made
	}
	if why := p.NoLongerValid(now); why != "" || c.Signature.IssuerKeyId == nil {
		return why
	}
	return p.SubkeyNoLongerValid(*c.Signature.IssuerKeyId, now)
}

// signer returns the primary key or subkey of e that the signature names, or
// nil.
func (c *Clearsigned) signer(e *openpgp.Entity) *packet.PublicKey {
	if e == nil || c.Signature.IssuerKeyId == nil {
		return nil
	}
	id := *c.Signature.IssuerKeyId
	if e.PrimaryKey.KeyId == id {
		return e.PrimaryKey
	}
	for _, s := range e.Subkeys {
		if s.PublicKey.KeyId == id {
			return s.PublicKey
		}
	}
	return nil
}

// checkMade checks that signer made the signature, whether it might or not,
// and what go-crypto passes over: the first bytes of the hash, and the signing
// key's fingerprint where it stands unsigned in the packet.
func (c *Clearsigned) checkMade(signer *packet.PublicKey) error {
	h := c.Signature.Hash.New()
	h.Write(c.Payload)
	if err := signer.VerifySignature(h, c.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrNotMade, err)
	}
	if !bytes.HasPrefix(h.Sum(nil), c.Signature.HashTag[:]) { // VerifySignature hashed the rest
		return malformed("the first bytes of the hash are wrong")
	}
	if f := c.Signature.IssuerFingerprint; f != nil && !bytes.Equal(f, signer.Fingerprint) {
		return malformed("it names key %X but was made by %X", f, signer.Fingerprint)
	}
	return nil
}

// explain turns go-crypto's reasons into this package's. Where a subkey
// signed, go-crypto does not say what is wrong with it.
func (c *Clearsigned) explain(e *openpgp.Entity, err error) error {
	made := c.Time()
	for i := range e.Subkeys {
		if s := &e.Subkeys[i]; s.PublicKey.KeyId == *c.Signature.IssuerKeyId {
			if _, reason := s.Verify(made, key.Policy(made)); reason != nil {
				err = reason
			}
		}
	}
	var weak pgperrors.WeakAlgorithmError
	switch {
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return fmt.Errorf("%w: it expired before %s", ErrExpired, stamp(made))
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return fmt.Errorf("%w: the signature of %s was made for a limited time", ErrExpired, stamp(made))
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return fmt.Errorf("%w: %s", ErrRevoked, revocation(e, made))
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return ErrUnknown
	case errors.As(err, &weak):
		return fmt.Errorf("%w: %w", ErrWeak, err)
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

var revocationReasons = map[packet.ReasonForRevocation]string{
	packet.KeySuperseded:  "superseded",
	packet.KeyCompromised: "compromised",
	packet.KeyRetired:     "retired",
}

// revocation says why e does not count for a signature that was made then.
func revocation(e *openpgp.Entity, made time.Time) string {
	for _, s := range e.Revocations {
		reason := packet.NoReason
		if r := s.Packet.RevocationReason; r != nil {
			reason = *r
		}
		later := s.Packet.CreationTime.After(made)
		if s.Valid == nil || !*s.Valid || later && (reason == packet.KeySuperseded || reason == packet.KeyRetired) {
			continue
		}
		text := "on " + stamp(s.Packet.CreationTime)
		if name := revocationReasons[reason]; name != "" {
			text += " as " + name
		}
		return text
	}
	return "the subkey that signed"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Algorithm returns what p or its subkey made the signature with; zero if it
// is not p's.
func (c *Clearsigned) Algorithm(p *key.Public) key.Algorithm {
	if p == nil || c.Signature.IssuerKeyId == nil {
		return key.Algorithm{}
	}
	a := p.SubkeyAlgorithm(*c.Signature.IssuerKeyId)
	if a.Family != "" {
		a.Hash = c.Signature.Hash
	}
	return a
}
