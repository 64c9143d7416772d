package signature

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"repro/key"
)

// TestPacketBody holds every way to write a packet's length, on both sides of
// each bound (RFC 4880 sections 4.2.1 and 4.2.2).
func TestPacketBody(t *testing.T) {
	for _, c := range []struct {
		head []byte
		size int // of what follows
		ok   bool
	}{
		{nil, 0, false},
		{[]byte{0xc2}, 0, false},
		{[]byte{0xc2, 0}, 0, true},
		{[]byte{0xc2, 1}, 1, true},
		{[]byte{0xc2, 1}, 0, false},
		{[]byte{0xc2, 1}, 2, false},
		{[]byte{0xc2, 191}, 191, true},
		{[]byte{0xc2, 192}, 192, false}, // two bytes of length
		{[]byte{0xc2, 192, 0}, 192, true},
		{[]byte{0xc2, 192, 0}, 191, false},
		{[]byte{0xc2, 192}, 0, false},
		{[]byte{0xc2, 193, 5}, 256 + 192 + 5, true},
		{[]byte{0xc2, 223, 255}, 8383, true},
		{[]byte{0xc2, 224, 0}, 8384, false}, // a partial length
		{[]byte{0xc2, 254}, 254, false},
		{[]byte{0xc2, 255, 0, 0, 0x20, 0xc0}, 8384, true},
		{[]byte{0xc2, 255, 0, 0, 0x20, 0xbf}, 8383, false}, // two bytes would do
		{[]byte{0xc2, 255, 0, 0, 0}, 0, false},
		{[]byte{0xc2, 255, 0xff, 0xff, 0xff, 0xff}, 8384, false},
		{[]byte{0xc3, 1}, 1, false}, // another packet
		{[]byte{0xc1, 1}, 1, false},
		{[]byte{0xe2, 1}, 1, false},
		{[]byte{0x88, 0}, 0, true}, // the old format
		{[]byte{0x88, 255}, 255, true},
		{[]byte{0x88, 255}, 254, false},
		{[]byte{0x89, 1, 0}, 256, true},
		{[]byte{0x89, 0, 255}, 255, false}, // one byte would do
		{[]byte{0x89, 1}, 0, false},
		{[]byte{0x89, 0xff, 0xff}, 65535, true},
		{[]byte{0x8a, 0, 1, 0, 0}, 65536, false}, // longer than any signature
		{[]byte{0x8b, 1}, 1, false},              // up to the end of the file
		{[]byte{0x84, 1}, 1, false},
		{[]byte{0x48, 1}, 1, false}, // the highest bit is missing
		{[]byte{0x02, 1}, 1, false},
	} {
		body := bytes.Repeat([]byte{7}, c.size)
		got, err := packetBody(append(bytes.Clone(c.head), body...))
		if c.ok && (err != nil || !bytes.Equal(got, body)) || !c.ok && !errors.Is(err, ErrMalformed) {
			t.Errorf("% x and %d bytes: body of %d, %v", c.head, c.size, len(got), err)
		}
	}
}

func TestCut16(t *testing.T) {
	for in, want := range map[string]string{
		"": "-", "\x00": "-", "\x00\x00": "|", "\x00\x01": "-", "\x00\x01a": "a|", "\x00\x01ab": "a|b",
		"\x01\x00" + strings.Repeat("a", 256): strings.Repeat("a", 256) + "|",
		"\x01\x00" + strings.Repeat("a", 255): "-",
	} {
		part, rest, ok := cut16([]byte(in))
		if got := fmt.Sprintf("%s|%s", part, rest); ok && got != want || ok == (want == "-") {
			t.Errorf("%q: %s, %v", in, got, ok)
		}
	}
}

