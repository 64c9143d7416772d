package signoff

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/gateway/store"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
)

var (
	ctx  = context.Background()
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func newKey(t *testing.T, kind key.Kind, name string) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Algorithm: key.Ed25519, Name: name, Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(t *testing.T, k *key.Private) []byte {
	t.Helper()
	b, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func trusted(t *testing.T, k *key.Private, name string) store.TrustedKey {
	t.Helper()
	got, err := Key(public(t, k), name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// submitted makes an image with that title, signed by k, as a gateway has it.
func submitted(t *testing.T, title string, k *key.Private) Submitted {
	t.Helper()
	env := tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, []byte("sh"))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	_, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"},
			Paper: manifest.Paper{Title: title, Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Steps: []manifest.Step{{Name: "all", Command: []string{"sh"}, Dir: "/paper", Outputs: []string{"/paper/out"}}}, Results: []manifest.Result{},
		},
		Recipe: []byte("title: T\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env}},
	})
	if err == nil {
		_, err = sign.Image(ctx, name, k, sign.Options{Time: made})
	}
	if err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	rep, err := verify.Image(ctx, im, verify.Trust{}, verify.Options{})
	if !errors.Is(err, verify.ErrNotSigned) {
		t.Fatal(err)
	}
	return Submitted{Image: im, Report: rep}
}

// review is what k says of an image.
func review(t *testing.T, s Submitted, k *key.Private) []byte {
	t.Helper()
	said := statement.Said{Role: "reviewer", Conflicts: "none", Words: "Sound.", Made: made.Format(time.RFC3339)}
	b, err := attest.Opinion(ctx, s.Image, statement.KindReview, statement.Opinion{Said: said}, attest.ByKey(k, made))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes
}

// TestJudge: the verdict is by the venue's keys alone, and everybody's statement
// is read.
func TestJudge(t *testing.T) {
	author, reviewer := newKey(t, key.OpenPGP, "Ada"), newKey(t, key.PEM, "Bob")
	s := submitted(t, "T", author)
	s.Attached = []store.Attached{{ID: 7, Bundle: review(t, s, reviewer), Material: public(t, reviewer)}}
	rep, said, err := Judge(ctx, s, nil)
	if err != nil || rep.Verdict != report.ImageNotSigned || len(said) != 1 {
		t.Fatalf("nobody trusted: %v, %+v, %+v", err, rep, said)
	}
	if a := said[0]; a.Believed || a.Trusted || a.Status != report.SignatureValid || a.Words != "Sound." || a.Attached == nil || a.Attached.ID != 7 {
		t.Errorf("%+v", a)
	}
	rep, said, err = Judge(ctx, s, []store.TrustedKey{trusted(t, author, "Dr Ada")})
	if err != nil || rep.Verdict != report.ImageSigned || rep.Signatures[0].Signer != "Dr Ada" || said[0].Believed {
		t.Errorf("the author trusted: %v, %+v, %+v", err, rep, said)
	}
	rep, said, err = Judge(ctx, s, []store.TrustedKey{trusted(t, reviewer, "Bob")})
	if err != nil || rep.Verdict != report.ImageNotSigned || !said[0].Believed || !said[0].Trusted || said[0].Signer != "Bob" {
		t.Errorf("the reviewer trusted: %v, %+v, %+v", err, rep, said)
	}
	s.Attached[0].Material = nil
	if _, said, err = Judge(ctx, s, nil); err != nil || said[0].Status != report.SignatureUnknown || said[0].Words != "" {
		t.Errorf("by nobody: %v, %+v", err, said)
	}
	altered := *s.Report
	altered.Intact = false
	s.Report = &altered
	if _, _, err := Judge(ctx, s, nil); err == nil {
		t.Errorf("what was found when it came in counts: %v", err)
	}
}

func TestCheck(t *testing.T) {
	author, reviewer, other := newKey(t, key.OpenPGP, "Ada"), newKey(t, key.PEM, "Bob"), newKey(t, key.PEM, "Eve")
	s := submitted(t, "T", author)
	good := review(t, s, reviewer)
	secret, err := reviewer.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := reviewer.Encode([]byte("hush"))
	if err != nil {
		t.Fatal(err)
	}
	file := (&bundle.Bundle{KeyHint: "k", Message: &bundle.Message{Hash: "SHA2_256", Digest: make([]byte, 32), Signature: []byte("s")}}).Encode()
	broken := []byte(strings.Replace(string(good), `"sig":"`, `"sig":"AAAA`, 1))
	for what, c := range map[string]struct {
		bundle, material []byte
		keys             []store.TrustedKey
		want             string // empty: taken
	}{
		"with its key":         {good, public(t, reviewer), nil, ""},
		"by a trusted key":     {good, nil, []store.TrustedKey{trusted(t, reviewer, "Bob")}, ""},
		"without its key":      {good, nil, []store.TrustedKey{trusted(t, other, "Eve")}, "send its public key along"},
		"with another key":     {good, public(t, other), nil, "send its public key along"},
		"of another image":     {review(t, submitted(t, "U", author), reviewer), public(t, reviewer), nil, "about another image"},
		"broken":               {broken, public(t, reviewer), nil, "it is "},
		"a private key":        {secret, nil, nil, "a private key"},
		"a sealed private key": {sealed, nil, nil, "a private key"},
		"with a private key":   {good, secret, nil, "a private key"},
		"with no key":          {good, []byte("x"), nil, "not taken"},
		"no bundle":            {[]byte("{}"), nil, nil, "malformed bundle"},
		"empty":                {nil, nil, nil, "malformed bundle"},
		"of a file":            {file, nil, nil, "attests nothing"},
		"long":                 {make([]byte, MaxBundle+1), nil, nil, "at most"},
	} {
		said, err := Check(ctx, s, c.keys, store.Attached{Bundle: c.bundle, Material: c.material})
		if c.want == "" && (err != nil || said.Words != "Sound." || said.Kind != "review") {
			t.Errorf("%s: %+v, %v", what, said, err)
		}
		if c.want != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) || said.Words != "") {
			t.Errorf("%s: %+v, %v", what, said, err)
		}
	}
}

