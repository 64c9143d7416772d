package bundle

import (
	"bytes"
	"slices"
)

// Parse reads a bundle as any program writes it. Errors wrap [ErrMalformed].
// SPEC.md, BDL-1 and BDL-5.
// The result shares no memory with b.
func Parse(b []byte) (*Bundle, error) {
	if len(b) > MaxSize {
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxSize)
	}
	r := &reader{}
	root := r.document(b)
	out := r.bundle(root)
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

// ParseExact reads a bundle that must be written as [Bundle.Encode] writes it,
// so that it holds nothing that nobody reads. SPEC.md, BDL-4.
func ParseExact(b []byte) (*Bundle, error) {
	out, err := Parse(b)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b, out.Encode()) {
		return nil, malformed("not written in the one way that objects of an image are")
	}
	return out, nil
}

func (r *reader) bundle(o object) *Bundle {
	out := &Bundle{}
	switch t := r.line(o, "mediaType"); t {
	case MediaType, mediaTypeEarly:
	default:
		r.fail("mediaType %q: want %s", t, MediaType)
	}
	r.material(r.member(o, "verificationMaterial"), out)
	switch {
	case o.has("dsseEnvelope") && o.has("messageSignature"):
		r.fail("dsseEnvelope and messageSignature: want one of them")
	case o.has("dsseEnvelope"):
		out.Envelope = r.envelope(r.member(o, "dsseEnvelope"))
		if id := out.Envelope.KeyID; id != "" && out.Certificate == nil && id != out.KeyHint {
			r.fail("the envelope names key %q, publicKey %q", id, out.KeyHint)
		}
	default:
		out.Message = r.message(r.member(o, "messageSignature"))
	}
	r.done(o)
	return out
}

func (r *reader) material(o object, out *Bundle) {
	switch {
	case o.has("x509CertificateChain"):
		r.fail("x509CertificateChain: version 0.3 has one certificate in its place")
	case o.has("certificate") && o.has("publicKey"):
		r.fail("certificate and publicKey: want one of them")
	case o.has("certificate"):
		c := r.member(o, "certificate")
		out.Certificate = r.bytes(c, "rawBytes", 1, maxToken)
		r.done(c)
	default:
		k := r.member(o, "publicKey")
		out.KeyHint = r.optionalLine(k, "hint")
		r.done(k)
	}
	for _, e := range r.list(o, "tlogEntries", maxLogEntries) {
		out.Log = append(out.Log, r.entry(r.asObject(e, "tlogEntries")))
	}
	if o.has("timestampVerificationData") {
		t := r.member(o, "timestampVerificationData")
		for _, e := range r.list(t, "rfc3161Timestamps", maxTimestamps) {
			token := r.asObject(e, "rfc3161Timestamps")
			out.Timestamps = append(out.Timestamps, r.bytes(token, "signedTimestamp", 1, maxToken))
			r.done(token)
		}
		r.done(t)
	}
	r.done(o)
}

func (r *reader) envelope(o object) *Envelope {
	e := &Envelope{PayloadType: r.line(o, "payloadType"), Payload: r.bytes(o, "payload", 0, MaxSize)}
	signatures := r.list(o, "signatures", MaxSize)
	if len(signatures) != 1 {
		r.fail("dsseEnvelope with %d signatures, want 1", len(signatures))
		return e
	}
	s := r.asObject(signatures[0], "signatures")
	e.Signature, e.KeyID = r.bytes(s, "sig", 1, maxSignature), r.optionalLine(s, "keyid")
	r.done(s)
	r.done(o)
	return e
}

// hashes gives the sizes of the digests that a message may be named by.
var hashes = map[string]int{"SHA2_256": 32, "SHA2_384": 48, "SHA2_512": 64}

func (r *reader) message(o object) *Message {
	m := &Message{Signature: r.bytes(o, "signature", 1, maxSignature)}
	if o.has("messageDigest") {
		d := r.member(o, "messageDigest")
		m.Hash = r.line(d, "algorithm")
		size := hashes[m.Hash]
		if size == 0 {
			r.fail("messageDigest: algorithm %q: want SHA2_256, SHA2_384 or SHA2_512", m.Hash)
		}
		m.Digest = r.bytes(d, "digest", size, size)
		r.done(d)
	}
	r.done(o)
	return m
}

func (r *reader) entry(o object) (e LogEntry) {
	e.Index, e.IntegratedTime = r.number(o, "logIndex"), r.number(o, "integratedTime")
	id := r.member(o, "logId")
	e.LogID = r.bytes(id, "keyId", 1, maxHash)
	r.done(id)
	kind := r.member(o, "kindVersion")
	e.Kind, e.Version = r.line(kind, "kind"), r.line(kind, "version")
	r.done(kind)
	if o.has("inclusionPromise") {
		p := r.member(o, "inclusionPromise")
		e.Promise = r.bytes(p, "signedEntryTimestamp", 1, maxSignature)
		r.done(p)
	}
	e.Proof = r.proof(r.member(o, "inclusionProof"))
	if o.has("canonicalizedBody") {
		e.Body = r.bytes(o, "canonicalizedBody", 0, MaxSize)
	}
	r.done(o)
	return e
}

func (r *reader) proof(o object) (p InclusionProof) {
	p.Index, p.TreeSize = r.number(o, "logIndex"), r.number(o, "treeSize")
	p.RootHash = r.bytes(o, "rootHash", 1, maxHash)
	for _, h := range r.list(o, "hashes", maxHashes) {
		p.Hashes = append(p.Hashes, r.decode(h, "hashes", 1, maxHash))
	}
	c := r.member(o, "checkpoint")
	p.Checkpoint = r.string(c, "envelope", maxToken, isNoteText)
	r.done(c)
	r.done(o)
	return p
}

// done refuses what nobody asked o for.
func (r *reader) done(o object) {
	var unknown []string
	for k := range o.members {
		if !o.asked[k] {
			unknown = append(unknown, k)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		r.fail("%s: unknown key %q", o.name, unknown[0])
	}
}
