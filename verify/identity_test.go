package verify_test

import (
	"bytes"
	"crypto"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/attest/statement"
	"repro/format"
	form "repro/format/bundle"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
	"repro/verify/policy"
	"repro/verify/timestamp"
)

// world is an image that nobody signed yet, and a sigstore.
type world struct {
	*bundletest.Sigstore
	file     []byte
	metadata []byte
	about    statement.Image
	root     *bundle.Root
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Sigstore: bundletest.New("log.example", made.AddDate(-1, 0, 0), made.AddDate(10, 0, 0))}
	w.file = read(t, image(t, "not really a shell"))
	im, err := format.New(bytes.NewReader(w.file), int64(len(w.file)), "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	m, err1 := im.Manifest()
	id, err2 := im.ContentID()
	d, err3 := im.ManifestDigest()
	var err4, err5 error
	w.metadata, err4 = im.Metadata()
	w.root, err5 = bundle.ParseRoot(w.TrustedRoot())
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	w.about = statement.ImageOf(id, d, m)
	return w
}

const provider = "https://accounts.example.org"

// signs returns a signature over the image by an identity.
func (w *world) signs(subject string) []byte {
	return w.Sign(bundletest.Signing{Subject: subject, Provider: provider, At: made, Payload: w.metadata, Log: 2, Stamped: true}).Encode()
}

// says returns a statement by an identity.
func (w *world) says(t *testing.T, subject string, kind statement.Kind) []byte {
	t.Helper()
	text, err := statement.Opine(w.about, kind, statement.Opinion{Said: statement.Said{
		Role: "reviewer", Conflicts: "none", Words: "Looked at.", Made: made.Format(time.RFC3339)}})
	if err != nil {
		t.Fatal(err)
	}
	return w.Sign(bundletest.Signing{Subject: subject, Provider: provider, At: made, Type: statement.PayloadType, Payload: text, Log: 1, Stamped: true}).Encode()
}

func identified(id, role string, subjects ...string) policy.Person {
	p := policy.Person{ID: id, Roles: []string{role}}
	for _, s := range subjects {
		p.Identities = append(p.Identities, policy.Identity{Identity: key.Identity{Issuer: provider, Subject: s}})
	}
	return p
}

// TestIdentitiesOfPersons: a policy counts what persons signed without key files
// as it counts what they signed with keys, and nobody else's.
func TestIdentitiesOfPersons(t *testing.T) {
	w := newWorld(t)
	later := made.AddDate(1, 0, 0)
	alice := identified("alice", "author", "alice@example.org")
	until := func(p policy.Person, at time.Time) policy.Person {
		p.Identities = []policy.Identity{{Identity: p.Identities[0].Identity, Window: key.Window{Until: at}}}
		return p
	}
	elsewhere := identified("alice", "author", "alice@example.org")
	elsewhere.Identities[0].Issuer = "https://accounts.example.com"
	k := newKey(t, key.PEM, "Alice")
	both := alice
	both.Keys = []policy.Key{{Fingerprint: k.Fingerprint(), Public: k.Public()}}
	block := sign1(t, w.file, k)
	endorsed := policy.Rule{What: policy.Endorsed, Role: "reviewer", Persons: 1}
	signed := policy.Rule{Role: "author", Persons: 1}
	for name, c := range map[string]struct {
		people   []policy.Person
		rule     policy.Rule
		change   func(*policy.Policy)
		given    [][]byte
		persons  []string
		statuses string
	}{
		"signed":                {people: []policy.Person{alice}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, persons: []string{"alice"}, statuses: "valid"},
		"by another":            {people: []policy.Person{alice}, rule: signed, given: [][]byte{w.signs("bob@example.org")}, statuses: "unknown signer"},
		"in other letters":      {people: []policy.Person{alice}, rule: signed, given: [][]byte{w.signs("Alice@example.org")}, statuses: "unknown signer"},
		"of another provider":   {people: []policy.Person{elsewhere}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, statuses: "unknown signer"},
		"nobody vouches":        {people: []policy.Person{alice}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, change: func(p *policy.Policy) { p.Root = nil }, statuses: "unknown signer"},
		"until later":           {people: []policy.Person{until(alice, later)}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, persons: []string{"alice"}, statuses: "valid"},
		"until before":          {people: []policy.Person{until(alice, made.Add(-1))}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, statuses: "expired"},
		"another image":         {people: []policy.Person{alice}, rule: signed, given: [][]byte{newWorld(t).signs("alice@example.org")}, statuses: "invalid"},
		"time is proven":        {people: []policy.Person{alice}, rule: signed, given: [][]byte{w.signs("alice@example.org")}, change: func(p *policy.Policy) { p.Time.Required = true }, persons: []string{"alice"}, statuses: "valid"},
		"key":                   {people: []policy.Person{both}, rule: signed, given: [][]byte{block}, persons: []string{"alice"}, statuses: "valid"},
		"key, no time":          {people: []policy.Person{both}, rule: signed, given: [][]byte{block}, change: func(p *policy.Policy) { p.Time.Required = true }, statuses: "unanchored"},
		"key, no time, accept":  {people: []policy.Person{both}, rule: signed, given: [][]byte{block}, change: func(p *policy.Policy) { p.Time.Required, p.AcceptExpired = true, true }, statuses: "unanchored"},
		"key and identity, one": {people: []policy.Person{both, identified("bob", "author", "bob@example.org")}, rule: policy.Rule{Role: "author", Persons: 2}, given: [][]byte{block, w.signs("alice@example.org")}, persons: []string{"alice"}, statuses: "valid valid"},
		"endorsed":              {people: []policy.Person{identified("bob", "reviewer", "bob@example.org")}, rule: endorsed, given: [][]byte{w.says(t, "bob@example.org", statement.KindEndorsement)}, persons: []string{"bob"}, statuses: "valid"},
		"endorsed by another":   {people: []policy.Person{identified("bob", "reviewer", "bob@example.org")}, rule: endorsed, given: [][]byte{w.says(t, "rob@example.org", statement.KindEndorsement)}, statuses: "unknown signer"},
		"endorsed too late":     {people: []policy.Person{until(identified("bob", "reviewer", "bob@example.org"), made)}, rule: endorsed, given: [][]byte{w.says(t, "bob@example.org", statement.KindEndorsement)}, statuses: "expired"},
		"author by user name":   {people: []policy.Person{identified("bob", "reviewer", "a!orcid.org")}, rule: endorsed, given: [][]byte{w.says(t, "a!orcid.org", statement.KindEndorsement)}, statuses: "valid"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &policy.Policy{Name: "J", Root: w.root, People: c.people, Require: []policy.Rule{c.rule}}
			if c.change != nil {
				c.change(p)
			}
			r, err := run(w.file, verify.Trust{Policy: p}, verify.Options{Now: later, Detached: c.given})
			var got []string
			for _, s := range r.Signatures {
				got = append(got, s.Status)
			}
			for _, a := range r.Attestations {
				got = append(got, a.Status)
				if a.Trusted != (a.Status == report.SignatureValid) {
					t.Errorf("%+v", a)
				}
			}
			if strings.Join(got, " ") != c.statuses {
				t.Errorf("statuses %q, want %q", got, c.statuses)
			}
			if rule := r.Policy.Rules[0]; !slices.Equal(rule.Persons, c.persons) || rule.Met != (len(c.persons) >= c.rule.Persons) {
				t.Errorf("%+v, want %q", rule, c.persons)
			}
			if met := len(c.persons) >= c.rule.Persons && c.rule.What == ""; met != (err == nil) {
				t.Error(err)
			}
		})
	}
}

