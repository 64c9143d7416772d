// Package bundletest is a small sigstore for tests: an authority that certifies
// identities, a log for its certificates, a transparency log of either version
// and a time-stamping authority, all in memory and with clocks that a test sets.
// What it makes is checked against sigstore's own library by the nested module
// internal/witness/sigstore.
package bundletest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"net/url"
	"time"

	"repro/verify/timestamp/timestamptest"
)

// Sigstore is all that signers without key files need.
type Sigstore struct {
	Start, End time.Time // of everything but signers' certificates
	Root       *x509.Certificate
	Between    *x509.Certificate // issues signers' certificates
	TSA        *timestamptest.Authority
	Log, CTLog *ecdsa.PrivateKey
	Host       string // of the log

	rootKey, betweenKey *ecdsa.PrivateKey
}

// New makes one that is in force from start to end.
func New(host string, start, end time.Time) *Sigstore {
	s := &Sigstore{Start: start, End: end, Host: host, Log: newKey(), CTLog: newKey(), rootKey: newKey(), betweenKey: newKey()}
	s.TSA = timestamptest.New("tsa of "+host, start, end)
	s.Root = issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "root of " + host}, NotBefore: start, NotAfter: end,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, s.rootKey.Public(), s.rootKey)
	s.Between = issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "issuer of " + host}, NotBefore: start, NotAfter: end,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, s.Root, s.betweenKey.Public(), s.rootKey)
	return s
}

func newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return k
}

// check is for what cannot fail in a test that is right itself.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func issue(template, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	if template.SerialNumber == nil {
		var err error
		template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
		check(err)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, by)
	check(err)
	c, err := x509.ParseCertificate(der)
	check(err)
	return c
}

// Certificate is what a test may change about a signer's certificate before it
// is issued.
type Certificate struct {
	*x509.Certificate
	CTLog *ecdsa.PrivateKey // that promises to hold it; nil: none
	SCT   func([]byte)      // changes the promise
}

// Certify issues a certificate for subject, as provider says, at a time.
func (s *Sigstore) Certify(pub crypto.PublicKey, subject, provider string, at time.Time, change ...func(*Certificate)) *x509.Certificate {
	text, err := asn1.MarshalWithParams(provider, "utf8")
	check(err)
	c := &Certificate{&x509.Certificate{
		NotBefore: at, NotAfter: at.Add(10 * time.Minute), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(provider)},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: text},
		},
	}, s.CTLog, nil}
	if u, err := url.Parse(subject); err == nil && u.Host != "" {
		c.URIs = []*url.URL{u}
	} else {
		c.EmailAddresses = []string{subject}
	}
	for _, f := range change {
		f(c)
	}
	before := issue(c.Certificate, s.Between, pub, s.betweenKey)
	if c.CTLog == nil {
		return before
	}
	list := sct(c.CTLog, s.Between, before.RawTBSCertificate, at)
	if c.SCT != nil {
		c.SCT(list)
	}
	value, err := asn1.Marshal(list)
	check(err)
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value})
	return issue(c.Certificate, s.Between, pub, s.betweenKey)
}

// sct is a list of one promise over a certificate (RFC 6962, section 3).
func sct(log *ecdsa.PrivateKey, issuer *x509.Certificate, tbs []byte, at time.Time) []byte {
	issuerKey := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	when := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	signed := append([]byte{0, 0}, when...)
	signed = append(append(signed, 0, 1), issuerKey[:]...)
	signed = append(signed, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs)))
	signed = append(append(signed, tbs...), 0, 0)
	sig := signHash(log, signed)
	id := logID(log)
	one := append([]byte{0}, id...)
	one = append(append(one, when...), 0, 0, 4, 3)
	one = append(binary.BigEndian.AppendUint16(one, uint16(len(sig))), sig...)
	list := append(binary.BigEndian.AppendUint16(nil, uint16(len(one))), one...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...)
}

func signHash(k *ecdsa.PrivateKey, message []byte) []byte {
	h := sha256.Sum256(message)
	sig, err := k.Sign(rand.Reader, h[:], crypto.SHA256)
	check(err)
	return sig
}

func spki(pub crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	check(err)
	return der
}

func logID(k *ecdsa.PrivateKey) []byte {
	id := sha256.Sum256(spki(k.Public()))
	return id[:]
}

// TrustedRoot writes what callers trust (sigstore_trustroot.proto), after
// change.
func (s *Sigstore) TrustedRoot(change ...func(map[string]any)) []byte {
	text := base64.StdEncoding.EncodeToString
	valid := map[string]any{"start": s.Start.Format(time.RFC3339), "end": s.End.Format(time.RFC3339)}
	log := func(address string, k *ecdsa.PrivateKey) []any {
		return []any{map[string]any{
			"baseUrl": address, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": text(logID(k))},
			"publicKey": map[string]any{"rawBytes": text(spki(k.Public())), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid},
		}}
	}
	authority := func(address string, chain ...*x509.Certificate) []any {
		var all []any
		for _, c := range chain {
			all = append(all, map[string]any{"rawBytes": text(c.Raw)})
		}
		return []any{map[string]any{"uri": address, "certChain": map[string]any{"certificates": all}, "validFor": valid}}
	}
	root := map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":                  log("https://"+s.Host, s.Log),
		"ctlogs":                 log("https://ct."+s.Host, s.CTLog),
		"certificateAuthorities": authority("https://ca."+s.Host, s.Between, s.Root),
		"timestampAuthorities":   authority("https://tsa."+s.Host, s.TSA.Cert, s.TSA.Root),
	}
	for _, f := range change {
		f(root)
	}
	b, err := json.Marshal(root)
	check(err)
	return b
}
