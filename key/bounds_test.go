package key

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// told checks that err is want, word by word; "" is no error.
func told(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
		t.Errorf("%s: %s, want %q", what, got, want)
	}
}

func TestPacketTag(t *testing.T) {
	for b, want := range map[byte]int{
		0: -1, 0x7f: -1, '-': -1, 0x80: 0, 0x84: 1, 0x88: 2, 0x8b: 2, 0x94: 5, 0x95: 5, 0x97: 5, 0x98: 6, 0x99: 6, 0xbf: 15,
		0xc0: 0, 0xc2: 2, 0xc5: 5, 0xc6: 6, 0xe6: 38, 0xff: 63,
	} {
		if got := packetTag(b); got != want {
			t.Errorf("%#x: %d, want %d", b, got, want)
		}
	}
}

// TestRecognise holds what is said of files that are no keys, and how long one
// may be.
func TestRecognise(t *testing.T) {
	const no = "not a key that repro can read: "
	block := func(title string) string { return "-----BEGIN " + title + "-----\nAAAA\n-----END " + title + "-----\n" }
	for text, want := range map[string]string{
		"":                                 no + "empty",
		" \r\n\t":                          no + "empty",
		"Dear reviewer,":                   no + "neither armour nor PEM",
		"ssh-ed25519 AAAA":                 no + "neither armour nor PEM (an OpenSSH public key: ssh-keygen -e -m PKCS8 converts it)",
		"ecdsa-sha2-nistp256 AAAA":         no + "neither armour nor PEM (an OpenSSH public key: ssh-keygen -e -m PKCS8 converts it)",
		"untrusted comment: minisign":      no + "neither armour nor PEM (a signify or minisign key)",
		" ssh-ed25519 AAAA":                no + "neither armour nor PEM",
		block("OPENSSH PRIVATE KEY"):       no + "OpenSSH's own format (ssh-keygen -p -m PKCS8 converts a copy of it)",
		block("CERTIFICATE"):               no + "an X.509 certificate (openssl x509 -pubkey -noout prints its key)",
		block("DH PARAMETERS"):             no + `PEM of type "DH PARAMETERS"`,
		"-----BEGIN PUBLIC KEY-----\nAAAA": no + "damaged PEM",
		block("EC PARAMETERS"):             no + "damaged PEM",
		"\xc2":                             no + "neither armour nor PEM",
		strings.Repeat("x", MaxFile+1):     no + fmt.Sprintf("%d bytes, at most %d are read", MaxFile+1, MaxFile),
		strings.Repeat("x", MaxFile):       no + "neither armour nor PEM",
		block("PUBLIC KEY"):                "3",
		block("RSA PUBLIC KEY"):            "3",
		block("PRIVATE KEY"):               "4",
		block("ENCRYPTED PRIVATE KEY"):     "4",
		"text before\n" + block("EC PARAMETERS") + block("EC PRIVATE KEY"): "4",
		block("PGP PUBLIC KEY BLOCK"):                                      "1",
		block("PGP PRIVATE KEY BLOCK"):                                     "2",
		"\x98":                                                             "1", "\x99": "1", "\xc6": "1", "\x94": "2", "\x95": "2", "\xc5": "2",
	} {
		form, err := recognise([]byte(text))
		got := fmt.Sprint(int(form))
		if err != nil {
			got = err.Error()
		}
		if got != want || err != nil && !errors.Is(err, ErrNotKey) {
			t.Errorf("%.60q: %s, want %s", text, got, want)
		}
	}
}

