package signature_test

import (
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"repro/format/signature"
	"repro/key"
)

// TestNoLongerValid: whoever has stolen a subkey can sign for a time when it
// was valid, as with a key.
func TestNoLongerValid(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name     string
		lifetime time.Duration // of the subkey, from made
		revoked  packet.ReasonForRevocation
		now      time.Time
		want     string
	}{
		{"valid", 0, packet.Unknown, now, ""},
		{"expires later", 60 * day, packet.Unknown, made.Add(59 * day), ""},
		{"at its last second", 60 * day, packet.Unknown, made.Add(60 * day), ""},
		{"expired", 60 * day, packet.Unknown, made.Add(60*day + time.Second), "its subkey has expired"},
		{"superseded", 0, packet.KeySuperseded, now, "its subkey was revoked"},
		{"retired", 0, packet.KeyRetired, now, "its subkey was revoked"},
		{"not superseded yet", 0, packet.KeySuperseded, made.Add(day), ""},
		{"verified by a slow clock", 0, packet.Unknown, made.Add(-time.Minute), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKey(t, key.OpenPGP, key.Ed25519)
			config := key.Policy(made)
			config.Algorithm = packet.PubKeyAlgoEdDSA
			config.KeyLifetimeSecs = uint32(tt.lifetime / time.Second)
			e := k.Entity()
			if err := e.AddSigningSubkey(config); err != nil {
				t.Fatal(err)
			}
			encoded, err := k.Encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			withSubkey, err := key.ParsePrivate(encoded, nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := signature.Clearsign([]byte(payload), withSubkey, made)
			if err != nil {
				t.Fatal(err)
			}
			if *c.Signature.IssuerKeyId != e.Subkeys[0].PublicKey.KeyId {
				t.Fatalf("signed by %X", *c.Signature.IssuerKeyId)
			}
			if tt.revoked != packet.Unknown {
				later := key.Policy(made.Add(30 * day))
				if err := withSubkey.Entity().Subkeys[0].Revoke(tt.revoked, "", later); err != nil {
					t.Fatal(err)
				}
			}
			if encoded, err = withSubkey.Encode(nil); err != nil {
				t.Fatal(err)
			}
			if withSubkey, err = key.ParsePrivate(encoded, nil); err != nil {
				t.Fatal(err)
			}
			p := withSubkey.Public()
			if err := c.Verify(p, tt.now); err != nil {
				t.Fatalf("no longer a signature: %v", err)
			}
			if why := c.NoLongerValid(p, tt.now); why != tt.want {
				t.Errorf("%q, want %q", why, tt.want)
			}
			if why := p.SubkeyNoLongerValid(1, tt.now); why != "" {
				t.Errorf("a subkey that there is not: %q", why)
			}
		})
	}
	superseded := newKey(t, key.OpenPGP, key.Ed25519)
	c, err := signature.Clearsign([]byte(payload), superseded, made)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := superseded.Revoke(key.Superseded, "", made.Add(day))
	if err != nil {
		t.Fatal(err)
	}
	p, err := superseded.Public().Revoked(certificate)
	if err != nil {
		t.Fatal(err)
	}
	if why := c.NoLongerValid(p, now); why != "it was superseded on 2026-03-02T12:00:00Z" {
		t.Errorf("the key itself: %q", why)
	}
}
