package signature

import (
	"fmt"

	"repro/key"
)

// Sign adds a signature by a PEM key to the envelope: Ed25519 over the message
// itself (RFC 8032), ECDSA and RSA PKCS #1 v1.5 over its SHA-256, as SIF tools
// expect. A signature with the same key id is replaced.
func (e *Envelope) Sign(k *key.Private) error {
	sig, err := k.Sign(e.Signed())
	if err != nil {
		return err
	}
	made := EnvelopeSignature{string(k.Fingerprint()), sig}
	if err := e.Verify(made, k.Public()); err != nil { // a faulty machine must not leave a bad signature
		return err
	}
	return e.Add(made)
}

// Add adds a signature that was made elsewhere, in the place of one with the
// same key id. It is not verified.
func (e *Envelope) Add(made EnvelopeSignature) error {
	for i, s := range e.Signatures {
		if s.KeyID == made.KeyID {
			e.Signatures[i] = made
			return nil
		}
	}
	if len(e.Signatures) >= MaxSigners {
		return fmt.Errorf("the envelope holds %d signatures, and no more fit", MaxSigners)
	}
	e.Signatures = append(e.Signatures, made)
	return nil
}

// Verify checks that p made signature s over the envelope. The key id is not
// what is trusted, but one that names another key is refused, because nothing
// else would notice that it was changed. Errors wrap [ErrUnknown],
// [ErrInvalid] or [ErrMalformed].
func (e *Envelope) Verify(s EnvelopeSignature, p *key.Public) error {
	named := s.KeyID == string(p.Fingerprint())
	switch made := p.Verify(e.Signed(), s.Sig); {
	case made && named:
		return nil
	case made:
		return malformed("it names key %q but was made by %s", s.KeyID, p.Fingerprint())
	case named:
		return ErrNotMade
	}
	return ErrUnknown
}
