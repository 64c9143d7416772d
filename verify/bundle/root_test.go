package bundle_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
	"time"

	format "repro/format/bundle"
	"repro/key"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

func TestParseRoot(t *testing.T) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	whole := string(s.TrustedRoot())
	if _, err := bundle.ParseRoot([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	many := func(part string, n int) string {
		return string(s.TrustedRoot(func(root map[string]any) {
			one := root[part].([]any)[0]
			all := make([]any, n)
			for i := range all {
				all[i] = one
			}
			root[part] = all
		}))
	}
	for _, part := range []string{"tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"} {
		if _, err := bundle.ParseRoot([]byte(many(part, 100))); err != nil {
			t.Errorf("100 of %s: %v", part, err)
		}
		if _, err := bundle.ParseRoot([]byte(many(part, 101))); !errors.Is(err, bundle.ErrRoot) || !strings.Contains(err.Error(), "more than 100") {
			t.Errorf("101 of %s: %v", part, err)
		}
	}
	for _, c := range []struct{ old, replacement, want string }{
		{"version=0.1", "version=0.2", "mediaType"},
		{whole, "", "EOF"},
		{whole, "[]", "cannot unmarshal"},
		{whole, strings.Repeat(" ", bundle.MaxRoot+1), "4194305 bytes"},
		{"SHA2_256", "SHA2_512", "hashAlgorithm"},
		{`"start":"2020-01-01T00:00:00Z"`, `"begin":""`, ""},
		{`"keyId":"`, `"keyId":"!`, "want base64"},
		{`"rawBytes":"MFkw`, `"rawBytes":"MFkx`, ""},
		{`"certificates":[{"rawBytes":"MII`, `"certificates":[{"rawBytes":"AII`, "certificateAuthorities 1"},
	} {
		text := strings.ReplaceAll(whole, c.old, c.replacement)
		if text == whole {
			t.Errorf("%.40s stands nowhere", c.old)
		}
		if _, err := bundle.ParseRoot([]byte(text)); !errors.Is(err, bundle.ErrRoot) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: %v, want %q", c.replacement, err, c.want)
		}
	}
	if _, err := bundle.ParseRoot([]byte(strings.ReplaceAll(whole, `"certificates":[{`, `"certificates":[],"other":[{`))); !errors.Is(err, bundle.ErrRoot) {
		t.Error("no certificates:", err)
	}
}

// TestKeys: bundles without a certificate.
func TestKeys(t *testing.T) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	root, err := bundle.ParseRoot(s.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	k := bundletest.NewKey()
	pub, err := key.ParsePublic(bundletest.PEM(k))
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.Trust{Keys: []*key.Public{pub}, Root: root}
	for _, log := range []int{0, 1, 2} {
		b := s.Sign(bundletest.Signing{Key: k, Type: "text/plain", Payload: []byte("x"), At: at, Log: log, Stamped: true})
		r, err := bundle.Verify(b, nil, trust, later)
		if err != nil || r.Key != pub || len(r.Times) == 0 || len(r.Logs) != min(log, 1) {
			t.Errorf("log %d: %v %+v", log, err, r)
		}
		if r, err := bundle.Verify(b, nil, bundle.Trust{Keys: trust.Keys}, later); err != nil || len(r.Times)+len(r.Logs) != 0 {
			t.Errorf("no root: %v %+v", err, r)
		}
		if _, err := bundle.Verify(b, []byte("y"), trust, later); !errors.Is(err, bundle.ErrInvalid) {
			t.Errorf("about something else: %v", err)
		}
		if _, err := bundle.Verify(b, nil, bundle.Trust{Root: root}, later); !errors.Is(err, bundle.ErrUnknown) {
			t.Errorf("no key named: %v", err)
		}
		if log > 0 {
			other := s.Sign(bundletest.Signing{Key: bundletest.NewKey(), Type: "text/plain", Payload: []byte("x"), At: at, Log: log})
			b.Log = other.Log
			if _, err := bundle.Verify(b, nil, trust, later); !errors.Is(err, bundle.ErrLog) {
				t.Errorf("entry of another key: %v", err)
			}
		}
	}
	// An entry that a log promised for a time to come.
	b := s.Sign(bundletest.Signing{Key: k, Type: "text/plain", Payload: []byte("x"), At: at, Log: 1})
	if _, err := bundle.Verify(b, nil, trust, at.Add(2*time.Minute-5*time.Minute)); err != nil {
		t.Error("five minutes ahead:", err)
	}
	if _, err := bundle.Verify(b, nil, trust, at.Add(2*time.Minute-5*time.Minute-time.Second)); !errors.Is(err, bundle.ErrLog) {
		t.Error("further ahead:", err)
	}
}

