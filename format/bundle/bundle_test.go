package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// full has every field of the form.
func full() *Bundle {
	return &Bundle{
		Certificate: []byte{0x30, 0x03, 1, 2, 3},
		Timestamps:  [][]byte{{0x30, 1}, {0x30, 2}},
		Log: []LogEntry{{
			Index: 1 << 62, LogID: bytes.Repeat([]byte{7}, 32), Kind: "hashedrekord", Version: "0.0.2", IntegratedTime: 1700000000,
			Promise: []byte("promise"), Body: []byte(`{"a":"<&>"}`),
			Proof: InclusionProof{
				Index: 5, TreeSize: 9, RootHash: bytes.Repeat([]byte{9}, 32),
				Hashes:     [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)},
				Checkpoint: "log.example <1> & \"2\"\n9\nroot\n\n— log.example c2ln\n",
			},
		}},
		Envelope: &Envelope{PayloadType: "application/vnd.in-toto+json", Payload: []byte("{}"), KeyID: "any", Signature: []byte("sig")},
	}
}

// small has as little as a bundle can.
func small() *Bundle {
	return &Bundle{KeyHint: "SHA256:abc", Message: &Message{Hash: "SHA2_256", Digest: make([]byte, 32), Signature: []byte("s")}}
}

const smallText = `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"SHA256:abc"}},` +
	`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},"signature":"cw=="}}`

func TestEncode(t *testing.T) {
	if got := string(small().Encode()); got != smallText {
		t.Errorf("got  %s\nwant %s", got, smallText)
	}
	for _, want := range []*Bundle{full(), small(), {Envelope: &Envelope{PayloadType: "t", Payload: []byte{}, Signature: []byte("s")}}} {
		b := want.Encode()
		if got, err := ParseExact(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%v\ngot  %+v\nwant %+v", b, err, got, want)
		}
	}
}

func TestSigned(t *testing.T) {
	e := Envelope{PayloadType: "a/b", Payload: []byte("x y")}
	if got, want := string(e.Signed()), "DSSEv1 3 a/b 3 x y"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOracle: protobuf's own reader and writer of bundles understand ours, and
// ours theirs, with the same values.
func TestOracle(t *testing.T) {
	for _, b := range []*Bundle{full(), small()} {
		var theirs v1.Bundle
		if err := protojson.Unmarshal(b.Encode(), &theirs); err != nil {
			t.Fatal(err)
		}
		for _, o := range []protojson.MarshalOptions{{}, {Multiline: true}} {
			text, err := o.Marshal(&theirs)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(text)
			if err != nil || !reflect.DeepEqual(got, b) {
				t.Errorf("%s\n%v\ngot  %+v\nwant %+v", text, err, got, b)
			}
		}
	}
}

func TestParseOtherSpellings(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"white space":       func(s string) string { return " \n" + strings.ReplaceAll(s, ":{", " :\t{ ") + "\n" },
		"early media type":  func(s string) string { return strings.Replace(s, MediaType, mediaTypeEarly, 1) },
		"no log, no tokens": with(`"publicKey"`, `"tlogEntries":[],"timestampVerificationData":{"rfc3161Timestamps":[]},"publicKey"`),
		"escapes":           with(`abc`, `a\u0062c`),
		"order": func(s string) string {
			return strings.Replace(s, `{"algorithm":"SHA2_256","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`,
				`{"digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","algorithm":"SHA2_256"}`, 1)
		},
	} {
		text := change(smallText)
		got, err := Parse([]byte(text))
		if err != nil || !reflect.DeepEqual(got, small()) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
		if _, err := ParseExact([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: exact: %v", name, err)
		}
	}
}

func with(old, replacement string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, replacement, 1) }
}

