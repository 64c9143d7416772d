// Package bundle checks sigstore bundles (package repro/format/bundle): that a
// key which the caller named made the signature, or somebody whose identity an
// authority certified for some minutes, when he signed in with a provider.
//
// Everything is checked offline, with a trusted root that the caller gives:
//
//   - the certificate, by who certifies, at a time that a log or a time-stamping
//     authority states; whose it is, exactly;
//   - that certificate's own entry in a log for certificates, if the root names
//     such logs;
//   - the signature's entry in a transparency log (Rekor 1 and 2), with the
//     proof that it is there, bound to this signature, key and digest.
//
// SPEC.md, part KLS.
package bundle

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"repro/format/bundle"
	"repro/key"
	"repro/verify/timestamp"
)

// clockSkew is how far ahead of ours a log's clock may be.
const clockSkew = 5 * time.Minute

// What can be wrong with a bundle. Every error of [Verify] wraps one of these.
var (
	ErrInvalid   = errors.New("invalid signature") // the key did not make it over this
	ErrUnknown   = errors.New("unknown signer")    // neither a key nor an identity that the caller named
	ErrUntrusted = errors.New("unproven identity") // the trusted root does not vouch for the certificate
	ErrLog       = errors.New("invalid log entry") // a log's entry is wrong, or about something else
	ErrTime      = errors.New("no trusted time")   // nobody who is trusted says when
)

func wrong(is error, text string, args ...any) error {
	return fmt.Errorf("%w: %s", is, fmt.Sprintf(text, args...))
}

// Trust says whose signature the caller wants to see.
type Trust struct {
	Keys       []*key.Public
	Identities []Identity
	Root       *Root // nil: no certificates, no logs, no times
}

// Time is when a signature was there, by somebody's word.
type Time struct {
	Time time.Time
	By   string
	Log  bool // a transparency log; else a time-stamping authority
}

// Result is what was found about a good signature.
type Result struct {
	Key      *key.Public // that signed; of a certificate, the key of some minutes
	Identity Identity    // of a certificate
	Times    []Time      // by whose word it was there, earliest first
	Logs     []string    // in which it is
}

// Verify checks b, whose signature must be over message: what an envelope says
// that it signs, or for a bare signature the bytes that the caller has. Errors
// wrap those of this package. SPEC.md, KLS-2.
func Verify(b *bundle.Bundle, message []byte, t Trust, now time.Time) (*Result, error) {
	c := &check{bundle: b, root: t.Root, now: now}
	if c.root == nil {
		c.root = &Root{}
	}
	if err := c.content(message); err != nil {
		return nil, err
	}
	if b.Certificate == nil {
		return c.byKey(t.Keys)
	}
	return c.byIdentity(t.Identities)
}

// check is one call of Verify.
type check struct {
	bundle    *bundle.Bundle
	root      *Root
	now       time.Time
	message   []byte // that was signed
	signature []byte
	cert      *x509.Certificate // nil: a key
	key       crypto.PublicKey
	result    Result
}

// content finds out what was signed.
func (c *check) content(message []byte) error {
	if e := c.bundle.Envelope; e != nil {
		c.message, c.signature = e.Signed(), e.Signature
		if message != nil && !bytes.Equal(message, c.message) {
			return wrong(ErrInvalid, "the envelope is about something else")
		}
		return nil
	}
	m := c.bundle.Message
	c.message, c.signature = message, m.Signature
	if h, ok := messageHashes[m.Hash]; m.Hash != "" && (!ok || !bytes.Equal(sum(h, message), m.Digest)) {
		return wrong(ErrInvalid, "its digest is that of something else")
	}
	return nil
}

var messageHashes = map[string]crypto.Hash{"SHA2_256": crypto.SHA256, "SHA2_384": crypto.SHA384, "SHA2_512": crypto.SHA512}

