// Package timestamp reads and checks time-stamp responses (RFC 3161, RFC 5816):
// the word of an authority that certain bytes were there at a certain time.
//
// Parsing is strict. A response is DER, grants what was asked, and holds a CMS
// SignedData (RFC 5652) with one signer, signed attributes and nothing that
// nobody signs. The signer's certificate is bound by the attribute
// signingCertificateV2, is for time-stamping only, and critically so.
//
// An authority is one that the caller names: a certificate in a token says who
// claims to speak, never whom to believe. A token is judged at the time that it
// states, so that it outlives the certificate of its authority. SPEC.md, part
// TSP.
package timestamp

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes that tokens are made with
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Limits on a response.
const (
	MaxSize         = 64 << 10 // bytes
	maxCertificates = 16
	maxAttributes   = 16
	maxAccuracy     = time.Minute // of an authority's clock
)

// What can be wrong with a token. Every error of this package wraps one of
// these.
var (
	ErrMalformed = errors.New("malformed time stamp")         // the response breaks the rules
	ErrWeak      = errors.New("weak time stamp")              // made with a hash that no longer proves anything
	ErrOther     = errors.New("time stamp of something else") // it is about other bytes
	ErrUnknown   = errors.New("unknown authority")            // none that the caller named made it
	ErrInvalid   = errors.New("invalid time stamp")           // the authority did not make it, or might not then
)

func wrong(is error, text string, args ...any) error {
	return fmt.Errorf("%w: %s", is, fmt.Sprintf(text, args...))
}

// Token is a time-stamp response that was read and not yet checked: who made
// it, [Token.Verify] says.
type Token struct {
	Time     time.Time     // genTime, in UTC
	Accuracy time.Duration // the authority's clock is right within this
	Policy   asn1.ObjectIdentifier
	Serial   *big.Int
	Nonce    *big.Int    // nil: none
	Hash     crypto.Hash // of the imprint
	Imprint  []byte      // the hash of what was stamped

	content      []byte // DER of TSTInfo
	attributes   []byte // DER of the signed attributes as SET OF, which is what is signed
	digest       crypto.Hash
	algorithm    asn1.ObjectIdentifier // of the signature
	signature    []byte
	issuer       []byte // DER
	serial       *big.Int
	bound        []essCertificate // the first names the signer's certificate
	certificates []*x509.Certificate
}

// Signer returns the certificate, out of t, that t names as the one it was
// signed with; nil if it is not in t. Whoever asked for t can check it as an
// authority's; nobody else should believe it.
func (t *Token) Signer() *x509.Certificate {
	for _, c := range t.certificates {
		if t.names(c) {
			return c
		}
	}
	return nil
}

// Latest is the latest time that the token may stand for.
func (t *Token) Latest() time.Time { return t.Time.Add(t.Accuracy) }