// TestRefuses has one defect in each, and the words that tell it.
func TestRefuses(t *testing.T) {
	whole := string(full().Encode())
	for _, c := range []struct{ from, old, replacement, want string }{
		{smallText, `"mediaType":"` + MediaType + `",`, ``, `bundle: key "mediaType" is missing`},
		{smallText, `v0.3`, `v0.2`, `mediaType "application/vnd.dev.sigstore.bundle.v0.2+json": want ` + MediaType},
		{smallText, `"mediaType"`, `"mediatype"`, `bundle: key "mediaType" is missing`},
		{smallText, `"mediaType"`, `"extra":1,"mediaType"`, `bundle: unknown key "extra"`},
		{smallText, `"mediaType"`, `"mediaType":"x","mediaType"`, `key "mediaType" stands there twice`},
		{smallText, `"publicKey"`, `"PublicKey":{},"publicKey"`, `verificationMaterial: unknown key "PublicKey"`},
		{smallText, `"hint"`, `"hint":"x","h\u0069nt"`, `key "hint" stands there twice`},
		{smallText, `"SHA256:abc"`, `null`, `hint: want a string`},
		{smallText, `{"hint":"SHA256:abc"}`, `null`, `publicKey: want an object`},
		{smallText, `"publicKey":{"hint":"SHA256:abc"}`, ``, `verificationMaterial: key "publicKey" is missing`},
		{smallText, `abc`, "a\u202ec", `hint: character U+202E`},
		{smallText, `abc`, `a\u001bc`, `hint: character U+001B`},
		{smallText, `abc`, `a\ud800c`, `hint: character U+FFFD`},
		{smallText, `abc`, "a\xffc", `not UTF-8`},
		{smallText, `abc`, strings.Repeat("x", 1018), `hint: 1025 bytes, want 1 to 1024`},
		{smallText, `"cw=="`, `"cw"`, `signature: not base64`},
		{smallText, `"cw=="`, `"cx=="`, `signature: not base64`},
		{smallText, `"cw=="`, `"c\nw=="`, `signature: not base64`},
		{smallText, `"cw=="`, `""`, `signature: 0 bytes, want 1 to 65536`},
		{smallText, `"cw=="`, `7`, `signature: want base64 in a string`},
		{smallText, `SHA2_256`, `SHA1`, `messageDigest: algorithm "SHA1": want SHA2_256, SHA2_384 or SHA2_512`},
		{smallText, `SHA2_256`, `SHA2_384`, `digest: 32 bytes, want 48 to 48`},
		{smallText, `"messageSignature"`, `"dsseEnvelope":{},"messageSignature"`, `dsseEnvelope and messageSignature: want one of them`},
		{smallText, `"messageSignature"`, `"content"`, `bundle: key "messageSignature" is missing`},
		{smallText, `"publicKey"`, `"x509CertificateChain":{},"publicKey"`, `x509CertificateChain: version 0.3 has one certificate in its place`},
		{smallText, `"publicKey"`, `"certificate":{"rawBytes":"cw=="},"publicKey"`, `certificate and publicKey: want one of them`},
		{smallText, `"publicKey"`, `"tlogEntries":{},"publicKey"`, `tlogEntries: want a list`},
		{smallText, `"publicKey"`, `"tlogEntries":[` + strings.Repeat("0,", 16) + `0],"publicKey"`, `tlogEntries: 17 entries, at most 16 are read`},
		{smallText, `"publicKey"`, `"tlogEntries":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `,"publicKey"`, `nested more than 8 deep`},
		{smallText, `"publicKey"`, `"tlogEntries":[` + strings.Repeat("0,", 4096) + `0],"publicKey"`, `more than 4096 values`},
		{whole, `[{"sig":"c2ln","keyid":"any"}]`, `[]`, `dsseEnvelope with 0 signatures, want 1`},
		{whole, `[{"sig":"c2ln","keyid":"any"}]`, `[{"sig":"c2ln"},{"sig":"c2ln"}]`, `dsseEnvelope with 2 signatures, want 1`},
		{whole, `"sig":"c2ln"`, `"sig":"c2ln","cert":""`, `signatures: unknown key "cert"`},
		{whole, `"4611686018427387904"`, `"9223372036854775808"`, `logIndex: want a whole number in decimal`},
		{whole, `"4611686018427387904"`, `"-1"`, `logIndex: want a whole number in decimal`},
		{whole, `"4611686018427387904"`, `"07"`, `logIndex: want a whole number in decimal`},
		{whole, `"4611686018427387904"`, `1.0`, `logIndex: want a whole number in decimal`},
		{whole, `"4611686018427387904"`, `true`, `logIndex: want a whole number in decimal`},
		{whole, `"treeSize":"9"`, `"treeSize":"+9"`, `treeSize: want a whole number in decimal`},
		{whole, `"inclusionProof"`, `"proof"`, `tlogEntries: key "inclusionProof" is missing`},
		{whole, `"inclusionProof":{`, `"inclusionProof":{"x":0,`, `inclusionProof: unknown key "x"`},
		{whole, `log.example c2ln`, "log.example\tc2ln", `invalid character '\t' in string literal`},
		{whole, `log.example c2ln`, `log.example\tc2ln`, `envelope: character U+0009`},
		{whole, `"signedEntryTimestamp":"cHJvbWlzZQ=="`, `"signedEntryTimestamp":""`, `signedEntryTimestamp: 0 bytes, want 1 to 65536`},
		{whole, `"signedTimestamp":"MAE="`, `"signedTimestamp":""`, `signedTimestamp: 0 bytes, want 1 to 65536`},
		{whole, `"rawBytes":"MAMBAgM="`, `"rawBytes":""`, `rawBytes: 0 bytes, want 1 to 65536`},
		{whole, `"keyId":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="`, `"keyId":""`, `keyId: 0 bytes, want 1 to 64`},
	} {
		text := strings.Replace(c.from, c.old, c.replacement, 1)
		if text == c.from {
			t.Errorf("%s: stands nowhere", c.old)
		}
		_, err := Parse([]byte(text))
		if !errors.Is(err, ErrMalformed) || err.Error() != "malformed bundle: "+c.want {
			t.Errorf("%s for %.60s:\ngot  %v\nwant %s", c.replacement, c.old, err, c.want)
		}
	}
}

func TestRefusesEnds(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "EOF",
		"[]":                         "bundle: want an object",
		"{}":                         `bundle: key "mediaType" is missing`,
		smallText + "{}":             "text after the end of the document",
		smallText[:len(smallText)-1]: "EOF",
		smallText + strings.Repeat(" ", MaxSize+1-len(smallText)): "4194305 bytes, at most 4194304 are read",
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrMalformed) || err.Error() != "malformed bundle: "+want {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	if _, err := Parse([]byte(smallText + strings.Repeat(" ", MaxSize-len(smallText)))); err != nil {
		t.Errorf("as long as allowed: %v", err)
	}
}

// TestBounds holds each limit: what is at it passes, what is over it does not.
func TestBounds(t *testing.T) {
	for name, set := range map[string]func(*Bundle, int){
		"timestamps": func(b *Bundle, over int) { b.Timestamps = repeat(maxTimestamps + over) },
		"log": func(b *Bundle, over int) {
			b.Log = nil
			for range maxLogEntries + over {
				b.Log = append(b.Log, full().Log[0])
			}
		},
		"hashes":      func(b *Bundle, over int) { b.Log[0].Proof.Hashes = repeat(maxHashes + over) },
		"hash":        func(b *Bundle, over int) { b.Log[0].Proof.Hashes[0] = make([]byte, maxHash+over) },
		"root":        func(b *Bundle, over int) { b.Log[0].Proof.RootHash = make([]byte, maxHash+over) },
		"log id":      func(b *Bundle, over int) { b.Log[0].LogID = make([]byte, maxHash+over) },
		"certificate": func(b *Bundle, over int) { b.Certificate = make([]byte, maxToken+over) },
		"token":       func(b *Bundle, over int) { b.Timestamps[1] = make([]byte, maxToken+over) },
		"signature":   func(b *Bundle, over int) { b.Envelope.Signature = make([]byte, maxSignature+over) },
		"promise":     func(b *Bundle, over int) { b.Log[0].Promise = make([]byte, maxSignature+over) },
		"checkpoint": func(b *Bundle, over int) {
			b.Log[0].Proof.Checkpoint = strings.Repeat("x", maxToken+over)
		},
		"type": func(b *Bundle, over int) { b.Envelope.PayloadType = strings.Repeat("x", maxString+over) },
		"kind": func(b *Bundle, over int) { b.Log[0].Kind = strings.Repeat("x", maxString+over) },
	} {
		at, over := full(), full()
		set(at, 0)
		set(over, 1)
		if _, err := ParseExact(at.Encode()); err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		}
		if _, err := Parse(over.Encode()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: over the limit: %v", name, err)
		}
	}
}

func repeat(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = []byte{1}
	}
	return all
}

// TestKeyID: the unsigned names of the key must not contradict each other.
func TestKeyID(t *testing.T) {
	for _, c := range []struct {
		hint, id string
		ok       bool
	}{{"a", "a", true}, {"a", "", true}, {"", "", true}, {"a", "b", false}, {"", "b", false}} {
		b := &Bundle{KeyHint: c.hint, Envelope: &Envelope{PayloadType: "t", Signature: []byte("s"), KeyID: c.id}}
		if _, err := Parse(b.Encode()); (err == nil) != c.ok {
			t.Errorf("%q, %q: %v", c.hint, c.id, err)
		}
	}
}

// FuzzParse: what is accepted is written in one way only, which is accepted
// again with the same values, and protobuf's reader sees the same values.
func FuzzParse(f *testing.F) {
	f.Add([]byte(smallText))
	f.Add(full().Encode())
	f.Add([]byte(`{"mediaType":"` + mediaTypeEarly + `","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{"payload":"","payloadType":"t","signatures":[{"sig":"cw=="}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseExact(got.Encode())
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%v\n%+v\n%+v", err, got, again)
		}
		var theirs, ours v1.Bundle
		if err := errors.Join(protojson.Unmarshal(b, &theirs), protojson.Unmarshal(got.Encode(), &ours)); err != nil {
			t.Fatal(err)
		}
		theirs.MediaType = MediaType
		if theirs.VerificationMaterial.GetTimestampVerificationData() != nil && len(got.Timestamps) == 0 {
			theirs.VerificationMaterial.TimestampVerificationData = nil // empty: says nothing
		}
		if !proto.Equal(&theirs, &ours) {
			t.Fatalf("protobuf reads %v, we %v", &theirs, &ours)
		}
	})
}

func Example() {
	b, err := Parse([]byte(smallText))
	fmt.Println(b.KeyHint, len(b.Message.Digest), err)
	// Output: SHA256:abc 32 <nil>
}
