package timestamp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/key"
	"repro/verify/timestamp"
	"repro/verify/timestamp/timestamptest"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	message = []byte("what was there")
	from    = day("2020-01-01")
	until   = day("2032-01-01")
	at      = day("2026-03-01")
	now     = day("2027-01-01")
)

func named(name string, a *timestamptest.Authority) *timestamp.Authority {
	return &timestamp.Authority{Name: name, Chain: []*x509.Certificate{a.Root}}
}

func verify(der []byte, now time.Time, trusted ...*timestamp.Authority) (*timestamp.Stamp, error) {
	t, err := timestamp.Parse(der)
	if err != nil {
		return nil, err
	}
	return t.Verify(message, trusted, now)
}

func TestVerify(t *testing.T) {
	a := timestamptest.New("lab", from, until)
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		s, err := verify(a.Token(message, hash, at, func(p *timestamptest.Parts) { p.Accuracy = 2 }), now, named("Lab", a))
		if err != nil {
			t.Fatal(hash, err)
		}
		if !s.Time.Equal(at) || s.Accuracy != 2*time.Second || !s.Latest().Equal(at.Add(2*time.Second)) || s.Hash != hash ||
			s.Authority.Name != "Lab" || !s.Signer.Equal(a.Cert) || s.Claims() != "CN=lab" {
			t.Errorf("%v: %+v", hash, s)
		}
	}
	// The authority's certificate, or the whole chain, may be named as well, and need not be in the token.
	bare := a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) { p.Certificates = nil })
	for _, chain := range [][]*x509.Certificate{{a.Cert}, {a.Cert, a.Root}} {
		if _, err := verify(bare, now, &timestamp.Authority{Name: "Lab", Chain: chain}); err != nil {
			t.Error(len(chain), err)
		}
	}
	if _, err := verify(bare, now, named("Lab", a)); !errors.Is(err, timestamp.ErrUnknown) {
		t.Error(err)
	}
	// Twenty years on, when certificate and root are long over.
	if _, err := verify(a.Token(message, crypto.SHA256, at), day("2046-03-01"), named("Lab", a)); err != nil {
		t.Error(err)
	}
}

// attacks have one defect each.
var attacks = []struct {
	name   string
	want   error
	change func(*timestamptest.Parts, *timestamptest.Authority)
}{
	{"refused", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Status = 2 }},
	{"bytes after it", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Tail = []byte{0} }},
	{"other version", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Version = 2 }},
	{"other content", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) {
		p.Type = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	}},
	{"two signers", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Signers = 2 }},
	{"no signer", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Signers = 0 }},
	{"unsigned attribute", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Unsigned = true }},
	{"no signed attributes", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.NoAttributes = true }},
	{"digest of something else", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.WrongDigest = true }},
	{"certificate not bound", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.NoBinding = true }},
	{"certificate bound with SHA-1", timestamp.ErrWeak, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.OldBinding = true }},
	{"another certificate bound", timestamp.ErrUnknown, func(p *timestamptest.Parts, a *timestamptest.Authority) { p.BoundTo = a.Root }},
	{"critical extension", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) {
		p.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}},
	{"clock known to be hours off", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Accuracy = 61 }},
	{"imprint of SHA-1", timestamp.ErrWeak, func(p *timestamptest.Parts, _ *timestamptest.Authority) {
		p.Hash, p.Imprint = timestamptest.Oids[crypto.SHA1], p.Imprint[:20]
	}},
	{"imprint cut short", timestamp.ErrMalformed, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Imprint = p.Imprint[:31] }},
	{"another message", timestamp.ErrOther, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Imprint[0] ^= 1 }},
	{"signed with SHA-1", timestamp.ErrWeak, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Digest = crypto.SHA1 }},
	{"in the future", timestamp.ErrInvalid, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Time = now.Add(301 * time.Second) }},
	{"before the certificate", timestamp.ErrInvalid, func(p *timestamptest.Parts, _ *timestamptest.Authority) { p.Time = from.Add(-time.Second) }},
	{"signed by a stranger", timestamp.ErrInvalid, func(p *timestamptest.Parts, _ *timestamptest.Authority) {
		p.Key = timestamptest.New("stranger", from, until).Key
	}},
	{"another authority", timestamp.ErrUnknown, func(p *timestamptest.Parts, _ *timestamptest.Authority) {
		b := timestamptest.New("lab", from, until)
		p.Key, p.Cert, p.Certificates = b.Key, b.Cert, []*x509.Certificate{b.Cert, b.Root}
	}},
	{"usage not critical", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) {
		*c = *timestamptest.Template("lab", from, until, false)
	})},
	{"usage absent", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) { c.ExtraExtensions = nil })},
	{"usage of code signing", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) {
		c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	})},
	{"a second usage", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) {
		c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageCodeSigning}
	})},
	{"certificate for keys only", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement })},
	{"certificate of an authority for certificates", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	})},
	{"certificate over", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) { c.NotAfter = at.Add(-time.Second) })},
	{"certificate to come", timestamp.ErrInvalid, reissue(func(c *x509.Certificate) { c.NotBefore = at.Add(time.Second) })},
}

