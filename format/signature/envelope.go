package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// PayloadType is the type of the payload in an envelope that signs a SIF file.
const PayloadType = "application/vnd.sylabs.sif-metadata+json"

// Envelope is a DSSE envelope (secure-systems-lab/dsse, envelope.md) whose
// payload has [PayloadType].
type Envelope struct {
	Payload    []byte
	Signatures []EnvelopeSignature // in the order in which they were made
}

// EnvelopeSignature is one signature over [Envelope.Signed].
type EnvelopeSignature struct {
	KeyID string // fingerprint of the key, "SHA256:…"
	Sig   []byte
}

type envelopeJSON struct {
	PayloadType string              `json:"payloadType"`
	Payload     string              `json:"payload"`
	Signatures  []envelopeEntryJSON `json:"signatures"`
}

type envelopeEntryJSON struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// Signed returns the bytes that the signatures are over: DSSE's
// pre-authentication encoding (protocol.md).
func (e *Envelope) Signed() []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(PayloadType), PayloadType, len(e.Payload), e.Payload)
}

// Encode returns the bytes of the envelope.
func (e *Envelope) Encode() []byte {
	j := envelopeJSON{
		PayloadType: PayloadType,
		Payload:     base64.StdEncoding.EncodeToString(e.Payload),
		Signatures:  []envelopeEntryJSON{},
	}
	for _, s := range e.Signatures {
		j.Signatures = append(j.Signatures, envelopeEntryJSON{s.KeyID, base64.StdEncoding.EncodeToString(s.Sig)})
	}
	b, _ := json.Marshal(j) // structs of strings do not fail
	return b
}

func parseEnvelope(b []byte) (*Envelope, error) {
	var j envelopeJSON
	if bytes.Contains(b, []byte(`"messageSignature"`)) {
		return nil, malformed("a sigstore bundle over a file, as cosign sign-blob makes it: it is over the bytes of a file, not over an image; the program that made it checks it")
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return nil, malformed("envelope: %v", err)
	}
	if j.PayloadType != PayloadType {
		return nil, malformed("envelope of type %q, want %s", j.PayloadType, PayloadType)
	}
	if n := len(j.Signatures); n == 0 || n > MaxSigners {
		return nil, malformed("envelope with %d signatures, want 1 to %d", n, MaxSigners)
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(j.Payload)
	if err != nil {
		return nil, malformed("envelope: payload: %v", err)
	}
	e := &Envelope{Payload: payload}
	seen := map[string]bool{}
	for i, s := range j.Signatures {
		sig, err := base64.StdEncoding.Strict().DecodeString(s.Sig)
		if err != nil || len(sig) == 0 {
			return nil, malformed("envelope: signature %d is not base64", i+1)
		}
		if seen[s.KeyID] {
			return nil, malformed("envelope: two signatures by key %q", s.KeyID)
		}
		seen[s.KeyID] = true
		e.Signatures = append(e.Signatures, EnvelopeSignature{s.KeyID, sig})
	}
	// Doubled, unknown or oddly cased keys, other spacing and escapes all fail here.
	if !bytes.Equal(b, e.Encode()) {
		return nil, malformed("envelope: not written as Go's encoding/json would")
	}
	return e, nil
}
