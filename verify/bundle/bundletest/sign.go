package bundletest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"

	"repro/format/bundle"
)

// Signing says what a bundle is to be like.
type Signing struct {
	Subject, Provider string
	At                time.Time
	Key               *ecdsa.PrivateKey // nil: a new one, and a certificate for it; else a bundle by that key alone

	Type    string // of an envelope's payload; empty: a bare signature
	Payload []byte

	Log         int  // version, 1 or 2; 0: not logged
	Hashed      bool // an envelope is in a log of version 1 as what it signs, not as an envelope
	Stamped     bool
	NoPromise   bool
	LogKey      *ecdsa.PrivateKey    // that signs the checkpoint; nil: the log's
	Certificate []func(*Certificate) // changes
	Body        func(string) string  // changes what the log has
	Index       int64                // of the entry among Leaves; -1 stands for their number
	Leaves      int                  // others in the log
}

// Sign makes a bundle.
func (s *Sigstore) Sign(o Signing) *bundle.Bundle {
	b := &bundle.Bundle{}
	k := o.Key
	if k == nil {
		k = newKey()
		b.Certificate = s.Certify(k.Public(), o.Subject, o.Provider, o.At, o.Certificate...).Raw
	}
	message := o.Payload
	if o.Type != "" {
		b.Envelope = &bundle.Envelope{PayloadType: o.Type, Payload: o.Payload}
		message = b.Envelope.Signed()
	}
	sig := signHash(k, message)
	digest := sha256.Sum256(message)
	if b.Envelope != nil {
		b.Envelope.Signature = sig
	} else {
		b.Message = &bundle.Message{Hash: "SHA2_256", Digest: digest[:], Signature: sig}
	}
	if o.Stamped {
		b.Timestamps = [][]byte{s.TSA.Token(sig, crypto.SHA256, o.At.Add(time.Minute))}
	}
	if o.Log > 0 {
		b.Log = []bundle.LogEntry{s.entry(o, b, k.Public(), sig, digest[:])}
	}
	return b
}

// verifier returns the signer's certificate or key in PEM.
func verifier(b *bundle.Bundle, pub crypto.PublicKey) []byte {
	if b.Certificate != nil {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Certificate})
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(pub)})
}

func (s *Sigstore) entry(o Signing, b *bundle.Bundle, pub crypto.PublicKey, sig, digest []byte) bundle.LogEntry {
	text := base64.StdEncoding.EncodeToString
	e := bundle.LogEntry{LogID: logID(s.Log), Kind: "hashedrekord", Version: "0.0.1"}
	var body string
	switch {
	case o.Log == 2:
		e.Version = "0.0.2"
		by := `{"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":{"rawBytes":"` + text(b.Certificate) + `"}}`
		if b.Certificate == nil {
			by = `{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"` + text(spki(pub)) + `"}}`
		}
		body = `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"` + text(digest) +
			`"},"signature":{"content":"` + text(sig) + `","verifier":` + by + `}}}}`
	case b.Envelope != nil && !o.Hashed:
		e.Kind = "dsse"
		payload, envelope := sha256.Sum256(b.Envelope.Payload), sha256.Sum256([]byte("any"))
		body = `{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"` + hex.EncodeToString(envelope[:]) +
			`"},"payloadHash":{"algorithm":"sha256","value":"` + hex.EncodeToString(payload[:]) +
			`"},"signatures":[{"signature":"` + text(sig) + `","verifier":"` + text(verifier(b, pub)) + `"}]}}`
	default:
		body = `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"` + hex.EncodeToString(digest) +
			`"}},"signature":{"content":"` + text(sig) + `","publicKey":{"content":"` + text(verifier(b, pub)) + `"}}}}`
	}
	if o.Body != nil {
		body = o.Body(body)
	}
	e.Body = []byte(body)
	s.prove(o, &e)
	if o.Log == 1 {
		e.IntegratedTime = o.At.Add(2 * time.Minute).Unix()
		e.Index += 1000 // in other trees
		if !o.NoPromise {
			e.Promise = s.promise(&e)
		}
	}
	return e
}

// promise signs body, time and place of an entry.
func (s *Sigstore) promise(e *bundle.LogEntry) []byte {
	payload, err := json.Marshal(map[string]any{
		"body": e.Body, "integratedTime": e.IntegratedTime, "logID": hex.EncodeToString(e.LogID), "logIndex": e.Index,
	})
	check(err)
	return signHash(s.Log, payload)
}

// Promise signs an entry anew, after a test changed it.
func (s *Sigstore) Promise(e *bundle.LogEntry) { e.Promise = s.promise(e) }

// prove puts the entry among others and signs the checkpoint.
func (s *Sigstore) prove(o Signing, e *bundle.LogEntry) {
	at := int(o.Index)
	if at < 0 || at > o.Leaves {
		at = o.Leaves
	}
	var leaves [][]byte
	for i := range o.Leaves + 1 {
		data := []byte(fmt.Sprintf("another entry, %d", i))
		if i == at {
			data = e.Body
		}
		leaves = append(leaves, node(0, data))
	}
	hashes, root := path(leaves, at)
	e.Index = int64(at)
	e.Proof = bundle.InclusionProof{Index: int64(at), TreeSize: int64(len(leaves)), RootHash: root, Hashes: hashes}
	origin := s.Host
	if o.Log == 1 {
		origin += " - 1193050959916656506"
	}
	k := o.LogKey
	if k == nil {
		k = s.Log
	}
	e.Proof.Checkpoint = s.checkpoint(k, origin, len(leaves), root)
}

func (s *Sigstore) checkpoint(k *ecdsa.PrivateKey, origin string, size int, root []byte) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root))
	id := binary.BigEndian.Uint32(logID(s.Log))
	sig := append(binary.BigEndian.AppendUint32(nil, id), signHash(k, []byte(text))...)
	return text + "\n\u2014 " + s.Host + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// node is the hash of a leaf (kind 0) or of two nodes (kind 1): RFC 6962,
// section 2.1.
func node(kind byte, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte{kind})
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// path returns the proof that leaf at is in the tree, and the tree's root.
func path(leaves [][]byte, at int) (proof [][]byte, root []byte) {
	if len(leaves) == 1 {
		return nil, leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	left, right := leaves[:k], leaves[k:]
	if at < k {
		proof, root = path(left, at)
		_, other := path(right, 0)
		return append(proof, other), node(1, root, other)
	}
	proof, root = path(right, at-k)
	_, other := path(left, 0)
	return append(proof, other), node(1, other, root)
}

// NewKey makes a key for a bundle without a certificate.
func NewKey() *ecdsa.PrivateKey { return newKey() }

// PEM returns the public part of a key.
func PEM(k *ecdsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(k.Public())})
}