// sign1 returns a detached signature of file by k.
func sign1(t *testing.T, file []byte, k *key.Private) []byte {
	t.Helper()
	im, err := format.New(bytes.NewReader(file), int64(len(file)), "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	r, err := sign.Detached(ctx, im, k, sign.Options{Time: made})
	if err != nil {
		t.Fatal(err)
	}
	return r.Block
}

// TestIdentityWindows: without a policy too, an identity counts in its time.
func TestIdentityWindows(t *testing.T) {
	w := newWorld(t)
	alice := key.Identity{Issuer: provider, Subject: "alice@example.org"}
	for _, c := range []struct {
		windows []key.Window
		status  string
	}{
		{[]key.Window{{}}, report.SignatureValid},
		{[]key.Window{{Until: made.Add(-1)}}, report.SignatureExpired},
		{[]key.Window{{Until: made.Add(-1)}, {From: made}}, report.SignatureValid},
		{[]key.Window{{From: made.Add(2 * time.Minute)}}, report.SignatureExpired},
	} {
		trust := verify.Trust{Root: w.root}
		for _, window := range c.windows {
			trust.AddIdentity(alice, window)
		}
		r, err := run(w.file, trust, verify.Options{Now: made.AddDate(5, 0, 0), Detached: [][]byte{w.signs(alice.Subject)}})
		if len(trust.Identities) != 1 || r.Signatures[0].Status != c.status || (err == nil) != (c.status == report.SignatureValid) {
			t.Errorf("%v: %+v, %v", c.windows, r.Signatures, err)
		}
	}
}

// TestIdentityIsOfItsTime: a stamp that somebody adds later does not move what an
// identity signed before its window into it.
func TestIdentityIsOfItsTime(t *testing.T) {
	w := newWorld(t)
	alice := key.Identity{Issuer: provider, Subject: "alice@example.org"}
	late := authority("late", made.Year()-1, made.Year()+9)
	b, err := form.Parse(w.says(t, alice.Subject, statement.KindReview))
	if err != nil {
		t.Fatal(err)
	}
	stamped := made.AddDate(1, 0, 0)
	b.Timestamps = append(b.Timestamps, late.Token(b.Envelope.Signature, crypto.SHA256, stamped))
	for _, c := range []struct {
		window   key.Window
		status   string
		anchored time.Time
	}{
		{key.Window{}, report.SignatureValid, made.Add(time.Minute)},
		{key.Window{From: made.AddDate(0, 6, 0)}, report.SignatureExpired, made.Add(time.Minute)},
		{key.Window{Until: made.AddDate(0, 6, 0)}, report.SignatureValid, made.Add(time.Minute)},
	} {
		trust := verify.Trust{Root: w.root}
		trust.AddIdentity(alice, c.window)
		trust.Times.Authorities = []*timestamp.Authority{late.trusted("late")}
		r, _ := run(w.file, trust, verify.Options{Now: made.AddDate(5, 0, 0), Detached: [][]byte{b.Encode()}})
		if a := r.Attestations[0]; a.Status != c.status || a.AnchoredAt != c.anchored.UTC().Format(time.RFC3339) {
			t.Errorf("%v: %+v", c.window, a)
		}
	}
}
