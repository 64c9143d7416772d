package attestation

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"repro/attest/statement"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/key"
)

var (
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now  = made.AddDate(1, 0, 0)
)

func newKey(t *testing.T, kind key.Kind, lifetime time.Duration) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Algorithm: key.Ed25519, Name: "n", Time: made, Lifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signed is a good bundle by k.
func signed(t *testing.T, k *key.Private) *bundle.Bundle {
	t.Helper()
	o := statement.Opinion{Said: statement.Said{Role: "reviewer", Conflicts: "none", Words: "Sound.", Made: made.Format(time.RFC3339)}}
	payload, err := statement.Opine(statement.Image{ContentID: manifest.DigestOf([]byte("c")), Manifest: manifest.DigestOf([]byte("m"))}, statement.KindReview, o)
	if err != nil {
		t.Fatal(err)
	}
	e := &bundle.Envelope{PayloadType: statement.PayloadType, Payload: payload}
	if k.Kind() == key.PEM {
		e.Signature, err = k.Sign(e.Signed())
	} else {
		var c *signature.Clearsigned
		if c, err = signature.Clearsign(e.Signed(), k, made); err == nil {
			e.Signature = c.Packet()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return &bundle.Bundle{KeyHint: string(k.Fingerprint()), Envelope: e}
}

func TestJudge(t *testing.T) {
	pem, pgp, late := newKey(t, key.PEM, 0), newKey(t, key.OpenPGP, 0), newKey(t, key.OpenPGP, 24*time.Hour)
	other, otherPGP := newKey(t, key.PEM, 0).Public(), newKey(t, key.OpenPGP, 0).Public()
	for name, c := range map[string]struct {
		k    *key.Private
		at   time.Time
		gone string
	}{"pem": {pem, now, ""}, "openpgp": {pgp, made, ""}, "expired since": {late, made, "it expired on"}} {
		b := signed(t, c.k)
		for _, keys := range [][]*key.Public{{c.k.Public()}, {other, otherPGP, c.k.Public()}, {c.k.Public(), other, otherPGP}} {
			s, err := Judge(b, keys, now)
			if err != nil || s.By.Fingerprint() != c.k.Fingerprint() || !s.At.Equal(c.at) || s.With.Family != "ed25519" || s.Statement.Kind != statement.KindReview ||
				s.Digest != manifest.DigestOf(b.Envelope.Payload) || string(s.Value) != string(b.Envelope.Signature) || s.Named != b.KeyHint {
				t.Errorf("%s: %v, %+v", name, err, s)
			}
			if got := s.NoLongerValid(now); !strings.HasPrefix(got, c.gone) || (got == "") != (c.gone == "") {
				t.Errorf("%s: %q, want %q", name, got, c.gone)
			}
			if got := s.NoLongerValid(made); got != "" {
				t.Errorf("%s at once: %q", name, got)
			}
		}
		s, err := Judge(b, []*key.Public{other, otherPGP}, now)
		if !errors.Is(err, signature.ErrUnknown) || s.By != nil || s.NoLongerValid(now) != "" {
			t.Errorf("%s by nobody who is trusted: %v", name, err)
		}
	}
}

func TestJudgeRefuses(t *testing.T) {
	pem, pgp, other := newKey(t, key.PEM, 0), newKey(t, key.OpenPGP, 0), newKey(t, key.PEM, 0)
	keys := []*key.Public{pem.Public(), pgp.Public()}
	for name, c := range map[string]struct {
		k      *key.Private
		change func(*bundle.Bundle)
		want   error
		text   string
	}{
		"no statement":          {pem, func(b *bundle.Bundle) { b.Envelope, b.Message = nil, &bundle.Message{} }, signature.ErrMalformed, "holds no statement"},
		"type":                  {pem, func(b *bundle.Bundle) { b.Envelope.PayloadType += "x" }, signature.ErrMalformed, "payload of type"},
		"statement":             {pem, func(b *bundle.Bundle) { b.Envelope.Payload = []byte("{}") }, signature.ErrMalformed, "malformed statement"},
		"certificate":           {pem, func(b *bundle.Bundle) { b.Certificate = []byte("x") }, signature.ErrUnknown, "nobody said whose certificates count"},
		"signature":             {pem, func(b *bundle.Bundle) { b.Envelope.Signature[0] ^= 1 }, signature.ErrInvalid, "not made by the key that it names"},
		"signature, unnamed":    {pem, func(b *bundle.Bundle) { b.Envelope.Signature[0] ^= 1; b.KeyHint = "" }, signature.ErrUnknown, ""},
		"another name":          {pem, func(b *bundle.Bundle) { b.KeyHint = string(other.Fingerprint()) }, signature.ErrMalformed, "but was made by"},
		"another's hint":        {pem, func(b *bundle.Bundle) { b.KeyHint = hint(other.Public()) }, signature.ErrMalformed, "but was made by"},
		"openpgp, unnamed":      {pgp, func(b *bundle.Bundle) { b.KeyHint = "" }, signature.ErrMalformed, "but was made by"},
		"openpgp, another name": {pgp, func(b *bundle.Bundle) { b.KeyHint = string(pem.Fingerprint()) }, signature.ErrMalformed, "but was made by"},
		"openpgp packet":        {pgp, func(b *bundle.Bundle) { b.Envelope.Signature = b.Envelope.Signature[:10] }, signature.ErrMalformed, ""},
		"openpgp value":         {pgp, func(b *bundle.Bundle) { b.Envelope.Signature[len(b.Envelope.Signature)-1] ^= 1 }, signature.ErrInvalid, ""},
	} {
		b := signed(t, c.k)
		c.change(b)
		if _, err := Judge(b, keys, now); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v: %s", name, err, c.want, c.text)
		}
	}
	for name, h := range map[string]string{"unnamed": "", "as cosign names it": hint(pem.Public())} {
		b := signed(t, pem)
		b.KeyHint = h
		if _, err := Judge(b, keys, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHint(t *testing.T) {
	p := newKey(t, key.PEM, 0).Public()
	der, err := x509.MarshalPKIXPublicKey(p.Crypto())
	sum := sha256.Sum256(der)
	if got, want := hint(p), base64.StdEncoding.EncodeToString(sum[:]); err != nil || got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		`{"mediaType":"x"}`: true, "\n\t {\"mediaType\"": true, `{"mediaType`: false, `{"payloadType"`: false, "": false, `x{"mediaType"`: false, `{"timeRecord":`: false,
	} {
		if Is([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