func TestVenueKey(t *testing.T) {
	dir := t.TempDir()
	if k, err := VenueKey(dir, "j"); err != nil || k != nil {
		t.Errorf("none: %v, %v", k, err)
	}
	k, err := NewVenueKey(dir, "j")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := VenueKey(dir, "j"); err != nil || got.Fingerprint() != k.Fingerprint() {
		t.Errorf("%v", err)
	}
	if _, err := NewVenueKey(dir, "j"); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	if got, err := VenueKey(dir, "j"); err != nil || got.Fingerprint() != k.Fingerprint() {
		t.Errorf("the second replaced the first: %v", err)
	}
}

// TestSign: the venue's signature holds, and names the reviewer.
func TestSign(t *testing.T) {
	s, k := submitted(t, "T", newKey(t, key.OpenPGP, "Ada")), newKey(t, key.PEM, "journal")
	o := Opinion{statement.KindReview, store.Identity{Issuer: "https://orcid.org", Subject: "0000-0002-1825-0097", Name: "Bob"}, "none", "Sound.", made}
	a, err := Sign(ctx, s.Image, k, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Attached = []store.Attached{a}
	_, said, err := Judge(ctx, s, []store.TrustedKey{trusted(t, k, "The journal")})
	if err != nil || !said[0].Believed || said[0].Signer != "The journal" || said[0].By == nil || said[0].By.Name != "Bob" || said[0].By.ORCID != "0000-0002-1825-0097" || said[0].Role != "reviewer" {
		t.Errorf("%v, %+v", err, said)
	}
	o.By.Issuer = "https://orcid.org.evil.example"
	if a, err = Sign(ctx, s.Image, k, o); err != nil {
		t.Fatal(err)
	}
	s.Attached[0] = a
	if _, said, err = Judge(ctx, s, nil); err != nil || said[0].By.ORCID != "" {
		t.Errorf("an iD by the word of somebody else: %v, %+v", err, said[0].By)
	}
	for what, change := range map[string]func(*Opinion){
		"no words": func(o *Opinion) { o.Words = "" }, "no conflicts": func(o *Opinion) { o.Conflicts = "" }, "another kind": func(o *Opinion) { o.Kind = statement.KindWithdrawal },
		"a reproduction": func(o *Opinion) { o.Kind = statement.KindReproduction }, "too long": func(o *Opinion) { o.Words = strings.Repeat("x", 1<<20) },
	} {
		bad := o
		change(&bad)
		if _, err := Sign(ctx, s.Image, k, bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