func TestCheckUnhashed(t *testing.T) {
	id, print := "\x09\x1012345678", "\x16\x21\x0412345678901234567890"
	for in, want := range map[string]string{
		"": "", id: "", print: "", id + print: "", print + id: "",
		id + id:                              "subpacket 16 stands outside what is signed",
		print + id + print:                   "subpacket 33 stands outside what is signed",
		"\x09\x9012345678":                   "subpacket 144 stands outside what is signed", // marked critical
		"\x0a\x10123456789":                  "subpacket 16 stands outside what is signed",
		"\x08\x101234567":                    "subpacket 16 stands outside what is signed",
		"\x16\x21\x0512345678901234567890":   "subpacket 33 stands outside what is signed", // of another version
		"\x15\x21\x041234567890123456789":    "subpacket 33 stands outside what is signed",
		"\x16\x10\x0412345678901234567890":   "subpacket 16 stands outside what is signed",
		"\x09\x2112345678":                   "subpacket 33 stands outside what is signed",
		"\x03\x14ab":                         "subpacket 20 stands outside what is signed",
		"\x00":                               "bad subpacket",
		"\x01":                               "bad subpacket",
		"\x09\x101234567":                    "bad subpacket",
		id + "\x09":                          "bad subpacket",
		"\xc0" + strings.Repeat("\x10", 192): "bad subpacket", // the length goes on in another byte
		"\xbf" + strings.Repeat("\x10", 191): "subpacket 16 stands outside what is signed",
		"\xbf" + strings.Repeat("\x10", 190): "bad subpacket",
	} {
		err := checkUnhashed([]byte(in))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrMalformed) || err.Error() != "malformed signature: "+want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestCheckBody(t *testing.T) {
	body := func(version, kind, algorithm, hash byte, rest string) string {
		return string([]byte{version, kind, algorithm, hash}) + rest
	}
	ed25519 := strings.Repeat("x", 64)
	for in, want := range map[string]string{
		body(4, 1, 27, 8, "\x00\x00\x00\x00hh"+ed25519):                    "",
		body(4, 1, 27, 9, "\x00\x01y\x00\x00hh"+ed25519):                   "",
		body(4, 1, 27, 10, "\x00\x00\x00\x00hh"+ed25519):                   "",
		body(3, 1, 27, 8, "\x00\x00\x00\x00hh"+ed25519):                    "malformed signature: signature of version 3 and type 0x1, want a version 4 signature over text",
		body(4, 0, 27, 8, "\x00\x00\x00\x00hh"+ed25519):                    "malformed signature: signature of version 4 and type 0x0, want a version 4 signature over text",
		body(4, 1, 27, 1, "\x00\x00\x00\x00hh"+ed25519):                    "weak signature: made with MD5",
		body(4, 1, 27, 2, "\x00\x00\x00\x00hh"+ed25519):                    "weak signature: made with SHA-1",
		body(4, 1, 27, 3, "\x00\x00\x00\x00hh"+ed25519):                    "weak signature: made with RIPEMD-160",
		body(4, 1, 27, 11, "\x00\x00\x00\x00hh"+ed25519):                   "weak signature: made with SHA-224",
		body(4, 1, 27, 7, "\x00\x00\x00\x00hh"+ed25519):                    "malformed signature: made with hash 7",
		body(4, 1, 27, 12, "\x00\x00\x00\x00hh"+ed25519):                   "malformed signature: made with hash 12",
		body(4, 1, 27, 8, "\x00\x00\x00\x00hh"+ed25519+"x"):                "malformed signature: a signature of 65 bytes, want 64",
		body(4, 1, 27, 8, "\x00\x00\x00\x00h"+ed25519):                     "malformed signature: a signature of 63 bytes, want 64",
		body(4, 1, 27, 8, "\x00\x00\x00\x00hh"):                            "malformed signature: a signature of 0 bytes, want 64",
		body(4, 1, 27, 8, "\x00\x00\x00\x00h"):                             "malformed signature: packet is cut short",
		body(4, 1, 27, 8, "\x00\x00\x00"):                                  "malformed signature: packet is cut short",
		body(4, 1, 27, 8, "\x00\x01"):                                      "malformed signature: packet is cut short",
		body(4, 1, 27, 8, "\x00"):                                          "malformed signature: packet of 5 bytes",
		"":                                                                 "malformed signature: packet of 0 bytes",
		body(4, 1, 27, 8, "\x00\x00\x00\x01\x00hh"+ed25519):                "malformed signature: bad subpacket",
		body(4, 1, 99, 8, "\x00\x00\x00\x00hh"+ed25519):                    "malformed signature: made with algorithm 99",
		body(4, 1, 1, 8, "\x00\x00\x00\x00hh\x00"):                         "malformed signature: packet is cut short",
		body(4, 1, 1, 8, "\x00\x00\x00\x00hh\x00\x09\x00\x01"):             "malformed signature: a number is not written in the shortest way",
		body(4, 1, 1, 8, "\x00\x00\x00\x00hh\x00\x00\x00"):                 "malformed signature: a number is not written in the shortest way",
		body(4, 1, 1, 8, "\x00\x00\x00\x00hh\x00\x09\x01\x01"):             "weak signature: made with a key of about 9 bits",
		body(4, 1, 22, 8, "\x00\x00\x00\x00hh\x00\x01\x01\x00\x01\x01xyz"): "malformed signature: 3 bytes after the signature",
	} {
		err := checkBody([]byte(in))
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("% x: %s, want %s", in, got, want)
		}
	}
}

