package signature_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"repro/format/signature"
	"repro/key"
)

const payload = `{"version":1,"header":{"digest":"sha256:00"},"objects":[]}`

var (
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

func newKey(t testing.TB, kind key.Kind, alg key.Algorithm) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Algorithm: alg, Name: "Alice", Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func clearsigned(t testing.TB, k *key.Private) []byte {
	t.Helper()
	c, err := signature.Clearsign([]byte(payload), k, made)
	if err != nil {
		t.Fatal(err)
	}
	return c.Encode()
}

func envelope(t testing.TB, keys ...*key.Private) []byte {
	t.Helper()
	e := &signature.Envelope{Payload: []byte(payload)}
	for _, k := range keys {
		if err := e.Sign(k); err != nil {
			t.Fatal(err)
		}
	}
	return e.Encode()
}

// verify says what is wrong with a block that one of keys should have made.
func verify(b []byte, keys ...*key.Private) error {
	block, err := signature.Parse(b)
	if err != nil {
		return err
	}
	if string(block.Payload()) != payload {
		return errors.New("other payload")
	}
	if c := block.Clearsigned; c != nil {
		return c.Verify(keys[0].Public(), now)
	}
	for i, s := range block.Envelope.Signatures {
		if err := block.Envelope.Verify(s, keys[i].Public()); err != nil {
			return err
		}
	}
	return nil
}

func TestRoundTrip(t *testing.T) {
	for _, alg := range []key.Algorithm{key.Ed25519, key.RSA3072} {
		k := newKey(t, key.OpenPGP, alg)
		b := clearsigned(t, k)
		if err := verify(b, k); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if !bytes.Equal(b, clearsigned(t, k)) {
			t.Errorf("%s: a second signature at the same time has other bytes", alg)
		}
		if !bytes.Contains(b, []byte("\n=")) {
			t.Errorf("%s: no checksum:\n%s", alg, b)
		}
		theirs, rest := clearsign.Decode(b)
		if theirs == nil || len(rest) > 0 || string(theirs.Plaintext) != payload {
			t.Errorf("%s: go-crypto reads something else", alg)
		}
	}
	var all []*key.Private
	for _, alg := range []key.Algorithm{key.Ed25519, key.ECDSAP256, key.RSA3072} {
		all = append(all, newKey(t, key.PEM, alg))
		b := envelope(t, all...)
		if err := verify(b, all...); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if !bytes.Contains(b, []byte(all[0].Fingerprint())) {
			t.Errorf("%s: the first signer is gone", alg)
		}
	}
	e := signature.Envelope{Payload: []byte(payload)}
	if !bytes.Equal(e.Signed(), dsse.PAE(signature.PayloadType, e.Payload)) {
		t.Error("another encoding than DSSE's")
	}
}

func TestSomebodyElse(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, key.Algorithm{}), newKey(t, key.OpenPGP, key.Algorithm{})
	if err := verify(clearsigned(t, alice), bob); !errors.Is(err, signature.ErrUnknown) {
		t.Error(err)
	}
	carol, dave := newKey(t, key.PEM, key.Algorithm{}), newKey(t, key.PEM, key.Algorithm{})
	if err := verify(envelope(t, carol), dave); !errors.Is(err, signature.ErrUnknown) {
		t.Error(err)
	}
	if err := verify(envelope(t, carol), alice); !errors.Is(err, signature.ErrUnknown) {
		t.Error(err)
	}
	if err := verify(clearsigned(t, alice), carol); !errors.Is(err, signature.ErrUnknown) {
		t.Error(err)
	}
}