func reissue(change func(*x509.Certificate)) func(*timestamptest.Parts, *timestamptest.Authority) {
	return func(p *timestamptest.Parts, a *timestamptest.Authority) {
		template := timestamptest.Template("lab", from, until, true)
		change(template)
		p.Cert = a.Issue(template, a.Key.Public())
		p.Certificates = []*x509.Certificate{p.Cert}
	}
}

func TestAttacks(t *testing.T) {
	a := timestamptest.New("lab", from, until)
	for _, c := range attacks {
		der := a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) { c.change(p, a) })
		if _, err := verify(der, now, named("Lab", a)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	a := timestamptest.New("lab", from, until)
	if _, err := verify(a.Token(message, crypto.SHA256, now.Add(300*time.Second)), now, named("Lab", a)); err != nil {
		t.Error("a clock five minutes ahead:", err)
	}
	if _, err := verify(a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) { p.Accuracy = 60 }), now, named("Lab", a)); err != nil {
		t.Error("accuracy of a minute:", err)
	}
	many := func(n int) func(*timestamptest.Parts) {
		return func(p *timestamptest.Parts) {
			for len(p.Certificates) < n {
				p.Certificates = append(p.Certificates, a.Root)
			}
		}
	}
	if _, err := verify(a.Token(message, crypto.SHA256, at, many(16)), now, named("Lab", a)); err != nil {
		t.Error("16 certificates:", err)
	}
	if _, err := verify(a.Token(message, crypto.SHA256, at, many(17)), now, named("Lab", a)); !errors.Is(err, timestamp.ErrMalformed) {
		t.Error("17 certificates:", err)
	}
	if _, err := timestamp.Parse(make([]byte, timestamp.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "65537 bytes") {
		t.Error(err)
	}
}

