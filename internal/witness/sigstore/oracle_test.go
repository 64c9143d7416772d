package sigstore

import (
	"bytes"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	form "repro/format/bundle"
	ours "repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

// theirs is what sigstore-go says of a case.
func theirs(c *bundletest.Case) error {
	trusted, err := root.NewTrustedRootFromJSON(c.Root)
	if err != nil {
		return err
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(c.Bundle.Encode()); err != nil {
		return err
	}
	v, err := verify.NewVerifier(trusted, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	if err != nil {
		return err
	}
	id, err := verify.NewShortCertificateIdentity(c.Provider, "", c.Subject, "")
	if err != nil {
		return err
	}
	what := verify.WithoutArtifactUnsafe()
	if c.Message != nil {
		what = verify.WithArtifact(bytes.NewReader(c.Message))
	}
	_, err = v.Verify(&b, verify.NewPolicy(what, verify.WithCertificateIdentity(id)))
	return err
}

func mine(c *bundletest.Case) error {
	trusted, err := ours.ParseRoot(c.Root)
	if err != nil {
		return err
	}
	b, err := form.Parse(c.Bundle.Encode())
	if err != nil {
		return err
	}
	_, err = ours.Verify(b, c.Message, ours.Trust{Root: trusted, Identities: []ours.Identity{{Issuer: c.Provider, Subject: c.Subject}}}, time.Now())
	return err
}

// TestSameVerdicts: sigstore-go says of every generated bundle what we say,
// but for those of which the case tells why we are stricter, or that it is too old
// for them.
func TestSameVerdicts(t *testing.T) {
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	s := bundletest.New("log.example", at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0))
	cases := bundletest.Cases(s, at)
	for _, c := range cases {
		us, them := mine(&c), theirs(&c)
		if (us == nil) != (them == nil) && !(c.Stricter && them == nil) && !(c.Newer && us == nil) {
			t.Errorf("%s:\nwe say  %v\nthey say %v", c.Name, us, them)
		}
		if c.Newer && (us != nil || them == nil) {
			t.Errorf("%s: not newer: we say %v, they say %v", c.Name, us, them)
		}
		if c.Stricter && (us == nil || them != nil) {
			t.Errorf("%s: not stricter: we say %v, they say %v", c.Name, us, them)
		}
	}
	t.Logf("%d bundles", len(cases))
}