// TestFlip flips each byte of a block in each of several ways: none may pass.
func TestFlip(t *testing.T) {
	pgp, rsa := newKey(t, key.OpenPGP, key.Ed25519), newKey(t, key.OpenPGP, key.RSA3072)
	ed, ec := newKey(t, key.PEM, key.Ed25519), newKey(t, key.PEM, key.ECDSAP256)
	for name, tt := range map[string]struct {
		block []byte
		keys  []*key.Private
	}{
		"openpgp ed25519": {clearsigned(t, pgp), []*key.Private{pgp}},
		"openpgp rsa":     {clearsigned(t, rsa), []*key.Private{rsa}},
		"envelope":        {envelope(t, ed, ec), []*key.Private{ed, ec}},
	} {
		masks := []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}
		if testing.Short() {
			masks = masks[:1]
		}
		for i := range tt.block {
			for _, mask := range masks {
				b := bytes.Clone(tt.block)
				b[i] ^= mask
				if verify(b, tt.keys...) == nil {
					t.Errorf("%s: byte %d (%q) may become %q", name, i, tt.block[i], b[i])
				}
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	pgp := newKey(t, key.OpenPGP, key.Algorithm{})
	pem := newKey(t, key.PEM, key.Algorithm{})
	clear, env := string(clearsigned(t, pgp)), string(envelope(t, pem))
	replace := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("no %q in\n%s", old, s)
		}
		return strings.Replace(s, old, new, 1)
	}
	tests := map[string]string{
		"nothing":                   "",
		"prose":                     "signed, Alice",
		"too long":                  strings.Repeat("{", signature.MaxSize+1),
		"text before":               "\n" + clear,
		"text after":                clear + "x",
		"two newlines after":        clear + "\n\n",
		"two blocks":                clear + clear,
		"no hash":                   replace(clear, "Hash: SHA256\n", ""),
		"two hashes":                replace(clear, "Hash: SHA256\n", "Hash: SHA256\nHash: SHA256\n"),
		"hash list":                 replace(clear, "SHA256\n", "SHA256,SHA512\n"),
		"comment":                   replace(clear, "Hash: SHA256\n", "Hash: SHA256\nComment: x\n"),
		"armour comment":            replace(clear, "SIGNATURE-----\n\n", "SIGNATURE-----\nComment: x\n\n"),
		"dash escape":               replace(clear, "{", "- {"),
		"space after text":          replace(clear, "}\n", "} \n"),
		"carriage returns":          strings.ReplaceAll(clear, "\n", "\r\n"),
		"second line":               replace(clear, "}\n-----", "}\nmore\n-----"),
		"wrapped elsewhere":         replace(clear, "SIGNATURE-----\n\nw", "SIGNATURE-----\n\nw\n"),
		"space in envelope":         replace(env, ":", ": "),
		"newline after":             env + "\n",
		"double key":                replace(env, `{"payloadType"`, `{"payloadType":"x","payloadType"`),
		"other case":                replace(env, `"payloadType"`, `"PayloadType"`),
		"unknown key":               replace(env, `{"payloadType"`, `{"note":"x","payloadType"`),
		"no signatures":             env[:strings.Index(env, "[")] + "[]}",
		"null signatures":           env[:strings.Index(env, "[")] + "null}",
		"in-toto":                   replace(env, signature.PayloadType, "application/vnd.in-toto+json"),
		"url base64":                replace(env, `"sig":"`, `"sig":"_`),
		"loose base64":              replace(env, `"payload":"`, `"payload":"\n`),
		"same signer twice":         replace(env, `]}`, ","+env[strings.Index(env, "[")+1:]),
		"deep":                      strings.Repeat(`{"payload":`, 100000),
		"only the first line":       "-----BEGIN PGP SIGNED MESSAGE-----\n",
		"begin and begin signature": "-----BEGIN PGP SIGNED MESSAGE-----\n-----BEGIN PGP SIGNATURE-----\n",
	}
	for name, b := range tests {
		if _, err := signature.Parse([]byte(b)); !errors.Is(err, signature.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	legacy := replace(clear, "{", "SIFHASH:\n{")
	if _, err := signature.Parse([]byte(legacy)); !errors.Is(err, signature.ErrWeak) {
		t.Errorf("legacy: %v", err)
	}
}

// TestPackets changes the signature packet inside well-formed armour.
func TestPackets(t *testing.T) {
	k := newKey(t, key.OpenPGP, key.Algorithm{})
	block, _ := clearsign.Decode(clearsigned(t, k))
	var good bytes.Buffer
	if _, err := good.ReadFrom(block.ArmoredSignature.Body); err != nil {
		t.Fatal(err)
	}
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good.Bytes())) }
	at := func(i int, v byte) []byte { return change(func(b []byte) []byte { b[i] = v; return b }) }
	oldFormat := func(b []byte) []byte { return append([]byte{0x88, byte(len(b) - 2)}, b[2:]...) }
	hashed := 2 + 6 + int(good.Bytes()[7]) // where the unhashed part starts
	unhashed := func(sub ...byte) []byte {
		return change(func(b []byte) []byte {
			b[1] += byte(len(sub))
			b[hashed+1] = byte(len(sub))
			return append(b[:hashed+2:hashed+2], append(bytes.Clone(sub), b[hashed+2:]...)...)
		})
	}
	issuer := append([]byte{9, 16}, k.Entity().PrimaryKey.Fingerprint[12:]...)
	other := bytes.Clone(issuer)
	other[9] ^= 1
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"as it was", good.Bytes(), nil},
		{"old packet format", change(oldFormat), nil},
		{"long length", change(func(b []byte) []byte { return append([]byte{0xc2, 255, 0, 0, 0, b[1]}, b[2:]...) }), signature.ErrMalformed},
		{"partial length", at(1, 0xe1), signature.ErrMalformed},
		{"another packet", at(0, 0xc4), signature.ErrMalformed},
		{"two packets", change(func(b []byte) []byte { return append(b, good.Bytes()...) }), signature.ErrMalformed},
		{"empty", nil, signature.ErrMalformed},
		{"version 3", at(2, 3), signature.ErrMalformed},
		{"binary document", at(3, 0), signature.ErrMalformed},
		{"sha-1", at(5, 2), signature.ErrWeak},
		{"md5", at(5, 1), signature.ErrWeak},
		{"dsa", at(4, 17), signature.ErrWeak},
		{"sha3", at(5, 12), signature.ErrMalformed},
		{"algorithm 99", at(4, 99), signature.ErrMalformed},
		{"hash tag", change(func(b []byte) []byte { b[hashed+2]++; return b }), signature.ErrMalformed},
		{"issuer named unsigned", unhashed(issuer...), nil},
		{"another issuer named", unhashed(other...), signature.ErrUnknown},
		{"unsigned notation", unhashed(3, 20, 1, 2), signature.ErrMalformed},
		{"issuer twice", unhashed(append(bytes.Clone(issuer), issuer...)...), signature.ErrMalformed},
		{"cut", change(func(b []byte) []byte { b[1] -= 3; return b[:len(b)-3] }), signature.ErrMalformed},
		{"long number", change(func(b []byte) []byte { b[hashed+4], b[hashed+5] = 1, 8; return b }), signature.ErrMalformed},
	}
	for _, tt := range tests {
		c, err := signature.NewClearsigned([]byte(payload), tt.packet)
		if err == nil {
			err = verify(c.Encode(), k)
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestShortRSA: who signs with RSA of 1024 bits is told so even by someone who
// does not have the key.
func TestShortRSA(t *testing.T) {
	body := []byte{4, 1, 1, 8, 0, 0, 0, 0, 0, 0, 4, 0}
	body = append(body, bytes.Repeat([]byte{0xff}, 128)...)
	_, err := signature.NewClearsigned([]byte(payload), append([]byte{0xc2, byte(len(body))}, body...))
	if !errors.Is(err, signature.ErrWeak) {
		t.Error(err)
	}
}

func TestTooManySigners(t *testing.T) {
	k := newKey(t, key.PEM, key.Ed25519)
	e := &signature.Envelope{Payload: []byte(payload)}
	for i := range signature.MaxSigners {
		e.Signatures = append(e.Signatures, signature.EnvelopeSignature{KeyID: fmt.Sprint(i), Sig: []byte{1}})
	}
	if _, err := signature.Parse(e.Encode()); err != nil {
		t.Error(err)
	}
	if err := e.Sign(k); err == nil {
		t.Error("one more than fit")
	}
	e.Signatures = append(e.Signatures, signature.EnvelopeSignature{KeyID: "x", Sig: []byte{1}})
	if _, err := signature.Parse(e.Encode()); !errors.Is(err, signature.ErrMalformed) {
		t.Error(err)
	}
}

func TestCannotSign(t *testing.T) {
	k, err := key.New(key.OpenPGP, key.Options{Name: "A", Time: made, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{made.Add(-time.Second), made.Add(2 * time.Hour)} {
		if _, err := signature.Clearsign([]byte(payload), k, at); err == nil {
			t.Errorf("signed at %v", at)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(clearsigned(f, newKey(f, key.OpenPGP, key.Algorithm{})))
	f.Add(envelope(f, newKey(f, key.PEM, key.Algorithm{}), newKey(f, key.PEM, key.Ed25519)))
	f.Add([]byte(`{"payloadType":"` + signature.PayloadType + `","payload":"","signatures":[{"keyid":"","sig":"AA=="}]}`))
	alice := newKey(f, key.OpenPGP, key.Algorithm{})
	f.Fuzz(func(t *testing.T, b []byte) {
		block, err := signature.Parse(b)
		if err != nil {
			if !errors.Is(err, signature.ErrMalformed) && !errors.Is(err, signature.ErrWeak) {
				t.Fatal(err)
			}
			return
		}
		if c := block.Clearsigned; c != nil {
			if c.Verify(alice.Public(), now) == nil {
				t.Fatal("verifies")
			}
			return
		}
		if !bytes.Equal(block.Envelope.Encode(), b) {
			t.Fatal("writes another envelope")
		}
	})
}

// FuzzPacket puts packets that are not armoured for the fuzzer to reach them.
func FuzzPacket(f *testing.F) {
	k := newKey(f, key.OpenPGP, key.Algorithm{})
	block, _ := clearsign.Decode(clearsigned(f, k))
	var good bytes.Buffer
	if _, err := good.ReadFrom(block.ArmoredSignature.Body); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	gpg, _ := base64.StdEncoding.DecodeString("iHUEARYIAB0WIQQ=")
	f.Add(gpg)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := signature.NewClearsigned([]byte(payload), b)
		if err != nil {
			return
		}
		if c.Verify(k.Public(), now) == nil && !bytes.Equal(b, good.Bytes()) {
			if _, err := packet.Read(bytes.NewReader(b)); err != nil {
				t.Fatal(err)
			}
			if b[0] != 0x88 { // the old packet format says the same
				t.Fatalf("another packet verifies: %x", b)
			}
		}
	})
}