func TestWindows(t *testing.T) {
	a := timestamptest.New("lab", from, until)
	der := a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) { p.Accuracy = 1 })
	for _, c := range []struct {
		from, until, compromised time.Time
		ok                       bool
	}{
		{from: at, ok: true},
		{from: at.Add(time.Second)},
		{until: at.Add(time.Second), ok: true},
		{until: at},
		{compromised: at.Add(2 * time.Second), ok: true}, // whether it was renewed, Evidence asks
		{compromised: at.Add(time.Second)},
	} {
		n := named("Lab", a)
		n.Window, n.Compromised = key.Window{From: c.from, Until: c.until}, c.compromised
		if _, err := verify(der, now, n); (err == nil) != c.ok || err != nil && !errors.Is(err, timestamp.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestOpenSSL: openssl's authority is understood, and openssl understands what
// the tests' own authority makes.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl := func(args ...string) error {
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	a := timestamptest.New("lab", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA512} {
		write("message", message)
		write("root.pem", a.PEM())
		write("ours.tsr", a.Token(message, hash, time.Now()))
		if err := openssl("ts", "-verify", "-data", "message", "-in", "ours.tsr", "-CAfile", "root.pem"); err != nil {
			t.Error(hash, err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	write("tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw}))
	write("serial", []byte("01\n"))
	write("tsa.conf", []byte("[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\ncerts=root.pem\n"+
		"default_policy=1.2.3.4\ndigests=sha256,sha384,sha512\nsigner_digest=sha256\naccuracy=secs:1, millisecs:500\nordering=yes\ntsa_name=yes\ness_cert_id_alg=sha256\n"))
	for _, hash := range []string{"sha256", "sha384", "sha512"} {
		for _, args := range [][]string{
			{"ts", "-query", "-data", "message", "-" + hash, "-cert", "-out", "q.tsq"},
			{"ts", "-reply", "-config", "tsa.conf", "-queryfile", "q.tsq", "-out", "theirs.tsr"},
		} {
			if err := openssl(args...); err != nil {
				t.Fatal(err)
			}
		}
		theirs, err := os.ReadFile(filepath.Join(dir, "theirs.tsr"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := verify(theirs, time.Now(), named("Lab", a))
		if err != nil || s.Accuracy != 1500*time.Millisecond || s.Nonce == nil || time.Since(s.Time) > time.Minute {
			t.Error(hash, s, err)
		}
	}
}

func TestAuthorities(t *testing.T) {
	a, b := timestamptest.New("lab", from, until), timestamptest.New("other", from, until)
	all, err := timestamp.ParseAuthorities("a.pem", a.PEM())
	if err != nil || len(all) != 1 || all[0].Name != "lab root" || len(all[0].Chain) != 1 {
		t.Error(all, err)
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw})
	if all, err = timestamp.ParseAuthorities("a.pem", append(own, a.PEM()...)); err != nil || len(all[0].Chain) != 2 {
		t.Error(all, err)
	}
	indent := func(pem []byte) string { return strings.ReplaceAll("\n"+string(pem), "\n", "\n      ") }
	form := "authorities: 1\nlist:\n  - name: Lab\n    from: 2020-01-01\n    until: 2030-12-31\n    compromised: 2029-05-01\n    certificates: |" + indent(a.PEM()) + "\n"
	all, err = timestamp.ParseAuthorities("a.yaml", []byte(form))
	if err != nil || len(all) != 1 || all[0].Name != "Lab" || !all[0].Window.Until.Equal(day("2031-01-01")) || !all[0].Compromised.Equal(day("2029-05-01")) {
		t.Error(all, err)
	}
	for text, want := range map[string]string{
		string(b.PEM()) + string(a.PEM()):                                     "certificate 2 did not issue the one before it",
		string(a.PEM()) + "text":                                              "certificates in PEM and nothing else",
		"-----BEGIN PUBLIC KEY-----\n":                                        "certificates in PEM and nothing else",
		form + "  - name: Twin\n    certificates: |" + indent(a.PEM()) + "\n": "stands here a second time",
		strings.Replace(form, "2029-05-01", "soon", 1):                        "compromised: time \"soon\"",
		strings.Replace(form, "until", "till", 1):                             "till",
		strings.Replace(form, "from: 2020-01-01", "from: 2032-01-01", 1):      "ends before it starts",
		"authorities: 2\nlist: []\n":                                          "authorities",
	} {
		if _, err := timestamp.ParseAuthorities("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	a := timestamptest.New("lab", from, until)
	f.Add(a.Token(message, crypto.SHA256, at))
	for _, c := range attacks {
		f.Add(a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) { c.change(p, a) }))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		token, err := timestamp.Parse(b)
		if err != nil {
			return
		}
		if s, err := token.Verify(message, []*timestamp.Authority{named("Lab", a)}, now); err == nil && !s.Signer.Equal(a.Cert) {
			t.Errorf("accepted, signed by %s", s.Signer.Subject)
		}
	})
}

// TestWeakKey: an authority with a key that nobody should sign with.
func TestWeakKey(t *testing.T) {
	a := timestamptest.New("lab", from, until)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := a.Token(message, crypto.SHA256, at, func(p *timestamptest.Parts) {
		p.Key, p.Cert = small, a.Issue(timestamptest.Template("lab", from, until, true), small.Public())
		p.Certificates = []*x509.Certificate{p.Cert}
	})
	if _, err := verify(der, now, named("Lab", a)); !errors.Is(err, timestamp.ErrWeak) {
		t.Error(err)
	}
}