// TestReadEntity holds what is said of OpenPGP files that hold no single key.
func TestReadEntity(t *testing.T) {
	k := openPGPKey(t, Options{})
	armoured, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := k.Revoke(Retired, "", time.Unix(1.7e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := k.Public().Entity().Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	twice := append(bytes.Clone(raw.Bytes()), raw.Bytes()...)
	const no = "not a key that repro can read: "
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{armoured, ""},
		{raw.Bytes(), ""},
		{twice, no + "2 keys in one file"},
		{append(bytes.Clone(armoured), armoured...), no + "2 armoured blocks, want one"},
		{certificate, no + "a revocation certificate or signature"},
	} {
		_, err := readEntity(c.b)
		told(t, fmt.Sprintf("%.40q", c.b), err, c.want)
	}
}

func openPGPKey(t *testing.T, o Options) *Private {
	t.Helper()
	o.Name = "Alice"
	if o.Time.IsZero() {
		o.Time = time.Unix(1.7e9, 0)
	}
	k, err := New(OpenPGP, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAskRSA(t *testing.T) {
	for bits, want := range map[int]string{
		2047: "too weak to vouch for anything: rsa of 2047 bits, at least 2048 are asked",
		2048: "", 8192: "",
		8193: "not supported: rsa of 8193 bits, at most 8192 are read",
	} {
		a, err := askRSA(bits)
		told(t, fmt.Sprint(bits), err, want)
		if want == "" && a != (Algorithm{Family: "rsa", Bits: bits, Hash: crypto.SHA256}) {
			t.Errorf("%+v", a)
		}
	}
}

// TestCheckPBES2 holds how much work an encrypted key may ask for.
func TestCheckPBES2(t *testing.T) {
	marshal := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	type algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	der := func(kdf asn1.ObjectIdentifier, parameters any) []byte {
		with := algorithm{kdf, asn1.RawValue{FullBytes: marshal(parameters)}}
		scheme := struct{ KDF, Encryption algorithm }{with, algorithm{asn1.ObjectIdentifier{1, 2}, asn1.NullRawValue}}
		return marshal(struct {
			Algorithm algorithm
			Data      []byte
		}{algorithm{asn1.ObjectIdentifier{1, 3}, asn1.RawValue{FullBytes: marshal(scheme)}}, []byte("x")})
	}
	pbkdf2 := func(rounds int) []byte {
		return der(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
			Salt   []byte
			Rounds int
			PRF    pkix.AlgorithmIdentifier
		}{[]byte("salt"), rounds, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2}}})
	}
	scrypt := func(n, r, p int) []byte {
		return der(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, struct {
			Salt    []byte
			N, R, P int
		}{[]byte("salt"), n, r, p})
	}
	const no = "not supported: "
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{pbkdf2(1), ""}, {pbkdf2(10_000_000), ""},
		{pbkdf2(0), no + "pbkdf2 with 0 rounds"}, {pbkdf2(-1), no + "pbkdf2 with -1 rounds"},
		{pbkdf2(10_000_001), no + "pbkdf2 with 10000001 rounds"},
		{scrypt(2, 1, 1), ""}, {scrypt(2, 1, 16), ""}, {scrypt(2048, 1024, 1), ""}, {scrypt(1<<18, 8, 1), ""}, {scrypt(1<<21, 1, 1), ""},
		{scrypt(1, 1, 1), no + "scrypt with N=1 r=1 p=1"},
		{scrypt(2, 0, 1), no + "scrypt with N=2 r=0 p=1"},
		{scrypt(2, 1, 0), no + "scrypt with N=2 r=1 p=0"},
		{scrypt(2, 1, 17), no + "scrypt with N=2 r=1 p=17"},
		{scrypt(2, 1025, 1), no + "scrypt with N=2 r=1025 p=1"},
		{scrypt(2049, 1024, 1), no + "scrypt with N=2049 r=1024 p=1"},
		{scrypt(1<<18+1, 8, 1), no + "scrypt with N=262145 r=8 p=1"},
		{scrypt(1<<21+1, 1, 1), no + "scrypt with N=2097153 r=1 p=1"},
		{der(asn1.ObjectIdentifier{1, 2, 3}, 1), no + "key encrypted with 1.2.3"},
	} {
		told(t, fmt.Sprintf("% x", c.b), checkPBES2(c.b), c.want)
	}
	for _, b := range [][]byte{nil, []byte("x"), pbkdf2(1)[:20], der(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, 1), der(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, 1)} {
		if err := checkPBES2(b); !errors.Is(err, ErrNotKey) {
			t.Errorf("% x: %v", b, err)
		}
	}
}

