package timestamp

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"repro/key"
)

// clockSkew is how far ahead of ours an authority's clock may be.
const clockSkew = 5 * time.Minute

// Authority is one whose word about times the caller believes.
type Authority struct {
	Name string

	// Chain ends in the certificate that the caller trusts: the authority's
	// own, or that of whoever certified it. Before it may stand what lies
	// between; if the first is not a certificate authority's, tokens must be
	// signed with it and no other.
	Chain []*x509.Certificate

	Window      key.Window // only times in it count
	Compromised time.Time  // since when others may have its key; zero: never
}

// anchor is the certificate that is trusted.
func (a *Authority) anchor() *x509.Certificate { return a.Chain[len(a.Chain)-1] }

// Same reports whether two authorities are one: a common certificate that is
// trusted, or a common key.
func (a *Authority) Same(b *Authority) bool {
	return bytes.Equal(a.anchor().RawSubjectPublicKeyInfo, b.anchor().RawSubjectPublicKeyInfo)
}

// Stamp is a token that counts.
type Stamp struct {
	*Token
	Authority *Authority
	Signer    *x509.Certificate // of the authority
}

// Same reports whether two stamps are the word of one authority: by one that
// the caller named, or with one key.
func (s *Stamp) Same(other *Stamp) bool {
	return s.Authority.Same(other.Authority) ||
		bytes.Equal(s.Signer.RawSubjectPublicKeyInfo, other.Signer.RawSubjectPublicKeyInfo)
}

// Verify checks that one of the authorities made t about message, when it
// might. Errors wrap those of this package; that none of the authorities is
// the one that signed is [ErrUnknown]. SPEC.md, TSP-9.
func (t *Token) Verify(message []byte, authorities []*Authority, now time.Time) (*Stamp, error) {
	if !bytes.Equal(sum(t.Hash, message), t.Imprint) {
		return nil, wrong(ErrOther, "its imprint is that of other bytes")
	}
	if t.Time.After(now.Add(clockSkew)) {
		return nil, wrong(ErrInvalid, "it states %s, in the future", stamp(t.Time))
	}
	worst := wrong(ErrUnknown, "signed by %s", t.Claims())
	for _, a := range authorities {
		signer, err := t.madeBy(a)
		if err == nil {
			return &Stamp{t, a, signer}, nil
		}
		if !errors.Is(err, ErrUnknown) { // it was this authority
			worst = err
		}
	}
	return nil, worst
}

// Claims says who the token says that made it: for messages only.
func (t *Token) Claims() string {
	if c := t.Signer(); c != nil {
		return c.Subject.String()
	}
	return "nobody whose certificate is in it"
}

// madeBy checks that a made t, and returns the certificate of its key.
func (t *Token) madeBy(a *Authority) (*x509.Certificate, error) {
	signer, err := t.signer(a)
	if err != nil {
		return nil, err
	}
	if err := t.checkSignature(signer); err != nil {
		return nil, err
	}
	if err := t.chain(signer, a); err != nil {
		return nil, err
	}
	switch {
	case !a.Window.Contains(t.Time):
		return nil, wrong(ErrInvalid, "it states %s, but %s is trusted %s", stamp(t.Time), a.Name, a.Window)
	case !a.Compromised.IsZero() && !t.Latest().Before(a.Compromised):
		return nil, wrong(ErrInvalid, "it states %s, but others may have the key of %s since %s", stamp(t.Time), a.Name, stamp(a.Compromised))
	}
	return signer, nil
}

// signer returns the certificate that t names, out of t or out of a's chain.
func (t *Token) signer(a *Authority) (*x509.Certificate, error) {
	for _, c := range slices.Concat(t.certificates, a.Chain) {
		if !t.names(c) {
			continue
		}
		if first := a.Chain[0]; !first.IsCA && !c.Equal(first) {
			break
		}
		return c, nil
	}
	return nil, wrong(ErrUnknown, "no certificate of %s signed it", a.Name)
}

