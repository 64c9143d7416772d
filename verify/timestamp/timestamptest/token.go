package timestamptest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// Parts is a response before it is signed and written. A test changes what it
// is to have wrong.
type Parts struct {
	Status     int
	Version    int // of TSTInfo
	Type       asn1.ObjectIdentifier
	Time       time.Time
	Hash       asn1.ObjectIdentifier // of the imprint
	Imprint    []byte
	Nonce      *big.Int
	Accuracy   int // seconds; 0: none
	Extensions []pkix.Extension

	Digest       crypto.Hash // of the signed attributes
	Key          crypto.Signer
	Cert         *x509.Certificate   // that signs
	Certificates []*x509.Certificate // that are sent
	OldBinding   bool                // signingCertificate (SHA-1) in place of V2
	NoBinding    bool
	BoundTo      *x509.Certificate // nil: Cert
	WrongDigest  bool              // the attribute messageDigest is of something else
	NoAttributes bool
	Signers      int  // 1
	Unsigned     bool // an attribute that nothing signs
	Tail         []byte
}

type imprint struct {
	Hash   pkix.AlgorithmIdentifier
	Digest []byte
}

type accuracy struct {
	Seconds int `asn1:"optional"`
}

type info struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"`
	Accuracy   accuracy         `asn1:"optional,omitempty"`
	Nonce      *big.Int         `asn1:"optional"`
	Extensions []pkix.Extension `asn1:"optional,omitempty,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []any `asn1:"set"`
}

type signer struct {
	Version int
	ID      struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional"`
}

type signedData struct {
	Version int
	Digests []pkix.AlgorithmIdentifier `asn1:"set"`
	Content struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional"`
	Signers      []signer      `asn1:"set"`
}

// Oids are those of hashes.
var Oids = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA1:   {1, 3, 14, 3, 2, 26},
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
	crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

var (
	oidTSTInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// Token returns a response about message, as if asked for at the given time.
func (a *Authority) Token(message []byte, hash crypto.Hash, at time.Time, change ...func(*Parts)) []byte {
	h := hash.New()
	h.Write(message)
	p := a.parts(at, imprint{algorithm(Oids[hash]), h.Sum(nil)}, nil)
	for _, f := range change {
		f(p)
	}
	return p.encode()
}

// Stamp makes an Authority what package sign asks for.
func (a *Authority) Stamp(message []byte, hash crypto.Hash) []byte {
	return a.Token(message, hash, a.Now())
}

func algorithm(oid asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}
}

func (a *Authority) parts(at time.Time, i imprint, nonce *big.Int) *Parts {
	digest := crypto.SHA256
	if i.Hash.Algorithm.Equal(Oids[crypto.SHA512]) {
		digest = crypto.SHA512
	}
	return &Parts{
		Version: 1, Type: oidTSTInfo, Time: at.UTC().Truncate(time.Second), Hash: i.Hash.Algorithm, Imprint: i.Digest, Nonce: nonce,
		Digest: digest, Key: a.Key, Cert: a.Cert, Certificates: []*x509.Certificate{a.Cert}, Signers: 1,
	}
}

func (p *Parts) encode() []byte {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	check(err)
	content := marshal(info{
		Version: p.Version, Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, Imprint: imprint{algorithm(p.Hash), p.Imprint},
		Serial: serial, Time: p.Time, Accuracy: accuracy{p.Accuracy}, Nonce: p.Nonce, Extensions: p.Extensions,
	})
	d := signedData{Version: 3, Digests: []pkix.AlgorithmIdentifier{algorithm(Oids[p.Digest])}}
	d.Content.Type, d.Content.Content = p.Type, content
	var certificates []byte
	for _, c := range p.Certificates {
		certificates = append(certificates, c.Raw...)
	}
	if len(certificates) > 0 {
		d.Certificates = asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: certificates}
	}
	for range p.Signers {
		d.Signers = append(d.Signers, p.sign(content))
	}
	token := marshal(struct {
		Type    asn1.ObjectIdentifier
		Content any `asn1:"explicit,tag:0"`
	}{oidData, d})
	return append(marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{struct{ Status int }{p.Status}, asn1.RawValue{FullBytes: token}}), p.Tail...)
}

func (p *Parts) sign(content []byte) signer {
	s := signer{Version: 1, Digest: algorithm(Oids[p.Digest])}
	s.ID.Issuer, s.ID.Serial = asn1.RawValue{FullBytes: p.Cert.RawIssuer}, p.Cert.SerialNumber
	s.Algorithm = pkix.AlgorithmIdentifier{Algorithm: map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: {1, 2, 840, 10045, 4, 1}, crypto.SHA256: {1, 2, 840, 10045, 4, 3, 2}, crypto.SHA512: {1, 2, 840, 10045, 4, 3, 4},
	}[p.Digest]}
	set := p.attributes(content)
	signed := set
	if p.NoAttributes {
		signed = content
	} else {
		s.Attributes = asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: inner(set)}
	}
	var err error
	s.Signature, err = p.Key.Sign(rand.Reader, sum(p.Digest, signed), p.Digest)
	check(err)
	if p.Unsigned {
		extra := marshal(attribute{asn1.ObjectIdentifier{1, 2, 3}, []any{1}})
		s.Unsigned = asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: extra}
	}
	return s
}

// attributes returns the signed attributes, as a SET OF in the order of DER.
func (p *Parts) attributes(content []byte) []byte {
	digest := sum(p.Digest, content)
	if p.WrongDigest {
		digest[0] ^= 1
	}
	all := [][]byte{
		marshal(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}, []any{p.Type}}),
		marshal(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}, []any{digest}}),
	}
	bound := p.BoundTo
	if bound == nil {
		bound = p.Cert
	}
	type ess struct{ Hash []byte }
	type list struct{ Certificates []ess }
	switch {
	case p.NoBinding:
	case p.OldBinding:
		all = append(all, marshal(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}, []any{list{[]ess{{sum(crypto.SHA1, bound.Raw)}}}}}))
	default:
		h := sha256.Sum256(bound.Raw)
		all = append(all, marshal(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}, []any{list{[]ess{{h[:]}}}}}))
	}
	slices.SortFunc(all, func(a, b []byte) int { return slices.Compare(a, b) })
	return marshal(asn1.RawValue{Tag: 17, IsCompound: true, Bytes: slices.Concat(all...)})
}

func inner(der []byte) []byte {
	var v asn1.RawValue
	_, err := asn1.Unmarshal(der, &v)
	check(err)
	return v.Bytes
}

func marshal(v any) []byte {
	b, err := asn1.Marshal(v)
	check(err)
	return b
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