// TestPassphrase: it is asked for once, and only where the key is encrypted.
func TestPassphrase(t *testing.T) {
	ecdsa, err := New(PEM, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*Private{ecdsa, openPGPKey(t, Options{})} {
		for _, phrase := range []string{"", "x"} {
			b, err := k.Encode([]byte(phrase))
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			again, err := ParsePrivate(b, func() ([]byte, error) { asked++; return []byte(phrase), nil })
			if err != nil || again.Fingerprint() != k.Fingerprint() || asked != len(phrase) {
				t.Errorf("%s with %q: asked %d times, %v", k.Kind(), phrase, asked, err)
			}
			if phrase == "" {
				continue
			}
			_, err = ParsePrivate(b, nil)
			told(t, "nobody to ask", err, "wrong or missing passphrase: the key is encrypted")
			_, err = ParsePrivate(b, func() ([]byte, error) { return []byte("y"), nil })
			told(t, "wrong", err, "wrong or missing passphrase: the key does not open")
			_, err = ParsePrivate(b, func() ([]byte, error) { return nil, nil })
			told(t, "none", err, "wrong or missing passphrase: the key does not open")
		}
	}
}

func TestDamagedPEM(t *testing.T) {
	for text, want := range map[string]string{
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n": "not a key that repro can read: ",
	} {
		if _, err := ParsePublic([]byte(text)); !errors.Is(err, ErrNotKey) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	if _, err := ParsePrivate(private, nil); !errors.Is(err, ErrNotKey) {
		t.Errorf("%v", err)
	}
}

func TestCheckUserID(t *testing.T) {
	const signs = ": not supported: control characters and ()<> cannot stand in it"
	long := strings.Repeat("é", 120)
	for o, want := range map[Options]string{
		{}:                                   "openpgp key: not supported without a name or a mail address",
		{Name: "A"}:                          "",
		{Email: "a@b"}:                       "",
		{Name: long, Email: long}:            "",
		{Name: long + "e"}:                   "openpgp key: name of 121 characters: not supported: at most 120",
		{Email: long + "e"}:                  "openpgp key: name of 121 characters: not supported: at most 120",
		{Name: "A\n"}:                        `openpgp key: name "A\n"` + signs,
		{Name: "A\u202e"}:                    `openpgp key: name "A\u202e"` + signs,
		{Name: "\xff"}:                       `openpgp key: name "\xff"` + signs,
		{Name: "A (b"}:                       `openpgp key: name "A (b"` + signs,
		{Name: "A )b"}:                       `openpgp key: name "A )b"` + signs,
		{Email: "<a@b"}:                      `openpgp key: name "<a@b"` + signs,
		{Email: "a@b>"}:                      `openpgp key: name "a@b>"` + signs,
		{Name: "Åse Ø. O'Neill-Müller, Jr."}: "",
	} {
		told(t, fmt.Sprintf("%+v", o), checkUserID(o), want)
	}
}

// TestLifetime holds which lifetimes there are, and what they come to.
func TestLifetime(t *testing.T) {
	for life, want := range map[time.Duration]string{
		0: "", time.Second: "", 1500 * time.Millisecond: "", (1<<32 - 1) * time.Second: "",
		(1 << 32) * time.Second: "key lifetime 1193046h28m16s: not supported: at least a second and at most 136 years",
		time.Second - 1:         "key lifetime 999.999999ms: not supported: at least a second and at most 136 years",
		-time.Second:            "key lifetime -1s: not supported: at least a second and at most 136 years",
	} {
		k, err := New(OpenPGP, Options{Name: "A", Time: time.Unix(1.7e9, 0), Lifetime: life})
		told(t, life.String(), err, want)
		if err != nil {
			continue
		}
		end := time.Unix(1.7e9, 0).UTC().Add(life.Truncate(time.Second))
		if life == 0 {
			end = time.Time{}
		}
		if got := k.Public().Expires(); got != end {
			t.Errorf("%v: expires %v, want %v", life, got, end)
		}
	}
	if k := openPGPKey(t, Options{}); len(k.Entity().Subkeys) != 0 || k.Public().Created() != time.Unix(1.7e9, 0).UTC() {
		t.Errorf("%d subkeys, made %v", len(k.Entity().Subkeys), k.Public().Created())
	}
	k, err := New(PEM, Options{})
	if err != nil || !k.Public().Created().IsZero() || !k.Public().Expires().IsZero() || k.Public().UserIDs() != nil || k.Public().Revocations() != nil {
		t.Errorf("a PEM key says when it was made: %v", err)
	}
	if k, err := New(OpenPGP, Options{Name: "A"}); err != nil || time.Since(k.Public().Created()) > time.Hour || time.Since(k.Public().Created()) < -time.Hour {
		t.Errorf("made %v, %v", k.Public().Created(), err)
	}
}

// TestNoLongerValid holds to the second from when a key is no longer valid.
func TestNoLongerValid(t *testing.T) {
	k := openPGPKey(t, Options{Lifetime: 1000 * time.Second})
	at := func(s int) time.Time { return time.Unix(1.7e9+int64(s), 0) }
	revoked := func(r Reason) *Public {
		b, err := k.Revoke(r, "", at(500))
		if err != nil {
			t.Fatal(err)
		}
		p, err := k.Public().Revoked(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Revocations(); len(got) != 1 || got[0] != (Revocation{r, at(500).UTC()}) {
			t.Errorf("%s: %+v", r, got)
		}
		return p
	}
	const expired = "it expired on 2023-11-14T22:30:00Z"
	for _, c := range []struct {
		p    *Public
		now  int
		want string
	}{
		{k.Public(), 0, ""}, {k.Public(), 1000, ""}, {k.Public(), 1001, expired},
		{revoked(Retired), 499, ""}, {revoked(Retired), 500, "it was retired on 2023-11-14T22:21:40Z"},
		{revoked(Superseded), 499, ""}, {revoked(Superseded), 501, "it was superseded on 2023-11-14T22:21:40Z"},
		{revoked(Compromised), 501, ""}, {revoked(Unspecified), 501, ""}, {revoked(Compromised), 1001, expired},
	} {
		if got := c.p.NoLongerValid(at(c.now)); got != c.want {
			t.Errorf("%+v at %d: %q, want %q", c.p.Revocations(), c.now, got, c.want)
		}
	}
	if len(k.Public().Revocations()) != 0 {
		t.Error("revoking changed the key itself")
	}
	if got := k.Public().SubkeyNoLongerValid(k.Entity().PrimaryKey.KeyId, at(2000)); got != "" {
		t.Error(got)
	}
}

// TestSubkeyNoLongerValid: what is said of subkeys, of two the one that is meant.
func TestSubkeyNoLongerValid(t *testing.T) {
	k := openPGPKey(t, Options{})
	e := k.Entity()
	at := func(s int) time.Time { return time.Unix(1.7e9+int64(s), 0) }
	for _, life := range []uint32{0, 100} {
		config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at(0) }, KeyLifetimeSecs: life}
		if err := e.AddSigningSubkey(config); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Subkeys[0].Revoke(packet.KeyRetired, "", Policy(at(500))); err != nil {
		t.Fatal(err)
	}
	p, err := publicOpenPGP(publicPart(e))
	if err != nil {
		t.Fatal(err)
	}
	revoked, expiring := e.Subkeys[0].PublicKey.KeyId, e.Subkeys[1].PublicKey.KeyId
	for _, c := range []struct {
		id   uint64
		now  int
		want string
	}{
		{revoked, 499, ""}, {revoked, 501, "its subkey was revoked"},
		{expiring, 50, ""}, {expiring, 101, "its subkey has expired"}, {expiring, -10, "its subkey is no longer bound to it"},
		{12345, 2000, ""},
	} {
		if got := p.SubkeyNoLongerValid(c.id, at(c.now)); got != c.want {
			t.Errorf("%x at %d: %q, want %q", c.id, c.now, got, c.want)
		}
	}
	if a := p.SubkeyAlgorithm(expiring); a.Family != "ed25519" {
		t.Errorf("%+v", a)
	}
	if a := p.SubkeyAlgorithm(12345); a != (Algorithm{}) {
		t.Errorf("%+v", a)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Alice <a@b>": "Alice <a@b>", "Åse 数": "Åse 数", "a\x1b[31m": `a\x1b[31m`, "a\nb": `a\nb`,
		"a\u202eb": `a\u202eb`, "a\u200bb": `a\u200bb`, "\xff\xc3": `\xff\xc3`, "\ufffd": "\ufffd", "it's": "it's",
		strings.Repeat("x", 256):  strings.Repeat("x", 256),
		strings.Repeat("x", 257):  strings.Repeat("x", 256) + "…",
		strings.Repeat("\n", 129): strings.Repeat(`\n`, 128),
		strings.Repeat("\n", 257): strings.Repeat(`\n`, 128) + "…",
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestShort: the part of a fingerprint by which a person tells keys apart.
func TestShort(t *testing.T) {
	for f, want := range map[Fingerprint]string{
		"0123456789ABCDEF0123456789ABCDEF01234567":           "89ABCDEF01234567",
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU": "SHA256:47DEQpj8HBSa",
		"SHA256:abc": "SHA256:abc", "ABC": "ABC", "": "",
	} {
		if got := f.Short(); got != want {
			t.Errorf("%s: %s, want %s", f, got, want)
		}
	}
}

func TestSSHInteger(t *testing.T) {
	for n, want := range map[int64]string{1: "01", 0x7f: "7f", 0x80: "0080", 0xff: "00ff", 0x100: "0100", 0x7fff: "7fff", 0x8000: "008000", 65537: "010001"} {
		if got := fmt.Sprintf("%x", sshInteger(big.NewInt(n))); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := fmt.Sprintf("%x", sshStrings([]byte("ab"), nil, []byte("c"))); got != "00000002616200000000"+"0000000163" {
		t.Error(got)
	}
}

// TestMerge: nothing that either copy has is lost, and nothing is doubled.
func TestMerge(t *testing.T) {
	k := openPGPKey(t, Options{})
	policy := Policy(time.Unix(1.7e9+10, 0))
	read := func(e *openpgp.Entity) *Public {
		var b bytes.Buffer
		if err := writeEntity(&b, publicPart(e)); err != nil {
			t.Fatal(err)
		}
		p, err := ParsePublic(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := read(k.Entity())
	if err := k.Entity().AddSigningSubkey(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: policy.Time}); err != nil {
		t.Fatal(err)
	}
	withSubkey := read(k.Entity())
	if err := k.Entity().Subkeys[0].Revoke(packet.KeyRetired, "", policy); err != nil {
		t.Fatal(err)
	}
	if err := k.Entity().AddUserId("Bob", "", "", policy); err != nil {
		t.Fatal(err)
	}
	full := read(k.Entity())
	state := func(p *Public) string {
		text := fmt.Sprint(p.UserIDs(), len(p.entity.Revocations))
		for _, s := range p.entity.Subkeys {
			text += fmt.Sprint(" subkey ", len(s.Bindings), len(s.Revocations))
		}
		for _, id := range p.entity.Identities {
			text += fmt.Sprint(" name ", len(id.SelfCertifications), len(id.Revocations))
		}
		return text
	}
	const want = "[Alice Bob] 0 subkey 1 1 name 1 0 name 1 0"
	for _, pair := range [][2]*Public{{plain, full}, {full, plain}, {withSubkey, full}, {full, withSubkey}, {full, full}} {
		p, err := pair[0].Merge(pair[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := state(p); got != want {
			t.Errorf("%s with %s: %s, want %s", state(pair[0]), state(pair[1]), got, want)
		}
	}
	other := openPGPKey(t, Options{}).Public()
	_, err := plain.Merge(other)
	told(t, "another key", err, fmt.Sprintf("merge keys %s and %s: not supported: they are not the same", plain.fingerprint, other.fingerprint))
	bare, err := New(PEM, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := bare.Public().Merge(bare.Public()); err != nil || p != bare.Public() {
		t.Errorf("%v, %v", p, err)
	}
}

// TestAcceptable: which signatures of a key over itself count.
func TestAcceptable(t *testing.T) {
	for h, want := range map[crypto.Hash]bool{crypto.SHA256: true, crypto.SHA512: true, crypto.SHA1: false, crypto.MD5: false, crypto.RIPEMD160: false} {
		s := &packet.VerifiableSignature{Packet: &packet.Signature{Hash: h}}
		if got := acceptable(s); got != want {
			t.Errorf("%v: %v", h, got)
		}
	}
	for critical, want := range map[bool]bool{true: false, false: true} {
		s := &packet.VerifiableSignature{Packet: &packet.Signature{Hash: crypto.SHA256, Notations: []*packet.Notation{{IsCritical: critical}}}}
		if got := acceptable(s); got != want {
			t.Errorf("a notation that is critical: %v; acceptable: %v", critical, got)
		}
	}
}

// TestRevokeRefuses holds the words of what can't be revoked, and by what.
func TestRevokeRefuses(t *testing.T) {
	bare, err := New(PEM, Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, other := openPGPKey(t, Options{}), openPGPKey(t, Options{})
	_, err = bare.Revoke(Retired, "", time.Now())
	told(t, "pem", err, "revoke: not supported for pem keys")
	_, err = bare.Public().Revoked(nil)
	told(t, "pem", err, "revoke: not supported for pem keys")
	_, err = k.Revoke("tired", "", time.Now())
	told(t, "reason", err, `revoke: reason "tired": not supported: want unspecified, superseded, compromised or retired`)
	certificate, err := k.Revoke(Retired, "", time.Unix(1.7e9, 0))
	if err != nil || !bytes.Contains(certificate, []byte("\nComment: This is a revocation certificate\n")) {
		t.Fatalf("%v:\n%s", err, certificate)
	}
	_, err = other.Public().Revoked(certificate)
	told(t, "another's", err, fmt.Sprintf("revocation certificate: not a key that repro can read: not made by key %s", other.Fingerprint()))
	public, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Public().Revoked(public)
	told(t, "a key", err, "revocation certificate: not a key that repro can read: it holds something else")
	_, err = k.Public().Revoked(bytes.Repeat([]byte("x"), MaxFile))
	told(t, "text", err, "revocation certificate: not a key that repro can read: damaged armour")
	_, err = k.Public().Revoked(bytes.Repeat([]byte("x"), MaxFile+1))
	told(t, "long text", err, fmt.Sprintf("revocation certificate of %d bytes: at most %d are read", MaxFile+1, MaxFile))
}

// TestUserIDOrder: the primary name comes first, the others by the alphabet.
func TestUserIDOrder(t *testing.T) {
	k := openPGPKey(t, Options{})
	for _, name := range []string{"Zoe", "Bob", "Aaron"} {
		if err := k.Entity().AddUserId(name, "", "", Policy(time.Unix(1.7e9, 0))); err != nil {
			t.Fatal(err)
		}
	}
	names := k.Public().UserIDs()
	if len(names) != 4 || names[0] != k.Public().UserID() || !slices.IsSorted(names[1:]) {
		t.Errorf("%q", names)
	}
	bare, err := New(PEM, Options{})
	if err != nil || bare.Public().UserID() != "" {
		t.Errorf("%v", err)
	}
}
