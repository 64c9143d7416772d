package attest_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/key"
	"repro/sign"
	"repro/verify"
	"repro/verify/timestamp"
	"repro/verify/timestamp/timestamptest"
)

type stamper struct {
	*timestamptest.Authority
	at time.Time
}

func (s stamper) Stamp(_ context.Context, message []byte, hash crypto.Hash) ([]byte, error) {
	return s.Token(message, hash, s.at), nil
}

// TestStampsInBundles: who stamps an image stamps its bundles too, those by PEM
// keys, once; and the stamp alone says when.
func TestStampsInBundles(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	name := image(t, alice, false)
	plain, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	im := open(t, name)
	at := time.Now().UTC().Truncate(time.Second)
	var bundles []attest.Bundle
	for _, k := range []*key.Private{bob, alice} {
		s := said()
		s.Words = "Sound."
		b, err := attest.Opinion(ctx, im, statement.KindReview, statement.Opinion{Said: s}, attest.ByKey(k, at))
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	if _, err := attest.Embed(ctx, name, bundles, attest.Options{}); err != nil {
		t.Fatal(err)
	}
	lab := timestamptest.New("lab", at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0))
	for i := range 2 {
		if _, err := sign.Timestamp(ctx, name, []sign.Stamper{stamper{lab, at.Add(time.Duration(i) * time.Second)}}, i > 0, sign.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	var stamped []byte
	objects, err := open(t, name).Signatures()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[bool]int{}
	for _, o := range objects {
		if b, err := bundle.ParseExact(o.Data); err == nil {
			counts[len(b.Timestamps) == 1]++
			if len(b.Timestamps) == 1 {
				stamped = o.Data
			}
		}
	}
	if counts[true] != 1 || counts[false] != 1 {
		t.Fatalf("stamped %v", counts)
	}
	if err := os.WriteFile(name, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		authorities []*timestamp.Authority
		compromised time.Time
		want        string
	}{
		{want: at.Format(time.RFC3339)},
		{compromised: at.Add(time.Second), want: ""},
		{compromised: at.AddDate(30, 0, 0), want: at.Format(time.RFC3339)},
	} {
		a := &timestamp.Authority{Name: "Lab", Chain: []*x509.Certificate{lab.Root}, Compromised: c.compromised}
		trust := verify.Trust{Keys: []*key.Public{alice.Public(), bob.Public()}, Times: timestamp.Trust{Authorities: []*timestamp.Authority{a}}}
		im, err := format.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := verify.Image(ctx, im, trust, verify.Options{Detached: [][]byte{stamped}, Now: at.AddDate(20, 0, 0)})
		if err != nil || len(r.Attestations) != 1 || r.Attestations[0].Status != "valid" || r.Attestations[0].AnchoredAt != c.want {
			t.Errorf("%v: %+v, %v", c.compromised, r.Attestations, err)
		}
		im.Close()
	}
}
