package verify_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/signature"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
	"repro/verify/policy"
)

func TestSigned(t *testing.T) {
	alice, bob, carol := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Bob"), newKey(t, key.PEM, "")
	b := signedBy(t, alice, bob, carol)
	for _, trust := range []verify.Trust{trusting(alice), trusting(bob), trusting(carol), trusting(carol, alice)} {
		for _, classic := range []bool{false, true} {
			r, err := run(b, trust, verify.Options{Classic: classic})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != report.ImageSigned || !r.Canonical || !r.Intact || r.ContentID == "" || len(r.Problems) > 0 {
				t.Errorf("%+v", r)
			}
			valid := 0
			for _, s := range r.Signatures {
				if (s.Status == report.SignatureValid) != s.Trusted {
					t.Errorf("%+v", s)
				}
				if s.Trusted {
					valid++
				}
			}
			if valid != len(trust.Keys) {
				t.Errorf("%d valid signatures for %d keys", valid, len(trust.Keys))
			}
			for _, o := range r.Objects {
				if !o.Intact || len(o.Signers) != len(trust.Keys) {
					t.Errorf("%+v", o)
				}
			}
		}
	}
	r, _ := run(b, verify.Trust{Keys: trusting(carol).Keys, Names: map[key.Fingerprint]string{carol.Fingerprint(): "carol.pub"}}, verify.Options{})
	if !strings.Contains(r.Reason, "carol.pub") {
		t.Error(r.Reason)
	}
}

func TestNotSigned(t *testing.T) {
	alice, bob, carol := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Bob"), newKey(t, key.PEM, "")
	tests := []struct {
		name     string
		image    []byte
		trust    verify.Trust
		statuses []string
		reason   string
	}{
		{"no signature", signedBy(t), trusting(alice), nil, "not signed: it carries no signature"},
		{"no key", signedBy(t, alice), verify.Trust{}, []string{report.SignatureUnknown}, "signed by " + string(alice.Fingerprint()) + ", whom you have not named"},
		{"another key", signedBy(t, alice), trusting(bob), []string{report.SignatureUnknown}, string(alice.Fingerprint())},
		{"another kind", signedBy(t, alice), trusting(carol), []string{report.SignatureUnknown}, string(alice.Fingerprint())},
		{"envelope, another key", signedBy(t, carol), trusting(newKey(t, key.PEM, "")), []string{report.SignatureUnknown}, string(carol.Fingerprint())},
	}
	for _, tt := range tests {
		r, err := run(tt.image, tt.trust, verify.Options{})
		if !errors.Is(err, verify.ErrNotSigned) || r.Verdict != report.ImageNotSigned {
			t.Errorf("%s: %v, verdict %q", tt.name, err, r.Verdict)
		}
		if !r.Canonical || !r.Intact {
			t.Errorf("%s: %+v", tt.name, r)
		}
		if !slices.Equal(statuses(r), tt.statuses) {
			t.Errorf("%s: %v", tt.name, statuses(r))
		}
		if head := "paper.sif: " + report.Headline(r.Verdict, r.Reason); !strings.Contains(head, tt.reason) || !strings.HasSuffix(err.Error(), head) {
			t.Errorf("%s: reason %q, error %q", tt.name, r.Reason, err)
		}
	}
}

// withBlocks returns an image that carries the given signature objects.
func withBlocks(t *testing.T, objects ...format.NewObject) []byte {
	t.Helper()
	file := image(t, "not really a shell")
	for _, o := range objects {
		if err := format.Append(ctx, file, o); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, file)
}

