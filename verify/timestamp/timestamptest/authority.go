// Package timestamptest is a time-stamping authority for tests: it states any
// time it is told to, and can be told to break one rule at a time. What it makes
// when it breaks none is checked against openssl by the tests of its parent.
package timestamptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"time"
)

// Authority signs tokens.
type Authority struct {
	Root *x509.Certificate
	Cert *x509.Certificate
	Key  crypto.Signer
	Now  func() time.Time // for requests over HTTP; nil: the clock

	rootKey crypto.Signer
}

// New makes an authority whose certificates, its own and its root's, are valid
// in the given time.
func New(name string, from, until time.Time) *Authority {
	a := &Authority{}
	a.rootKey = newKey()
	a.Root = a.Issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name + " root"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.rootKey.Public())
	a.Renew(name, from, until)
	return a
}

// Renew gives the authority another key and certificate of its own.
func (a *Authority) Renew(name string, from, until time.Time) {
	a.Key = newKey()
	a.Cert = a.Issue(Template(name, from, until, true), a.Key.Public())
}

// Template is what the certificate of an authority looks like.
func Template(name string, from, until time.Time, critical bool) *x509.Certificate {
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	check(err)
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: usage}},
	}
}

// Issue signs a certificate with the root's key.
func (a *Authority) Issue(template *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	parent := a.Root
	if parent == nil {
		parent = template
	}
	var err error
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	check(err)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, a.rootKey)
	check(err)
	c, err := x509.ParseCertificate(der)
	check(err)
	return c
}

// PEM returns the certificate that callers name.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Root.Raw})
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

type query struct {
	Version int
	Imprint imprint
	Policy  asn1.ObjectIdentifier `asn1:"optional"`
	Nonce   *big.Int              `asn1:"optional"`
	Cert    bool                  `asn1:"optional"`
}

// ServeHTTP answers a request (RFC 3161, section 3.4).
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	var q query
	if err == nil {
		_, err = asn1.Unmarshal(body, &q)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "not a time-stamp query", http.StatusBadRequest)
		return
	}
	now := time.Now()
	if a.Now != nil {
		now = a.Now()
	}
	p := a.parts(now, q.Imprint, q.Nonce)
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(p.encode())
}
