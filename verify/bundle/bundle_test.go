package bundle_test

import (
	"errors"
	"testing"
	"time"

	format "repro/format/bundle"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

var (
	start = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	at    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	later = time.Date(2046, 3, 1, 12, 0, 0, 0, time.UTC)
)

func verify(t testing.TB, c *bundletest.Case) (*bundle.Result, error) {
	t.Helper()
	root, err := bundle.ParseRoot(c.Root)
	if err != nil {
		t.Fatal(err)
	}
	b, err := format.Parse(c.Bundle.Encode()) // as it comes out of a file
	if err != nil {
		return nil, err
	}
	trust := bundle.Trust{Root: root, Identities: []bundle.Identity{{Issuer: c.Provider, Subject: c.Subject}}}
	return bundle.Verify(b, c.Message, trust, later)
}

// TestCases: what has no defect passes, and nothing that has one.
func TestCases(t *testing.T) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	attacks := 0
	for _, c := range bundletest.Cases(s, at) {
		r, err := verify(t, &c)
		if (err == nil) != c.Good {
			t.Errorf("%s: %v, want good: %v", c.Name, err, c.Good)
		}
		if err == nil && (r.Identity != bundle.Identity{Issuer: c.Provider, Subject: c.Subject} || len(r.Times) == 0 || len(r.Logs) != 1) {
			t.Errorf("%s: %+v", c.Name, r)
		}
		if !c.Good {
			attacks++
		}
	}
	if attacks < 60 {
		t.Errorf("%d attacks", attacks)
	}
}

// TestReasons: a caller can tell what is wrong.
func TestReasons(t *testing.T) {
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	want := map[string]error{
		"another person":                     bundle.ErrUnknown,
		"another provider":                   bundle.ErrUnknown,
		"no time at all, log 2":              bundle.ErrTime,
		"stamped by a stranger":              bundle.ErrTime,
		"promise altered, log 2":             bundle.ErrUntrusted,
		"certificate by a stranger":          bundle.ErrInvalid,
		"all by a stranger":                  bundle.ErrTime,
		"payload altered, log 1":             bundle.ErrInvalid,
		"not logged, log 1":                  bundle.ErrLog,
		"proof altered, log 2":               bundle.ErrLog,
		"entry of another signing, log 1":    bundle.ErrLog,
		"entry of another key, log 2":        bundle.ErrLog,
		"stamped after the certificate":      bundle.ErrUntrusted,
		"logged after the certificate":       bundle.ErrLog,
		"bare signature, digest altered":     bundle.ErrInvalid,
		"log for certificates trusted later": bundle.ErrUntrusted,
	}
	for _, c := range bundletest.Cases(s, at) {
		if is := want[c.Name]; is != nil {
			if _, err := verify(t, &c); !errors.Is(err, is) {
				t.Errorf("%s: %v, want %v", c.Name, err, is)
			}
			delete(want, c.Name)
		}
	}
	for name := range want {
		t.Errorf("no case %q", name)
	}
}