// TestUserNames: a journal's own authority certifies ORCID iDs.
func TestUserNames(t *testing.T) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	san := func(type_ asn1.ObjectIdentifier, name string) func(*bundletest.Certificate) {
		return func(c *bundletest.Certificate) {
			c.EmailAddresses = nil
			text, _ := asn1.MarshalWithParams(name, "utf8,explicit,tag:0")
			oid, _ := asn1.Marshal(type_)
			value, _ := asn1.Marshal([]asn1.RawValue{{Class: 2, Tag: 0, IsCompound: true, Bytes: append(oid, text...)}})
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: value})
		}
	}
	username := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 7}
	const orcid = "0000-0002-1825-0097!orcid.org"
	for _, c := range []struct {
		oid  asn1.ObjectIdentifier
		name string
		ok   bool
	}{{username, orcid, true}, {asn1.ObjectIdentifier{1, 2, 3}, orcid, false}, {username, "", false}, {username, "a\nb", false}} {
		b := s.Sign(bundletest.Signing{
			Provider: "https://orcid.journal.example", At: at, Type: "text/plain", Payload: []byte("x"), Log: 2, Stamped: true,
			Certificate: []func(*bundletest.Certificate){san(c.oid, c.name)},
		})
		root, err := bundle.ParseRoot(s.TrustedRoot())
		if err != nil {
			t.Fatal(err)
		}
		id := bundle.Identity{Issuer: "https://orcid.journal.example", Subject: c.name}
		r, err := bundle.Verify(b, nil, bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, later)
		if (err == nil) != c.ok || err == nil && r.Identity != id {
			t.Errorf("%v %q: %v", c.oid, c.name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	root, err := bundle.ParseRoot(s.TrustedRoot())
	if err != nil {
		f.Fatal(err)
	}
	for i, c := range bundletest.Cases(s, at) {
		if i%4 == 0 {
			f.Add(c.Bundle.Encode())
		}
	}
	trust := bundle.Trust{Root: root, Identities: []bundle.Identity{{Issuer: bundletest.Provider, Subject: bundletest.Subject}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := format.Parse(text)
		if err != nil {
			return
		}
		_, _ = bundle.Verify(b, []byte("message"), trust, later)
	})
}

func FuzzParseRoot(f *testing.F) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	f.Add(s.TrustedRoot())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := bundle.ParseRoot(b); err != nil && !errors.Is(err, bundle.ErrRoot) {
			t.Error(err)
		}
	})
}

// BenchmarkVerify checks an attestation with certificate, log and time; the
// trusted root was read before.
func BenchmarkVerify(b *testing.B) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	root, err := bundle.ParseRoot(s.TrustedRoot())
	if err != nil {
		b.Fatal(err)
	}
	text := s.Sign(bundletest.Signing{
		Subject: bundletest.Subject, Provider: bundletest.Provider, At: at, Type: "application/vnd.in-toto+json",
		Payload: make([]byte, 8<<10), Log: 1, Stamped: true, Leaves: 1000,
	}).Encode()
	trust := bundle.Trust{Root: root, Identities: []bundle.Identity{{Issuer: bundletest.Provider, Subject: bundletest.Subject}}}
	for b.Loop() {
		read, err := format.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bundle.Verify(read, nil, trust, later); err != nil {
			b.Fatal(err)
		}
	}
}