func payloadOf(t *testing.T, file string) []byte {
	t.Helper()
	im, err := format.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	p, err := im.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func entity(k *key.Private) (e [20]byte) {
	copy(e[:], k.Entity().PrimaryKey.Fingerprint)
	return e
}

// TestSignatureStatuses puts one signature of each sort into an image.
func TestSignatureStatuses(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	payload := payloadOf(t, image(t, "not really a shell"))
	clear := func(k *key.Private, payload []byte, at time.Time) []byte {
		c, err := signature.Clearsign(payload, k, at)
		if err != nil {
			t.Fatal(err)
		}
		return c.Encode()
	}
	envelope := func(payload []byte, k *key.Private, edit func(*signature.Envelope)) []byte {
		e := &signature.Envelope{Payload: payload}
		if err := e.Sign(k); err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			edit(e)
		}
		return e.Encode()
	}
	alice, carol := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	certificate, err := alice.Revoke(key.Compromised, "", now)
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := alice.Public().Revoked(certificate)
	if err != nil {
		t.Fatal(err)
	}
	other := payloadOf(t, image(t, "another shell"))
	pgp := func(data []byte) format.NewObject { return format.NewObject{Entity: entity(alice), Data: data} }
	dsse := func(data []byte) format.NewObject { return format.NewObject{Data: data} }
	good := clear(alice, payload, made)
	aliceKey, carolKey := alice.Public(), carol.Public()
	tests := []struct {
		name   string
		object format.NewObject
		key    *key.Public
		at     time.Time
		status string
		is     error
	}{
		{"good", pgp(good), aliceKey, now, report.SignatureValid, nil},
		{"good envelope", dsse(envelope(payload, carol, nil)), carolKey, now, report.SignatureValid, nil},
		{"revoked", pgp(good), revoked, now, report.SignatureRevoked, verify.ErrNotSigned},
		{"from the future", pgp(good), aliceKey, made.Add(-time.Hour), report.SignatureInvalid, verify.ErrNotSigned},
		{"a fast clock", pgp(good), aliceKey, made.Add(-time.Minute), report.SignatureValid, nil},
		{"of another image", pgp(clear(alice, other, made)), aliceKey, now, report.SignatureInvalid, format.ErrAltered},
		{"envelope of another image", dsse(envelope(other, carol, nil)), carolKey, now, report.SignatureInvalid, format.ErrAltered},
		{"of a text", pgp(clear(alice, []byte("I, Alice"), made)), aliceKey, now, report.SignatureInvalid, format.ErrAltered},
		{"other descriptor entity", format.NewObject{Data: good}, aliceKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"other descriptor hash", format.NewObject{Hash: format.HashSHA512, Entity: entity(alice), Data: good}, aliceKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"envelope, other hash", format.NewObject{Hash: format.HashSHA384, Data: envelope(payload, carol, nil)}, carolKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"envelope with an entity", format.NewObject{Entity: entity(alice), Data: envelope(payload, carol, nil)}, carolKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"key id of another", dsse(envelope(payload, carol, func(e *signature.Envelope) { e.Signatures[0].KeyID = "SHA256:" + strings.Repeat("A", 43) })), carolKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"wrong signature", dsse(envelope(payload, carol, func(e *signature.Envelope) { e.Signatures[0].Sig[10] ^= 1 })), carolKey, now, report.SignatureInvalid, format.ErrMalformed},
		{"payload exchanged", dsse(envelope(other, carol, func(e *signature.Envelope) { e.Payload = payload })), carolKey, now, report.SignatureInvalid, format.ErrMalformed},
		{"envelope of another sort", dsse(bytes.Replace(envelope(payload, carol, nil), []byte(signature.PayloadType), []byte("application/vnd.in-toto+json"), 1)), carolKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"junk", dsse([]byte("junk")), aliceKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"legacy", pgp(bytes.Replace(good, []byte("\n\n{"), []byte("\n\nSIFHASH:\n{"), 1)), aliceKey, now, report.SignatureWeak, verify.ErrNotSigned},
		{"text before", pgp(append([]byte("trust me\n"), good...)), aliceKey, now, report.SignatureMalformed, format.ErrMalformed},
		{"text after", pgp(append(bytes.Clone(good), "trust me\n"...)), aliceKey, now, report.SignatureMalformed, format.ErrMalformed},
	}
	for _, tt := range tests {
		for _, beside := range []bool{false, true} {
			tt.object.Attestation = beside
			r, err := run(withBlocks(t, tt.object), verify.Trust{Keys: []*key.Public{tt.key}}, verify.Options{Now: tt.at})
			is := tt.is
			if beside && !signature.IsBlock(tt.object.Data) { // an object of another kind, for all that is known
				is = verify.ErrNotSigned
			}
			if !errors.Is(err, is) || !slices.Equal(statuses(r), []string{tt.status}) {
				t.Errorf("%s: %v, statuses %v (%s)", tt.name, err, statuses(r), r.Signatures[0].Problem)
				continue
			}
			if s := r.Signatures[0]; s.Beside != beside || (s.Problem == "") != (s.Status == report.SignatureValid) {
				t.Errorf("%s: %+v", tt.name, s)
			}
			if s := r.Signatures[0]; strings.HasPrefix(s.Problem, s.Status) {
				t.Errorf("%s: %+v", tt.name, s)
			}
		}
	}
	for _, sig := range [][]byte{nil, []byte("junk"), clear(alice, other, made)} { // none takes anything away
		b := withBlocks(t, pgp(good))
		r, err := run(b, trusting(alice), verify.Options{Detached: [][]byte{sig}})
		if err != nil || len(r.Signatures) != 2 {
			t.Error(err)
		}
	}
	r, err := run(withBlocks(t, dsse([]byte("junk")), pgp(good), pgp(clear(alice, other, made))), trusting(alice), verify.Options{})
	if err != nil || r.Verdict != report.ImageSigned {
		t.Errorf("junk beside a good signature: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	k, err := key.New(key.OpenPGP, key.Options{Name: "Alice", Time: made, Lifetime: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	name := image(t, "not really a shell")
	if _, err := sign.Image(ctx, name, k, sign.Options{Time: made.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r, err := run(read(t, name), trusting(k), verify.Options{Now: made.Add(2 * time.Hour)})
	if err != nil || r.Signatures[0].Status != report.SignatureValid {
		t.Errorf("signed before its key expired: %v", err)
	}
	r, err = run(read(t, name), trusting(k), verify.Options{}) // long after
	if err != nil || r.Signatures[0].Status != report.SignatureUnanchored || !strings.Contains(r.Reason, "only the signer says") {
		t.Errorf("seen after its key expired: %v, %s", err, r.Reason)
	}
	for _, accept := range []bool{false, true} {
		trust := verify.Trust{Policy: &policy.Policy{
			Name: "P", AcceptExpired: accept,
			People:  []policy.Person{{ID: "alice", Keys: []policy.Key{{Fingerprint: k.Fingerprint(), Public: k.Public()}}}},
			Require: []policy.Rule{{Persons: 1}},
		}}
		if _, err := run(read(t, name), trust, verify.Options{}); (err == nil) != accept {
			t.Errorf("a policy that accepts expired keys: %v: %v", accept, err)
		}
	}
}

// TestRebuilt: whoever changes a file and all digests with it has another
// image, which the old signature does not fit.
func TestRebuilt(t *testing.T) {
	alice, mallory := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Mallory")
	name := image(t, "another shell")
	if _, err := sign.Image(ctx, name, mallory, sign.Options{Time: made}); err != nil {
		t.Fatal(err)
	}
	old, err := format.New(bytes.NewReader(signedBy(t, alice)), int64(len(signedBy(t, alice))), "old")
	if err != nil {
		t.Fatal(err)
	}
	transplant, err := old.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	if err := format.Append(ctx, name, transplant[0]); err != nil {
		t.Fatal(err)
	}
	r, err := run(read(t, name), trusting(alice), verify.Options{})
	if !errors.Is(err, format.ErrAltered) || r.Verdict != report.ImageAltered {
		t.Errorf("%v, verdict %q", err, r.Verdict)
	}
	if !strings.Contains(r.Reason, "Alice") {
		t.Error(r.Reason)
	}
}

// TestShared: goroutines may share an image and keys. (It says more with -race.)
func TestShared(t *testing.T) {
	alice, carol := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	b := signedBy(t, alice, carol)
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	trust := trusting(alice, carol)
	var eg errgroup.Group
	for i := range 8 {
		eg.Go(func() error {
			_, err := verify.Image(ctx, im, trust, verify.Options{Now: made.Add(time.Duration(i) * time.Hour)})
			return err
		})
	}
	if err := eg.Wait(); err != nil {
		t.Error(err)
	}
}