// TestPlainLine: what OpenPGP would change or escape can't be signed.
func TestPlainLine(t *testing.T) {
	k := newOpenPGP(t, 0)
	c, err := Clearsign([]byte("x"), k, k.Public().Created())
	if err != nil {
		t.Fatal(err)
	}
	const several, plain = "malformed signature: the signed text has several lines", "malformed signature: the signed text is not one plain line"
	for text, want := range map[string]string{
		"x": "", " x": "", "x-": "", "x y": "",
		"x\n": several, "x\ry": several, "\n": several,
		"": plain, "-x": plain, "x ": plain, "x\t": plain,
	} {
		got, err := NewClearsigned([]byte(text), c.packet)
		if want == "" && (err != nil || string(got.Payload) != text) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func newOpenPGP(t *testing.T, lifetime time.Duration) *key.Private {
	t.Helper()
	k, err := key.New(key.OpenPGP, key.Options{Name: "A", Time: time.Unix(1.7e9, 0), Lifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestTimes holds, to the second, when a signature may have been made.
func TestTimes(t *testing.T) {
	k := newOpenPGP(t, 1000*time.Second)
	born := k.Public().Created()
	signed := func(at time.Duration) *Clearsigned {
		c, err := Clearsign([]byte("x"), k, born.Add(at))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		made, now time.Duration
		want      string
	}{
		{0, 0, ""},
		{999 * time.Second, 0, "invalid signature: dated 2023-11-14T22:29:59Z, in the future"},
		{300 * time.Second, 0, ""},
		{301 * time.Second, 0, "invalid signature: dated 2023-11-14T22:18:21Z, in the future"},
		{500 * time.Second, 5000 * time.Second, ""}, // expired since
	} {
		err := signed(c.made).Verify(k.Public(), born.Add(c.now))
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want || !errors.Is(err, ErrInvalid)) {
			t.Errorf("made %v, looked at %v: %v, want %s", c.made, c.now, err, c.want)
		}
	}
	c := signed(900 * time.Second)
	for now, want := range map[time.Duration]bool{0: true, 999 * time.Second: true, 1001 * time.Second: false} {
		if why := c.NoLongerValid(k.Public(), born.Add(now)); (why == "") != want {
			t.Errorf("at %v: %q", now, why)
		}
	}
	early := signed(0)
	early.Signature.CreationTime = born.Add(-time.Second)
	want := "invalid signature: dated 2023-11-14T22:13:19Z, before the key was made"
	if err := early.Verify(k.Public(), born); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if c.Time() != born.Add(900*time.Second) || c.Time().Location() != time.UTC {
		t.Errorf("made at %v", c.Time())
	}
	for _, at := range []time.Duration{-time.Second, 1001 * time.Second} {
		want := fmt.Sprintf("key %s cannot sign at %s: ", k.Fingerprint(), stamp(born.Add(at)))
		if _, err := Clearsign([]byte("x"), k, born.Add(at)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("at %v: %v, want %s...", at, err, want)
		}
	}
}

// TestNames: what a signature says of its maker, and what was used to make it.
func TestNames(t *testing.T) {
	k, other := newOpenPGP(t, 0), newOpenPGP(t, 0)
	c, err := Clearsign([]byte("x"), k, k.Public().Created())
	if err != nil {
		t.Fatal(err)
	}
	full := string(k.Fingerprint())
	if got := c.Issuer(); got != full {
		t.Errorf("issuer %s, want %s", got, full)
	}
	if got := c.Algorithm(k.Public()); got.Family != "ed25519" || got.Hash != c.Signature.Hash {
		t.Errorf("%+v", got)
	}
	for _, p := range []*key.Public{nil, other.Public()} {
		if got := c.Algorithm(p); !reflect.DeepEqual(got, key.Algorithm{}) {
			t.Errorf("of another key: %+v", got)
		}
	}
	c.Signature.IssuerFingerprint = nil
	if got := c.Issuer(); got != full[24:] {
		t.Errorf("issuer %s, want %s", got, full[24:])
	}
	c.Signature.IssuerKeyId = nil
	if got := c.Issuer(); got != "" {
		t.Errorf("issuer %s, want none", got)
	}
	if got := c.Algorithm(k.Public()); !reflect.DeepEqual(got, key.Algorithm{}) {
		t.Errorf("%+v", got)
	}
	if err := c.Verify(k.Public(), k.Public().Created()); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	if why := c.NoLongerValid(k.Public(), k.Public().Created()); why != "" {
		t.Error(why)
	}
}

// TestExplain: go-crypto's reasons in this package's words.
func TestExplain(t *testing.T) {
	k := newOpenPGP(t, 0)
	c, err := Clearsign([]byte("x"), k, time.Unix(1.7e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		err  error
		want string
		is   error
	}{
		{pgperrors.ErrKeyExpired, "signed by an expired key: it expired before 2023-11-14T22:13:20Z", ErrExpired},
		{pgperrors.ErrSignatureExpired, "signed by an expired key: the signature of 2023-11-14T22:13:20Z was made for a limited time", ErrExpired},
		{pgperrors.ErrKeyRevoked, "signed by a revoked key: the subkey that signed", ErrRevoked},
		{pgperrors.ErrUnknownIssuer, "unknown signer", ErrUnknown},
		{pgperrors.WeakAlgorithmError("SHA-1"), "weak signature: " + pgperrors.WeakAlgorithmError("SHA-1").Error(), ErrWeak},
		{errors.New("odd"), "invalid signature: odd", ErrInvalid},
	} {
		if err := c.explain(k.Entity(), tt.err); err.Error() != tt.want || !errors.Is(err, tt.is) {
			t.Errorf("%v: %v, want %s", tt.err, err, tt.want)
		}
	}
}

// TestRevocation: which revocation of a key counts for a signature of a time,
// and how it is told.
func TestRevocation(t *testing.T) {
	const made = 1.7e9
	yes, no := true, false
	of := func(at int64, reason packet.ReasonForRevocation, valid *bool) *packet.VerifiableSignature {
		return &packet.VerifiableSignature{Valid: valid, Packet: &packet.Signature{CreationTime: time.Unix(made+at, 0), RevocationReason: &reason}}
	}
	unsaid := of(5, packet.NoReason, &yes)
	unsaid.Packet.RevocationReason = nil
	const none = "the subkey that signed"
	for _, c := range []struct {
		all  []*packet.VerifiableSignature
		want string
	}{
		{nil, none},
		{[]*packet.VerifiableSignature{of(0, packet.KeyRetired, &yes)}, "on 2023-11-14T22:13:20Z as retired"},
		{[]*packet.VerifiableSignature{of(1, packet.KeyRetired, &yes)}, none},
		{[]*packet.VerifiableSignature{of(-1, packet.KeySuperseded, &yes)}, "on 2023-11-14T22:13:19Z as superseded"},
		{[]*packet.VerifiableSignature{of(1, packet.KeySuperseded, &yes)}, none},
		{[]*packet.VerifiableSignature{of(5, packet.KeyCompromised, &yes)}, "on 2023-11-14T22:13:25Z as compromised"},
		{[]*packet.VerifiableSignature{unsaid}, "on 2023-11-14T22:13:25Z"},
		{[]*packet.VerifiableSignature{of(5, packet.KeyCompromised, &no)}, none},
		{[]*packet.VerifiableSignature{of(5, packet.KeyCompromised, nil)}, none},
		{[]*packet.VerifiableSignature{of(-5, packet.KeyCompromised, &no), of(1, packet.KeyRetired, &yes), of(9, packet.KeyCompromised, &yes)}, "on 2023-11-14T22:13:29Z as compromised"},
	} {
		if got := revocation(&openpgp.Entity{Revocations: c.all}, time.Unix(made, 0)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestEnvelopeWords holds what is said of an envelope that is refused, and
// where each signature goes.
func TestEnvelopeWords(t *testing.T) {
	const head = `{"payloadType":"application/vnd.sylabs.sif-metadata+json","payload":`
	for text, want := range map[string]string{
		head + `"eA==","signatures":[{"keyid":"a","sig":"eA=="}]}`:                            "",
		head + `"","signatures":[{"keyid":"a","sig":"eA=="},{"keyid":"b","sig":"eA=="}]}`:     "",
		head + `"eA==","signatures":[{"keyid":"a","sig":""}]}`:                                "signature 1 is not base64",
		head + `"eA==","signatures":[{"keyid":"a","sig":"eA=="},{"keyid":"b","sig":"eA"}]}`:   "signature 2 is not base64",
		head + `"eA==","signatures":[{"keyid":"a","sig":"eB=="}]}`:                            "signature 1 is not base64", // bits that are lost
		head + `"eA==","signatures":[{"keyid":"a","sig":"eA=="},{"keyid":"a","sig":"eQ=="}]}`: `two signatures by key "a"`,
		head + `"eA==","signatures":[]}`:                                                      "envelope with 0 signatures, want 1 to 64",
		`{"payloadType":"x","payload":"","signatures":[{"keyid":"a","sig":"eA=="}]}`:          `envelope of type "x", want application/vnd.sylabs.sif-metadata+json`,
		head + `"eA==", "signatures":[{"keyid":"a","sig":"eA=="}]}`:                           "envelope: not written as Go's encoding/json would",
	} {
		_, err := Parse([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	e := &Envelope{}
	for _, id := range []string{"a", "b", "a"} {
		if err := e.Add(EnvelopeSignature{id, []byte(fmt.Sprint(id, len(e.Signatures)))}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []EnvelopeSignature{{"a", []byte("a2")}, {"b", []byte("b1")}}; !reflect.DeepEqual(e.Signatures, want) {
		t.Errorf("%s", e.Signatures)
	}
	for i := len(e.Signatures); i < MaxSigners; i++ {
		if err := e.Add(EnvelopeSignature{fmt.Sprint(i), nil}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Add(EnvelopeSignature{"new", nil}); err == nil || err.Error() != "the envelope holds 64 signatures, and no more fit" {
		t.Errorf("%v", err)
	}
	if err := e.Add(EnvelopeSignature{"b", []byte("b64")}); err != nil || string(e.Signatures[1].Sig) != "b64" {
		t.Errorf("a full envelope refuses a signature in an old one's place: %v", err)
	}
}

// TestEnvelopeVerify tells apart who made a signature and whom it names.
func TestEnvelopeVerify(t *testing.T) {
	a, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &Envelope{Payload: []byte("x")}
	if err := e.Sign(a); err != nil {
		t.Fatal(err)
	}
	made, id := e.Signatures[0].Sig, string(a.Fingerprint())
	for _, c := range []struct {
		s    EnvelopeSignature
		want error
	}{
		{EnvelopeSignature{id, made}, nil},
		{EnvelopeSignature{"", made}, ErrMalformed},
		{EnvelopeSignature{id + "x", made}, ErrMalformed},
		{EnvelopeSignature{id, made[1:]}, ErrInvalid},
		{EnvelopeSignature{"", made[1:]}, ErrUnknown},
	} {
		if err := e.Verify(c.s, a.Public()); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.s.KeyID, err, c.want)
		}
	}
}

func TestMaxSize(t *testing.T) {
	b := bytes.Repeat([]byte("{"), MaxSize+1)
	want := fmt.Sprintf("malformed signature: %d bytes, at most %d are read", MaxSize+1, MaxSize)
	if _, err := Parse(b); err == nil || err.Error() != want {
		t.Errorf("%.100v, want %s", err, want)
	}
	if _, err := Parse(b[:MaxSize]); err == nil || !strings.HasPrefix(err.Error(), "malformed signature: envelope: ") {
		t.Errorf("%.100v", err)
	}
}
