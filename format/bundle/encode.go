package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// Encode returns the document, by BDL-4: without white space, keys in the order
// of the protobuf form, what is empty left out. It is that of a bundle that
// [Parse] accepts if the parts of b are within the limits.
func (b *Bundle) Encode() []byte {
	j := bundleJSON{MediaType: MediaType, Material: b.material()}
	if e := b.Envelope; e != nil {
		j.Envelope = &envelopeJSON{text(e.Payload), e.PayloadType, []signatureJSON{{text(e.Signature), e.KeyID}}}
	}
	if m := b.Message; m != nil {
		j.Message = &messageJSON{Signature: text(m.Signature)}
		if m.Hash != "" {
			j.Message.Digest = &digestJSON{m.Hash, text(m.Digest)}
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(j) // structs of strings do not fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func (b *Bundle) material() (m materialJSON) {
	if b.Certificate != nil {
		m.Certificate = &certificateJSON{text(b.Certificate)}
	} else {
		m.PublicKey = &publicKeyJSON{b.KeyHint}
	}
	for _, e := range b.Log {
		m.Log = append(m.Log, entryOf(e))
	}
	if len(b.Timestamps) > 0 {
		m.Timestamps = &timestampsJSON{}
	}
	for _, t := range b.Timestamps {
		m.Timestamps.Tokens = append(m.Timestamps.Tokens, timestampJSON{text(t)})
	}
	return m
}

func entryOf(e LogEntry) entryJSON {
	j := entryJSON{
		Index: number(e.Index),
		LogID: logIDJSON{text(e.LogID)},
		Kind:  kindJSON{e.Kind, e.Version},
		Time:  number(e.IntegratedTime),
		Proof: proofJSON{
			Index: number(e.Proof.Index), Root: text(e.Proof.RootHash), Size: number(e.Proof.TreeSize),
			Checkpoint: checkpointJSON{e.Proof.Checkpoint},
		},
		Body: text(e.Body),
	}
	for _, h := range e.Proof.Hashes {
		j.Proof.Hashes = append(j.Proof.Hashes, text(h))
	}
	if len(e.Promise) > 0 {
		j.Promise = &promiseJSON{text(e.Promise)}
	}
	return j
}

func text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// number writes a 64-bit number as protobuf does in JSON; 0 is left out.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// The document, in the order in which it is written.
type (
	bundleJSON struct {
		MediaType string        `json:"mediaType"`
		Material  materialJSON  `json:"verificationMaterial"`
		Message   *messageJSON  `json:"messageSignature,omitempty"`
		Envelope  *envelopeJSON `json:"dsseEnvelope,omitempty"`
	}
	materialJSON struct {
		PublicKey   *publicKeyJSON   `json:"publicKey,omitempty"`
		Certificate *certificateJSON `json:"certificate,omitempty"`
		Log         []entryJSON      `json:"tlogEntries,omitempty"`
		Timestamps  *timestampsJSON  `json:"timestampVerificationData,omitempty"`
	}
	publicKeyJSON struct {
		Hint string `json:"hint,omitempty"`
	}
	certificateJSON struct {
		Raw string `json:"rawBytes"`
	}
	timestampsJSON struct {
		Tokens []timestampJSON `json:"rfc3161Timestamps"`
	}
	timestampJSON struct {
		Token string `json:"signedTimestamp"`
	}
	messageJSON struct {
		Digest    *digestJSON `json:"messageDigest,omitempty"`
		Signature string      `json:"signature"`
	}
	digestJSON struct {
		Algorithm string `json:"algorithm"`
		Digest    string `json:"digest"`
	}
	envelopeJSON struct {
		Payload    string          `json:"payload"`
		Type       string          `json:"payloadType"`
		Signatures []signatureJSON `json:"signatures"`
	}
	signatureJSON struct {
		Sig   string `json:"sig"`
		KeyID string `json:"keyid,omitempty"`
	}
	entryJSON struct {
		Index   string       `json:"logIndex,omitempty"`
		LogID   logIDJSON    `json:"logId"`
		Kind    kindJSON     `json:"kindVersion"`
		Time    string       `json:"integratedTime,omitempty"`
		Promise *promiseJSON `json:"inclusionPromise,omitempty"`
		Proof   proofJSON    `json:"inclusionProof"`
		Body    string       `json:"canonicalizedBody,omitempty"`
	}
	logIDJSON struct {
		KeyID string `json:"keyId"`
	}
	kindJSON struct {
		Kind    string `json:"kind"`
		Version string `json:"version"`
	}
	promiseJSON struct {
		Timestamp string `json:"signedEntryTimestamp"`
	}
	proofJSON struct {
		Index      string         `json:"logIndex,omitempty"`
		Root       string         `json:"rootHash"`
		Size       string         `json:"treeSize,omitempty"`
		Hashes     []string       `json:"hashes,omitempty"`
		Checkpoint checkpointJSON `json:"checkpoint"`
	}
	checkpointJSON struct {
		Envelope string `json:"envelope"`
	}
)
