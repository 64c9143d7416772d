// Package bundle reads and writes sigstore bundles, version 0.3: one signature
// with all that is needed to check it without a network, as one JSON document
// (sigstore/protobuf-specs, sigstore_bundle.proto).
//
//	{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",
//	 "verificationMaterial":{
//	  "publicKey":{"hint":"SHA256:…"},              or "certificate":{"rawBytes":"…"}
//	  "tlogEntries":[{"logIndex":"7",…}],           may be missing
//	  "timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"…"}]}},
//	 "dsseEnvelope":{                               or "messageSignature":{…}
//	  "payload":"…","payloadType":"application/vnd.in-toto+json",
//	  "signatures":[{"sig":"…","keyid":"SHA256:…"}]}}
//
// The package knows bytes and values and gives no verdict: whether a signature
// is good, and by whom, is for those who have keys and roots.
//
// Programs for bundles write JSON as protobuf maps it, with spaces that differ
// from build to build. [Parse] reads that, but no more than what the form has:
// no unknown or doubled key, no second signature, no value of another type.
// [Bundle.Encode] always writes the same bytes, and [ParseExact] takes no other.
// SPEC.md, part BDL.
package bundle

import (
	"errors"
	"fmt"
)

// MediaType says that a document is a bundle of version 0.3.
const MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// mediaTypeEarly is what version 0.3 was called at first.
const mediaTypeEarly = "application/vnd.dev.sigstore.bundle+json;version=0.3"

// Limits on a bundle. SPEC.md, BDL-3.
const (
	MaxSize       = 4 << 20 // bytes of the document; no object of signatures is larger
	maxDepth      = 8       // nested arrays and objects: what the form needs, and one
	maxValues     = 4096    // in the document
	maxString     = 1024    // bytes of a hint, a type, a kind
	maxSignature  = 64 << 10
	maxToken      = 64 << 10 // bytes of a certificate, a time-stamp response, a checkpoint
	maxLogEntries = 16
	maxTimestamps = 16
	maxHashes     = 64 // of a proof: a tree of 2^63 leaves is no higher
	maxHash       = 64 // bytes of a hash or an id
)

// ErrMalformed is wrapped by all errors about the bytes of a bundle.
var ErrMalformed = errors.New("malformed bundle")

func malformed(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(text, args...))
}

// Bundle is one signature and what is needed to check it. Exactly one of
// Envelope and Message is set. SPEC.md, BDL-2.
type Bundle struct {
	// Certificate is the DER of the signer's certificate. Without one the
	// reader must have the public key, of which KeyHint is the name that the
	// signer gave; nothing signs that, and it may be empty.
	Certificate []byte
	KeyHint     string

	Log        []LogEntry // where the signature was published
	Timestamps [][]byte   // DER of time-stamp responses over the signature (RFC 3161)

	Envelope *Envelope
	Message  *Message
}

// Envelope is a DSSE envelope with one signature.
type Envelope struct {
	PayloadType string
	Payload     []byte
	KeyID       string // unsigned; empty, or the hint of the bundle
	Signature   []byte
}

// Signed returns the bytes that the signature is over: DSSE's
// pre-authentication encoding (secure-systems-lab/dsse, protocol.md).
func (e *Envelope) Signed() []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(e.Payload), e.Payload)
}

// Message is a signature over bytes that the bundle does not hold.
type Message struct {
	Hash      string // SHA2_256, SHA2_384, SHA2_512; empty if no digest is given
	Digest    []byte // names what was signed; the signature is not checked with it
	Signature []byte
}

// LogEntry is a place in a transparency log, and the proof of it
// (sigstore_rekor.proto).
type LogEntry struct {
	Index          int64  // over all trees of the log
	LogID          []byte // SHA-256 of the log's key
	Kind, Version  string // of the body: hashedrekord 0.0.2, dsse 0.0.1
	IntegratedTime int64  // seconds since 1970; only Promise vouches for it; 0 in logs that do not say
	Promise        []byte // the log's signature over body, index and time; may be missing
	Proof          InclusionProof
	Body           []byte // as the log holds it; may be missing
}

// InclusionProof proves that a body is in a log of which Checkpoint, a signed
// note, states the root.
type InclusionProof struct {
	Index      int64 // in this tree
	RootHash   []byte
	TreeSize   int64
	Hashes     [][]byte // from leaf to root, without both
	Checkpoint string
}