// names reports whether t names c as the certificate it was signed with: by
// issuer and serial number, and by the hash in the signed attributes.
func (t *Token) names(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawIssuer, t.issuer) || c.SerialNumber.Cmp(t.serial) != 0 {
		return false
	}
	hash, bound := crypto.SHA256, t.bound[0]
	if len(bound.Hash.Algorithm) > 0 {
		var err error
		if hash, err = hashOf(bound.Hash); err != nil {
			return false
		}
	}
	return bytes.Equal(sum(hash, c.Raw), bound.Digest)
}

// chain checks that a vouches for signer, as of the time that t states.
func (t *Token) chain(signer *x509.Certificate, a *Authority) error {
	if err := forStamping(signer); err != nil {
		return err
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
	o.Roots.AddCert(a.anchor())
	for _, c := range slices.Concat(a.Chain[:len(a.Chain)-1], t.certificates) {
		o.Intermediates.AddCert(c)
	}
	_, err := signer.Verify(o)
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return wrong(ErrUnknown, "signed by %s", t.Claims())
	}
	if err != nil {
		return wrong(ErrInvalid, "%s does not vouch for who signed it at %s: %v", a.Name, stamp(t.Time), err)
	}
	return nil
}

// forStamping checks that a certificate is for time stamps alone: RFC 3161,
// section 2.3.
func forStamping(c *x509.Certificate) error {
	only := len(c.ExtKeyUsage) == 1 && c.ExtKeyUsage[0] == x509.ExtKeyUsageTimeStamping && len(c.UnknownExtKeyUsage) == 0
	if !only || c.IsCA {
		return wrong(ErrInvalid, "the certificate %q is not for time stamps alone", c.Subject)
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtKeyUsage) && !e.Critical {
			return wrong(ErrInvalid, "that the certificate %q is for time stamps is not marked critical", c.Subject)
		}
	}
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return wrong(ErrInvalid, "the certificate %q is not for signatures", c.Subject)
	}
	return nil
}

// signatureAlgorithms gives Go's names, by what CMS may call them: the whole,
// or the kind of key alone.
var signatureAlgorithms = map[string]map[crypto.Hash]x509.SignatureAlgorithm{
	"1.2.840.113549.1.1.1":  {crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA},
	"1.2.840.113549.1.1.11": {crypto.SHA256: x509.SHA256WithRSA},
	"1.2.840.113549.1.1.12": {crypto.SHA384: x509.SHA384WithRSA},
	"1.2.840.113549.1.1.13": {crypto.SHA512: x509.SHA512WithRSA},
	"1.2.840.10045.2.1":     {crypto.SHA256: x509.ECDSAWithSHA256, crypto.SHA384: x509.ECDSAWithSHA384, crypto.SHA512: x509.ECDSAWithSHA512},
	"1.2.840.10045.4.3.2":   {crypto.SHA256: x509.ECDSAWithSHA256},
	"1.2.840.10045.4.3.3":   {crypto.SHA384: x509.ECDSAWithSHA384},
	"1.2.840.10045.4.3.4":   {crypto.SHA512: x509.ECDSAWithSHA512},
	"1.3.101.112":           {crypto.SHA512: x509.PureEd25519},
}

func (t *Token) checkSignature(c *x509.Certificate) error {
	algorithm, ok := signatureAlgorithms[t.algorithm.String()][t.digest]
	if !ok {
		return wrong(ErrInvalid, "signature algorithm %v with %v is not supported", t.algorithm, t.digest)
	}
	if _, err := key.NewPublic(c.PublicKey); err != nil {
		return wrong(ErrWeak, "the certificate %q: %v", c.Subject, err)
	}
	if err := c.CheckSignature(algorithm, t.attributes, t.signature); err != nil {
		return wrong(ErrInvalid, "the certificate %q did not sign it: %v", c.Subject, err)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