type response struct {
	Status struct {
		Status  int
		Strings []asn1.RawValue `asn1:"optional"`
		Failure asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      encapsulated
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content []byte `asn1:"explicit,tag:0"`
}

type signerInfo struct {
	Version    int
	Signer     issuerAndSerial
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

type tstInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	Serial   *big.Int
	Time     time.Time `asn1:"generalized"`
	Accuracy struct {
		Seconds int `asn1:"optional"`
		Millis  int `asn1:"optional,tag:0"`
		Micros  int `asn1:"optional,tag:1"`
	} `asn1:"optional"`
	Ordering   bool             `asn1:"optional,default:false"`
	Nonce      *big.Int         `asn1:"optional"`
	TSA        asn1.RawValue    `asn1:"optional,explicit,tag:0"`
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type essCertificate struct {
	Hash         pkix.AlgorithmIdentifier `asn1:"optional"`
	Digest       []byte
	IssuerSerial asn1.RawValue `asn1:"optional"`
}

var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidCertificateV1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// Parse reads a time-stamp response. Errors wrap [ErrMalformed] or [ErrWeak].
// SPEC.md, TSP-5.
func Parse(b []byte) (*Token, error) {
	if len(b) > MaxSize {
		return nil, wrong(ErrMalformed, "%d bytes, at most %d are read", len(b), MaxSize)
	}
	var r response
	if err := unmarshal("response", b, &r); err != nil {
		return nil, err
	}
	if r.Status.Status > 1 || r.Status.Status < 0 {
		return nil, wrong(ErrMalformed, "the authority refused: status %d", r.Status.Status)
	}
	var outer contentInfo
	if err := unmarshal("token", r.Token.FullBytes, &outer); err != nil {
		return nil, err
	}
	if !outer.Type.Equal(oidSignedData) {
		return nil, wrong(ErrMalformed, "token of type %v", outer.Type)
	}
	var s signedData
	if err := unmarshal("signed data", outer.Content.Bytes, &s); err != nil {
		return nil, err
	}
	t := &Token{}
	for _, read := range []func(*signedData) error{t.readCertificates, t.readSigner, t.readAttributes} {
		if err := read(&s); err != nil {
			return nil, err
		}
	}
	return t, t.readInfo(s.Content.Content)
}

// unmarshal reads all of b.
func unmarshal(what string, b []byte, v any) error {
	rest, err := asn1.Unmarshal(b, v)
	switch {
	case err != nil:
		return wrong(ErrMalformed, "%s: %v", what, err)
	case len(rest) > 0:
		return wrong(ErrMalformed, "%s: %d bytes after it", what, len(rest))
	}
	return nil
}

func (t *Token) readCertificates(s *signedData) error {
	if len(s.CRLs.FullBytes) > 0 {
		return wrong(ErrMalformed, "it holds lists of revoked certificates, which nothing signs")
	}
	for rest := s.Certificates.Bytes; len(rest) > 0; {
		if len(t.certificates) == maxCertificates {
			return wrong(ErrMalformed, "more than %d certificates", maxCertificates)
		}
		var raw asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &raw); err != nil {
			return wrong(ErrMalformed, "certificates: %v", err)
		}
		c, err := x509.ParseCertificate(raw.FullBytes)
		if err != nil {
			return wrong(ErrMalformed, "certificate: %v", err)
		}
		t.certificates = append(t.certificates, c)
	}
	return nil
}

func (t *Token) readSigner(s *signedData) error {
	switch {
	case s.Version != 3 || !s.Content.Type.Equal(oidTSTInfo):
		return wrong(ErrMalformed, "signed data of version %d about %v, want version 3 about a time", s.Version, s.Content.Type)
	case len(s.Signers) != 1:
		return wrong(ErrMalformed, "%d signers, want 1", len(s.Signers))
	}
	signer := s.Signers[0]
	switch {
	case signer.Version != 1:
		return wrong(ErrMalformed, "signer of version %d, want 1", signer.Version)
	case len(signer.Attributes.FullBytes) == 0:
		return wrong(ErrMalformed, "no signed attributes")
	case len(signer.Unsigned.FullBytes) > 0:
		return wrong(ErrMalformed, "attributes that nothing signs")
	}
	var err error
	if t.digest, err = hashOf(signer.Digest); err != nil {
		return err
	}
	if len(s.Digests) != 1 || !s.Digests[0].Algorithm.Equal(signer.Digest.Algorithm) {
		return wrong(ErrMalformed, "the hashes that it lists are not the signer's")
	}
	t.algorithm, t.signature = signer.Algorithm.Algorithm, signer.Signature
	t.issuer, t.serial = signer.Signer.Issuer.FullBytes, signer.Signer.Serial
	t.attributes = bytes.Clone(signer.Attributes.FullBytes)
	t.attributes[0] = 0x31 // SET OF in place of [0]: RFC 5652, section 5.4
	return nil
}

// readAttributes reads what the authority signed beside the time. SPEC.md, TSP-6.
func (t *Token) readAttributes(s *signedData) error {
	var attributes []attribute
	if rest, err := asn1.UnmarshalWithParams(t.attributes, &attributes, "set"); err != nil || len(rest) > 0 {
		return wrong(ErrMalformed, "signed attributes: %v", err)
	}
	if len(attributes) > maxAttributes {
		return wrong(ErrMalformed, "more than %d attributes", maxAttributes)
	}
	values := map[string]asn1.RawValue{}
	for _, a := range attributes {
		name := a.Type.String()
		if _, twice := values[name]; twice || len(a.Values) != 1 {
			return wrong(ErrMalformed, "attribute %v does not stand there once, with one value", a.Type)
		}
		values[name] = a.Values[0]
	}
	var about asn1.ObjectIdentifier
	if err := unmarshal("attribute content type", values[oidContentType.String()].FullBytes, &about); err != nil {
		return err
	}
	var digest []byte
	if err := unmarshal("attribute message digest", values[oidMessageDigest.String()].FullBytes, &digest); err != nil {
		return err
	}
	t.content = s.Content.Content
	if !about.Equal(oidTSTInfo) || !bytes.Equal(digest, sum(t.digest, t.content)) {
		return wrong(ErrMalformed, "its signed attributes are about something else")
	}
	bound, ok := values[oidCertificateV2.String()]
	if _, old := values[oidCertificateV1.String()]; !ok && old {
		return wrong(ErrWeak, "its certificate is bound with SHA-1 (signingCertificate), want signingCertificateV2")
	}
	var v2 struct {
		Certificates []essCertificate
		Policies     asn1.RawValue `asn1:"optional"`
	}
	if err := unmarshal("attribute signingCertificateV2", bound.FullBytes, &v2); err != nil {
		return err
	}
	if len(v2.Certificates) == 0 {
		return wrong(ErrMalformed, "signingCertificateV2 names no certificate")
	}
	t.bound = v2.Certificates
	return nil
}

// readInfo reads the time. SPEC.md, TSP-7.
func (t *Token) readInfo(content []byte) error {
	var info tstInfo
	if err := unmarshal("time", content, &info); err != nil {
		return err
	}
	for _, e := range info.Extensions {
		if e.Critical {
			return wrong(ErrMalformed, "critical extension %v", e.Id)
		}
	}
	a := info.Accuracy
	if info.Version != 1 || a.Seconds < 0 || a.Millis < 0 || a.Millis > 999 || a.Micros < 0 || a.Micros > 999 || a.Seconds > int(maxAccuracy/time.Second) {
		return wrong(ErrMalformed, "version %d with accuracy %v", info.Version, a)
	}
	hash, err := hashOf(info.Imprint.Hash)
	if err != nil {
		return err
	}
	if len(info.Imprint.Digest) != hash.Size() {
		return wrong(ErrMalformed, "imprint of %d bytes", len(info.Imprint.Digest))
	}
	t.Time, t.Policy, t.Serial, t.Nonce = info.Time.UTC(), info.Policy, info.Serial, info.Nonce
	t.Accuracy = time.Duration(a.Seconds)*time.Second + time.Duration(a.Millis)*time.Millisecond + time.Duration(a.Micros)*time.Microsecond
	t.Hash, t.Imprint = hash, info.Imprint.Digest
	return nil
}

// hashes are those that a token may be made with.
var hashes = map[string]crypto.Hash{
	"2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// weakHashes have names for messages.
var weakHashes = map[string]string{
	"1.2.840.113549.2.5":     "MD5",
	"1.3.14.3.2.26":          "SHA-1",
	"1.3.36.3.2.1":           "RIPEMD-160",
	"2.16.840.1.101.3.4.2.4": "SHA-224",
}

func hashOf(a pkix.AlgorithmIdentifier) (crypto.Hash, error) {
	oid := a.Algorithm.String()
	if h, ok := hashes[oid]; ok {
		return h, nil
	}
	if name := weakHashes[oid]; name != "" {
		return 0, wrong(ErrWeak, "made with %s", name)
	}
	return 0, wrong(ErrMalformed, "hash algorithm %s is none of SHA-256, SHA-384 and SHA-512", oid)
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
