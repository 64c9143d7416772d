package attest_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
	trusted "repro/verify/bundle"
	"repro/verify/bundle/bundletest"
	"repro/verify/policy"
)

var (
	ctx  = context.Background()
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func newKey(t testing.TB, kind key.Kind, name string) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Algorithm: key.Ed25519, Name: name, Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// image makes an image with two results that one step leaves, signed by k.
func image(t testing.TB, k *key.Private, draft bool) string {
	t.Helper()
	env, published := tree.NewDir(), tree.NewDir()
	for _, err := range []error{
		env.Put("bin/sh", tree.NewFile(0o755, []byte("not really a shell"))),
		published.Put("sum", tree.NewFile(0o644, []byte("10\n"))),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	_, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"}, Draft: draft,
			Paper:   manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Steps:   []manifest.Step{{Name: "all", Command: []string{"sh"}, Dir: "/paper", Outputs: []string{"/paper/out"}}},
			Results: []manifest.Result{{Name: "sum", Output: "/paper/out/sum", Published: "sum", Compare: manifest.Rule{Kind: "text"}}},
			Claims:  []manifest.Claim{{Name: "ten", Value: "10", Output: "/paper/out/sum", Pattern: "([0-9]+)", Compare: manifest.Tolerance{Digits: 2}}},
		},
		Recipe: []byte("title: T\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: published},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !draft {
		if _, err := sign.Image(ctx, name, k, sign.Options{Time: made}); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func open(t testing.TB, name string) *format.Image {
	t.Helper()
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// ran is a run of the image, and the files that it left.
func ran(t testing.TB, im *format.Image) attest.Run {
	t.Helper()
	m, err := im.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	id, err := im.ContentID()
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.Image(ctx, im, verify.Trust{}, verify.Options{})
	if !errors.Is(err, verify.ErrNotSigned) {
		t.Fatal(err)
	}
	findings := []report.Finding{
		{Result: "sum", Published: "sum", Output: "/paper/out/sum", Kind: "text", Rule: manifest.Rule{Kind: "text"}, Verdict: report.Identical, Reason: "the same bytes"},
		{Result: "ten", Output: "/paper/out/sum", Kind: "claim", Rule: manifest.Rule{Digits: 2}, Verdict: report.SameContent, Reason: "the same\tnumber"},
	}
	return attest.Run{
		Report: &report.Run{
			Version: report.Version, ContentID: id, Paper: m.Paper, Verify: v, Findings: findings, Counts: report.Count(findings),
			Steps:   []report.StepStatus{{Name: "all", Status: report.StepDone, WallMS: 5}},
			Outputs: []report.OutputFile{{Path: "/paper/out/sum", Size: 3, Digest: manifest.DigestOf([]byte("10\n"))}},
			Started: "2026-03-01T11:00:00Z", Finished: "2026-03-01T11:00:01Z",
			Machine:   report.Machine{Arch: "amd64", CPU: "a\x1bb", CPUs: 2},
			Isolation: report.Isolation{Level: "namespaces", Layers: "fuse", Binds: []string{"/home/bob/secret:/mnt:rw"}, GPU: &report.GPU{}},
		},
		Bytes: []byte("report"),
		Files: fstest.MapFS{"paper/out/sum": {Data: []byte("10\n")}},
	}
}

func said() statement.Said {
	return statement.Said{Role: "reviewer", Conflicts: "none", Made: made.Format(time.RFC3339)}
}

func TestFromRun(t *testing.T) {
	im := open(t, image(t, newKey(t, key.OpenPGP, "Alice"), false))
	r, err := attest.FromRun(ctx, im, ran(t, im), said())
	if err != nil {
		t.Fatal(err)
	}
	if r.Results[1].Reason != "the same?number" || r.Machine.CPU != "a?b" || r.Isolation.Binds[0] != "/mnt" || r.Isolation.GPU != "present" || r.Engine != "local" ||
		r.Report != manifest.DigestOf([]byte("report")) || r.Results[0].Digest != manifest.DigestOf([]byte("10\n")) || r.Steps[0].WallMS != 5 {
		t.Errorf("%+v", r)
	}
}

// TestFromRunRefuses has one thing in each that is not whole, of another image,
// or contradicts itself.
func TestFromRunRefuses(t *testing.T) {
	im := open(t, image(t, newKey(t, key.OpenPGP, "Alice"), false))
	for name, c := range map[string]struct {
		change func(*attest.Run)
		want   string
	}{
		"image":           {func(r *attest.Run) { r.Report.ContentID = "sha256:x" }, "it is about image sha256:x"},
		"not verified":    {func(r *attest.Run) { r.Report.Verify = nil }, "does not say that the image was verified"},
		"verify of other": {func(r *attest.Run) { r.Report.Verify.ContentID = "x" }, "was not intact"},
		"not intact":      {func(r *attest.Run) { r.Report.Verify.Intact = false }, "was not intact"},
		"not canonical":   {func(r *attest.Run) { r.Report.Verify.Canonical = false }, "was not intact"},
		"paper":           {func(r *attest.Run) { r.Report.Paper.Title = "U" }, "speaks of another paper"},
		"object altered":  {func(r *attest.Run) { r.Report.Verify.Objects[2].Intact = false }, "was intact"},
		"object left out": {func(r *attest.Run) { r.Report.Verify.Objects = r.Report.Verify.Objects[:3] }, "does not say that object"},
		"object's size":   {func(r *attest.Run) { r.Report.Verify.Objects[3].Size++ }, "does not say that object"},
		"result unknown":  {func(r *attest.Run) { r.Report.Findings[0].Result = "x" }, `result "x" is none of this image`},
		"result twice":    {func(r *attest.Run) { r.Report.Findings[1] = r.Report.Findings[0] }, `result "sum" is none of this image, or stands there twice`},
		"result missing":  {func(r *attest.Run) { r.Report.Findings = r.Report.Findings[:1] }, `says nothing of result "ten"`},
		"left out twice":  {func(r *attest.Run) { r.Report.LeftOut = []string{"sum"} }, `"sum" is left out, and`},
		"left out other":  {func(r *attest.Run) { r.Report.LeftOut = []string{"x"} }, `"x" is left out, and`},
		"rule":            {func(r *attest.Run) { r.Report.Findings[0].Rule.Relative = "1" }, "by another rule than the image states"},
		"claim's rule":    {func(r *attest.Run) { r.Report.Findings[1].Rule.Digits = 1 }, "by another rule than the image states"},
		"output":          {func(r *attest.Run) { r.Report.Findings[0].Output = "/x" }, "by another rule than the image states"},
		"counts":          {func(r *attest.Run) { r.Report.Counts.Reproduced = 1 }, "its counts are not those of its results"},
		"verdicts":        {func(r *attest.Run) { r.Report.Counts.Verdicts = nil }, "its counts are not those of its results"},
		"no digest":       {func(r *attest.Run) { r.Report.Outputs = nil }, "it has no digest of /paper/out/sum"},
		"file changed":    {func(r *attest.Run) { r.Files = fstest.MapFS{"paper/out/sum": {Data: []byte("11\n")}} }, "/paper/out/sum was changed since"},
		"file special":    {func(r *attest.Run) { r.Files = fstest.MapFS{"paper/out/sum": {Mode: fs.ModeNamedPipe}} }, "paper/out/sum: not a regular file"},
		"no files":        {func(r *attest.Run) { r.Files = nil }, "what the run left is not there"},
		"done and failed": {func(r *attest.Run) { r.Report.Steps[0].Exit = 3 }, `step "all" is said to be done, and to have ended with status 3`},
		"done and killed": {func(r *attest.Run) { r.Report.Steps[0].Signal = "killed" }, "status 0 killed"},
		"backwards":       {func(r *attest.Run) { r.Report.Finished = "2026-03-01T10:59:59Z" }, "before it was started"},
		"published":       {func(r *attest.Run) { r.Report.Findings[0].Published = "other" }, `compared with "other"`},
		"no quick":        {func(r *attest.Run) { r.Report.Quick = true }, "quick"},
		"made up": {func(r *attest.Run) {
			r.Files = fstest.MapFS{"paper/out/sum": {Data: []byte("10.0\n")}}
			r.Report.Outputs[0].Digest = manifest.DigestOf([]byte("10.0\n"))
		}, `it says of result "sum": identical; compared again it is: `},
		"file gone": {func(r *attest.Run) { r.Files = fstest.MapFS{} }, "file does not exist"},
	} {
		run := ran(t, im)
		c.change(&run)
		if _, err := attest.FromRun(ctx, im, run, said()); !errors.Is(err, attest.ErrReport) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestEmbed: earlier signatures, the content id, and what other programs for
// SIF files verify, stay as they were, whichever kind of key attests.
func TestEmbed(t *testing.T) {
	alice, bob, carol := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, ""), newKey(t, key.OpenPGP, "Carol")
	name := image(t, alice, false)
	before := open(t, name)
	id, err := before.ContentID()
	if err != nil {
		t.Fatal(err)
	}
	r, err := attest.FromRun(ctx, before, ran(t, before), said())
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range []*key.Private{bob, carol} {
		bundles, err := attest.Reproduction(ctx, before, r, attest.ByKey(k, made))
		if err != nil || len(bundles) != 3 {
			t.Fatalf("%d bundles: %v", len(bundles), err)
		}
		for again, want := range []int{3, 0} {
			if added, err := attest.Embed(ctx, name, bundles, attest.Options{}); err != nil || added != want {
				t.Fatalf("key %d, time %d: %d added, %v", i, again, added, err)
			}
		}
	}
	o := statement.Opinion{Said: said()}
	o.Words = "Sound."
	b, err := attest.Opinion(ctx, before, statement.KindReview, o, attest.ByKey(bob, made))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attest.Embed(ctx, name, []attest.Bundle{b}, attest.Options{}); err != nil {
		t.Fatal(err)
	}
	after := open(t, name)
	if now, err := after.ContentID(); err != nil || now != id {
		t.Errorf("content id %s, was %s, %v", now, id, err)
	}
	trust := verify.Trust{Keys: []*key.Public{alice.Public(), bob.Public(), carol.Public()}}
	v, err := verify.Image(ctx, after, trust, verify.Options{Classic: true})
	if err != nil || len(v.Attestations) != 7 || len(v.Signatures) != 1 {
		t.Fatalf("%v: %d attestations, %d signatures", err, len(v.Attestations), len(v.Signatures))
	}
	for _, a := range v.Attestations {
		if a.Status != report.SignatureValid || !a.Trusted {
			t.Errorf("%+v", a)
		}
	}
	verifiedBySylabs(t, name, alice)
}

// verifiedBySylabs asks the library that Apptainer verifies with.
func verifiedBySylabs(t *testing.T, name string, k *key.Private) {
	t.Helper()
	f, err := sif.LoadContainerFromPath(name, sif.OptLoadWithFlag(os.O_RDONLY))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.UnloadContainer() }()
	b, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	v, err := integrity.NewVerifier(f, integrity.OptVerifyWithKeyRing(ring))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(); err != nil {
		t.Errorf("sylabs/sif: %v", err)
	}
}

func TestEmbedRefuses(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	name := image(t, alice, true)
	b := attest.Bundle{Kind: statement.KindReview, Bytes: []byte("x")}
	if _, err := attest.Embed(ctx, name, []attest.Bundle{b}, attest.Options{}); !errors.Is(err, sign.ErrDraft) {
		t.Errorf("a draft: %v", err)
	}
	name = image(t, alice, false)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(whole, []byte("hsqs"))
	whole[i+len("hsqs")+200] ^= 1
	if err := os.WriteFile(name, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := attest.Embed(ctx, name, []attest.Bundle{b}, attest.Options{}); !errors.Is(err, format.ErrAltered) {
		t.Errorf("altered: %v", err)
	}
	if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the file changed: %v", err)
	}
}

func TestImport(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	im := open(t, image(t, alice, false))
	o := statement.Opinion{Said: said()}
	o.Words = "Sound."
	b, err := attest.Opinion(ctx, im, statement.KindReview, o, attest.ByKey(bob, made))
	if err != nil {
		t.Fatal(err)
	}
	spaced := bytes.ReplaceAll(b.Bytes, []byte(`":`), []byte("\":\n "))
	got, err := attest.Import(im, spaced, trusted.Trust{Keys: []*key.Public{bob.Public()}})
	if err != nil || got.Kind != statement.KindReview || !bytes.Equal(got.Bytes, b.Bytes) {
		t.Errorf("%v: %s", err, got.Bytes)
	}
	if _, err := attest.Import(im, spaced, trusted.Trust{Keys: []*key.Public{alice.Public()}}); err == nil {
		t.Error("by another key, and taken")
	}
	if _, err := attest.Import(im, spaced, trusted.Trust{}); err == nil {
		t.Error("by nobody who was named, and taken")
	}
	if _, err := attest.Import(im, []byte("{}"), trusted.Trust{Keys: []*key.Public{bob.Public()}}); err == nil {
		t.Error("no bundle, and taken")
	}
}

// TestIdentity: what somebody attests by an identity counts for those who name
// him, exactly, and the root that vouches; nobody else takes it in.
func TestIdentity(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	name := image(t, alice, false)
	im := open(t, name)
	sound := said()
	sound.Words = "Sound."
	plain, err := attest.Opinion(ctx, im, statement.KindReview, statement.Opinion{Said: sound}, attest.ByKey(newKey(t, key.PEM, ""), made))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := bundle.Parse(plain.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s := bundletest.New("log.example", made.AddDate(-1, 0, 0), made.AddDate(1, 0, 0))
	b := s.Sign(bundletest.Signing{
		Subject: bundletest.Subject, Provider: bundletest.Provider, At: made, Log: 1, Stamped: true,
		Type: parsed.Envelope.PayloadType, Payload: parsed.Envelope.Payload,
	}).Encode()
	root, err := trusted.ParseRoot(s.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	who := func(subject, issuer string) []trusted.Identity {
		return []trusted.Identity{{Issuer: issuer, Subject: subject}}
	}
	right := who(bundletest.Subject, bundletest.Provider)
	for name, c := range map[string]struct {
		trust  trusted.Trust
		status string
	}{
		"named":            {trusted.Trust{Root: root, Identities: right}, report.SignatureValid},
		"another subject":  {trusted.Trust{Root: root, Identities: who("x"+bundletest.Subject, bundletest.Provider)}, report.SignatureUnknown},
		"another provider": {trusted.Trust{Root: root, Identities: who(bundletest.Subject, bundletest.Provider+"x")}, report.SignatureUnknown},
		"nobody":           {trusted.Trust{Root: root}, report.SignatureUnknown},
		"no root":          {trusted.Trust{Identities: right}, report.SignatureUnknown},
	} {
		valid := c.status == report.SignatureValid
		if _, err := attest.Import(im, b, c.trust); (err == nil) != valid {
			t.Errorf("%s: import: %v", name, err)
		}
		r, err := verify.Image(ctx, im, verify.Trust{Keys: []*key.Public{alice.Public()}, Root: c.trust.Root, Identities: c.trust.Identities},
			verify.Options{Detached: [][]byte{b}, Now: made.AddDate(0, 1, 0)})
		if err != nil || len(r.Attestations) != 1 {
			t.Fatalf("%s: %v, %+v", name, err, r.Attestations)
		}
		a := r.Attestations[0]
		if a.Status != c.status || a.Trusted != valid || valid != (a.Signer == right[0].String()) || valid != (a.AnchoredAt == made.Add(time.Minute).Format(time.RFC3339)) {
			t.Errorf("%s: %+v", name, a)
		}
	}

	// Another key of some minutes, and the same identity: it takes its word back.
	parsed, err = bundle.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	back, err := attest.Opinion(ctx, im, statement.KindWithdrawal, statement.Opinion{Said: sound, Of: manifest.DigestOf(parsed.Envelope.Payload)}, attest.ByKey(alice, made))
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = bundle.Parse(back.Bytes); err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{bundletest.Subject: report.AttestationWithdrawn, "x" + bundletest.Subject: report.SignatureValid} {
		again := s.Sign(bundletest.Signing{
			Subject: subject, Provider: bundletest.Provider, At: made, Log: 1, Stamped: true,
			Type: parsed.Envelope.PayloadType, Payload: parsed.Envelope.Payload,
		}).Encode()
		r, err := verify.Image(ctx, im, verify.Trust{Keys: []*key.Public{alice.Public()}, Root: root, Identities: append(who(subject, bundletest.Provider), right...)},
			verify.Options{Detached: [][]byte{b, again}, Now: made.AddDate(0, 1, 0)})
		if err != nil || r.Attestations[0].Status != want || r.Attestations[1].Status != report.SignatureValid {
			t.Errorf("withdrawn by %s: %v, %+v", subject, err, r.Attestations)
		}
	}
}

// TestFresh: who dates his words later than he signs them is not fresher for it.
func TestFresh(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Bob")
	im := open(t, image(t, alice, false))
	o := statement.Opinion{Said: said()}
	o.Words, o.Made = "Sound.", made.Add(4*time.Minute).Format(time.RFC3339)
	b, err := attest.Opinion(ctx, im, statement.KindReview, o, attest.ByKey(bob, made))
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]error{0: nil, time.Second: verify.ErrNotSigned} {
		p := &policy.Policy{Name: "fresh", Require: []policy.Rule{{What: policy.Reviewed, Role: "reviewer", Persons: 1, Since: made.Add(after)}}}
		p.Add("bob", "reviewer", policy.Key{Fingerprint: bob.Fingerprint(), Public: bob.Public()})
		p.Add("alice", "author", policy.Key{Fingerprint: alice.Fingerprint(), Public: alice.Public()})
		_, err := verify.Image(ctx, im, verify.Trust{Policy: p}, verify.Options{Detached: [][]byte{b.Bytes}, Now: made.Add(time.Hour)})
		if !errors.Is(err, want) {
			t.Errorf("since %s: %v, want %v", after, err, want)
		}
	}
}