// byKey checks a signature by a key that the caller named. Times and logs are
// not needed, but what there is of them must be right.
func (c *check) byKey(keys []*key.Public) (*Result, error) {
	for _, k := range keys {
		if !k.Verify(c.message, c.signature) {
			continue
		}
		c.key, c.result.Key = k.Crypto(), k
		if err := c.times(); err != nil {
			return nil, err
		}
		return &c.result, nil
	}
	return nil, wrong(ErrUnknown, "no key that was given made it")
}

// byIdentity checks a signature by a certified identity.
func (c *check) byIdentity(wanted []Identity) (*Result, error) {
	var err error
	if c.cert, err = x509.ParseCertificate(c.bundle.Certificate); err != nil {
		return nil, wrong(ErrUntrusted, "certificate: %v", err)
	}
	// Package x509 leaves user names to us: IdentityOf reads them, or refuses.
	c.cert.UnhandledCriticalExtensions = slices.DeleteFunc(c.cert.UnhandledCriticalExtensions, oidSAN.Equal)
	if c.result.Identity, err = IdentityOf(c.cert); err != nil {
		return nil, wrong(ErrUntrusted, "certificate: %v", err)
	}
	c.key = c.cert.PublicKey
	if c.result.Key, err = key.NewPublic(c.key); err != nil {
		return nil, wrong(ErrUntrusted, "certificate: %v", err)
	}
	if !verifySignature(c.key, c.message, c.signature) {
		return nil, wrong(ErrInvalid, "the key of its certificate did not make it")
	}
	if err := c.times(); err != nil {
		return nil, err
	}
	if len(c.result.Times) == 0 {
		return nil, wrong(ErrTime, "neither a log nor an authority that is trusted says when, and the certificate is for minutes only")
	}
	if len(c.root.logs) > 0 && len(c.result.Logs) == 0 {
		return nil, wrong(ErrLog, "it is in no log that is trusted")
	}
	var issuer *x509.Certificate
	for _, at := range c.result.Times {
		was := issuer
		if issuer, err = c.chain(at.Time); err != nil {
			return nil, err
		}
		if was != nil && was.Equal(issuer) {
			continue
		}
		if err := c.logged(issuer); err != nil {
			return nil, err
		}
	}
	return c.identify(wanted)
}

// times checks the log entries and the time stamps.
func (c *check) times() error {
	for i := range c.bundle.Log {
		if err := c.entry(&c.bundle.Log[i]); err != nil {
			return err
		}
	}
	for _, der := range c.bundle.Timestamps {
		t, err := timestamp.Parse(der)
		if err != nil {
			continue // as one by an authority that is not known
		}
		s, err := t.Verify(c.signature, c.root.Times, c.now)
		if err == nil {
			c.result.Times = append(c.result.Times, Time{Time: s.Time, By: s.Authority.Name})
		}
	}
	return nil
}

// chain returns the certificate that issued the signer's, if someone who is
// trusted to certify vouched for it at the given time. SPEC.md, KLS-3.
func (c *check) chain(at time.Time) (*x509.Certificate, error) {
	err := errors.New("the root names nobody who certifies")
	for _, a := range c.root.authorities {
		if !a.window.contains(at) {
			err = fmt.Errorf("it is trusted at other times than %s", stamp(at))
			continue
		}
		o := x509.VerifyOptions{
			Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
			CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		}
		last := len(a.chain) - 1
		o.Roots.AddCert(a.chain[last])
		for _, between := range a.chain[:last] {
			o.Intermediates.AddCert(between)
		}
		chains, failed := c.cert.Verify(o)
		if failed == nil && !c.cert.IsCA && len(chains[0]) > 1 {
			return chains[0][1], nil
		}
		if err = failed; err == nil {
			err = errors.New("it is not a signer's")
		}
	}
	return nil, wrong(ErrUntrusted, "certificate at %s: %v", stamp(at), err)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func short(id []byte) string { return hex.EncodeToString(id[:min(4, len(id))]) }
