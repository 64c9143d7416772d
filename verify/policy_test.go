package verify_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sylabs/sif/v2/pkg/integrity"

	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
	"repro/verify/policy"
)

// asking returns a policy that wants the signatures of all these persons.
func asking(people ...policy.Person) verify.Trust {
	return verify.Trust{Policy: &policy.Policy{
		Name: "Journal", Serial: 7, Foreign: true, People: people,
		Require: []policy.Rule{{Persons: len(people)}},
	}}
}

func person(id string, k *key.Private, w key.Window) policy.Person {
	return policy.Person{ID: id, Roles: []string{"author"}, Keys: []policy.Key{{Fingerprint: k.Fingerprint(), Public: k.Public(), Window: w}}}
}

// TestPolicyWantsWhole: a person counts whose signatures cover every object,
// and nobody else.
func TestPolicyWantsWhole(t *testing.T) {
	alice, bob := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Bob")
	trust := asking(person("alice", alice, key.Window{}), person("bob", bob, key.Window{}))
	one := func(n uint32) integrity.SignerOpt { return integrity.OptSignObjects(n) }
	for _, c := range []struct {
		name    string
		file    []byte
		persons []string
	}{
		{"both all", newForeign(t, 1).sign(alice).sign(bob).bytes(), []string{"alice", "bob"}},
		{"bob one object of three", newForeign(t, 1).sign(alice).sign(bob, one(2)).bytes(), []string{"alice"}},
		{"bob two objects of three", newForeign(t, 1).sign(alice).sign(bob, one(1)).sign(bob, one(2)).bytes(), []string{"alice"}},
		{"bob each object", newForeign(t, 1).sign(alice).sign(bob, one(1)).sign(bob, one(2)).sign(bob, one(3)).bytes(), []string{"alice", "bob"}},
		{"each half", newForeign(t, 1).sign(alice, one(1)).sign(alice, one(2)).sign(bob, one(3)).bytes(), nil},
		{"one group each", newForeign(t, 2).sign(alice, integrity.OptSignGroup(1)).sign(bob, integrity.OptSignGroup(2)).bytes(), nil},
		{"alice alone", newForeign(t, 1).sign(alice).bytes(), []string{"alice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := run(c.file, trust, verify.Options{})
			met := len(c.persons) == 2
			if met != (err == nil) || !met && !errors.Is(err, verify.ErrNotSigned) {
				t.Errorf("%v", err)
			}
			if r.Policy == nil || len(r.Policy.Rules) != 1 {
				t.Fatalf("policy %+v", r.Policy)
			}
			rule := r.Policy.Rules[0]
			if !slices.Equal(rule.Persons, c.persons) || rule.Met != met || rule.Wanted != 2 {
				t.Errorf("rule %+v, want %q", rule, c.persons)
			}
			if r.Policy.Name != "Journal" || r.Policy.Serial != 7 {
				t.Errorf("policy %+v", r.Policy)
			}
			if !met && !strings.Contains(r.Reason, `the policy "Journal" asks: signed by 2`) {
				t.Error(r.Reason)
			}
		})
	}
}

// TestPolicyNames: the report says whose key it is by the policy's word, not by
// the key's.
func TestPolicyNames(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "The Editor")
	p := person("alice@example.org", alice, key.Window{})
	p.Name = "Alice Author"
	trust := asking(p)
	trust.Names = map[key.Fingerprint]string{alice.Fingerprint(): "somebody else"}
	r, err := run(signedBy(t, alice), trust, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := r.Signatures[0]
	if st.Signer != "Alice Author <alice@example.org>" || st.Person != "alice@example.org" || !slices.Equal(st.Roles, []string{"author"}) {
		t.Errorf("%+v", st)
	}
	if r.Signatures[0].Fingerprint != string(alice.Fingerprint()) {
		t.Errorf("%+v", st)
	}
}

// TestWindows: a signature counts if its time lies in one of the windows of
// its key, the first second included and the last excluded.
func TestWindows(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	signed := signedBy(t, alice) // at the time made
	for _, c := range []struct {
		name    string
		windows []key.Window
		good    bool
	}{
		{"always", []key.Window{{}}, true},
		{"from that second", []key.Window{{From: made}}, true},
		{"from the next second", []key.Window{{From: made.Add(time.Second)}}, false},
		{"until that second", []key.Window{{Until: made}}, false},
		{"until the next second", []key.Window{{Until: made.Add(time.Second)}}, true},
		{"in the second of two", []key.Window{{Until: made.Add(-time.Hour)}, {From: made.Add(-time.Minute)}}, true},
		{"between two", []key.Window{{Until: made}, {From: made.Add(time.Second)}}, false},
	} {
		var trust verify.Trust
		for _, w := range c.windows {
			trust.Add(alice.Public(), "", w)
		}
		if len(trust.Keys) != 1 {
			t.Errorf("%s: one key was added %d times", c.name, len(trust.Keys))
		}
		r, err := run(signed, trust, verify.Options{})
		if c.good != (err == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.good && (r.Signatures[0].Status != report.SignatureExpired || !strings.Contains(r.Signatures[0].Problem, "the key is trusted")) {
			t.Errorf("%s: %+v", c.name, r.Signatures[0])
		}
	}
}

// TestPolicyCrypto: of an OpenPGP signature the policy's rules mean the hash in
// it, of one in an envelope the hash of the key's algorithm.
func TestPolicyCrypto(t *testing.T) {
	pgp, ec := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	ed, err := key.New(key.PEM, key.Options{Algorithm: key.Ed25519})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		k      *key.Private
		crypto policy.Crypto
		why    string
	}{
		{"openpgp", pgp, policy.Crypto{Hashes: []string{"sha256"}, Algorithms: []key.Family{"ed25519"}}, ""},
		{"openpgp", pgp, policy.Crypto{Hashes: []string{"sha512"}}, "made with sha256; the policy allows sha512"},
		{"envelope", ed, policy.Crypto{Hashes: []string{"sha512"}}, ""},
		{"envelope", ed, policy.Crypto{Hashes: []string{"sha256"}}, "made with sha512; the policy allows sha256"},
		{"envelope", ec, policy.Crypto{Hashes: []string{"sha256"}, RSA: 4096}, ""},
		{"envelope", ec, policy.Crypto{Algorithms: []key.Family{"ed25519", "rsa"}}, "made with ecdsa P-256; the policy allows ed25519, rsa"},
	} {
		name := image(t, "not really a shell")
		if _, err := sign.Image(ctx, name, c.k, sign.Options{Time: made}); err != nil {
			t.Fatal(err)
		}
		trust := asking(person("alice", c.k, key.Window{}))
		trust.Policy.Crypto = c.crypto
		r, err := run(read(t, name), trust, verify.Options{})
		if (err == nil) != (c.why == "") || r.Signatures[0].Problem != c.why {
			t.Errorf("%s with %+v: %v, %q, want %q", c.name, c.crypto, err, r.Signatures[0].Problem, c.why)
		}
		if c.why != "" && r.Signatures[0].Status != report.SignatureWeak {
			t.Errorf("%+v", r.Signatures[0])
		}
	}
}
