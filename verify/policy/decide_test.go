package policy

import (
	"crypto"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"repro/key"
	"repro/report"
)

// TestDecideTells holds what the report says of each rule, word by word.
func TestDecideTells(t *testing.T) {
	p := &Policy{
		People: []Person{
			{ID: "a", Roles: []string{"author"}}, {ID: "b", Roles: []string{"reviewer", "editor"}},
			{ID: "c", Roles: []string{"reviewer"}}, {ID: "d", Roles: []string{"reviewer"}},
		},
		Require: []Rule{
			{What: Signed, Role: "author", Persons: 1},
			{What: Signed, Role: "reviewer", Not: []string{"author", "editor"}, Persons: 2},
			{What: Signed, Of: []string{"a", "b"}, Persons: 2},
			{What: Signed, Persons: 2, Not: []string{"editor"}},
		},
	}
	const one, two, three, four = "signed by 1 of the role author", "signed by 2 of the role reviewer, not author or editor",
		"signed by 2 of a, b", "signed by 2 of its people, not editor"
	for signed, want := range map[string][]report.RuleStatus{
		"": {
			{Rule: one, Wanted: 1, Found: "nobody"},
			{Rule: two, Wanted: 2, Found: "nobody"},
			{Rule: three, Wanted: 2, Found: "nobody"},
			{Rule: four, Wanted: 2, Found: "nobody"},
		},
		"c b a": {
			{Rule: one, Wanted: 1, Met: true, Persons: []string{"a"}, Found: "a"},
			{Rule: two, Wanted: 2, Persons: []string{"c"}, Found: "c"},
			{Rule: three, Wanted: 2, Met: true, Persons: []string{"a", "b"}, Found: "a, b"},
			{Rule: four, Wanted: 2, Met: true, Persons: []string{"a", "c"}, Found: "a, c"},
		},
		"d c": {
			{Rule: one, Wanted: 1, Found: "nobody"},
			{Rule: two, Wanted: 2, Met: true, Persons: []string{"c", "d"}, Found: "c, d"},
			{Rule: three, Wanted: 2, Found: "nobody"},
			{Rule: four, Wanted: 2, Met: true, Persons: []string{"c", "d"}, Found: "c, d"},
		},
	} {
		if got := p.Decide(signatures(strings.Fields(signed)...), Work{}, time.Unix(0, 0)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", signed, got, want)
		}
	}
}

func TestDecideExpiry(t *testing.T) {
	p := &Policy{Expires: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)}
	for at, want := range map[time.Time]report.RuleStatus{
		p.Expires.Add(-1): {Rule: "the policy is in force", Met: true, Found: "until 2027-12-31T00:00:00Z"},
		p.Expires: {Rule: "the policy is in force",
			Found: "it expired on 2027-12-31T00:00:00Z: ask who issued it for the next edition"},
	} {
		if got := p.Decide(nil, Work{}, at); !reflect.DeepEqual(got, []report.RuleStatus{want}) {
			t.Errorf("%v: %+v, want %+v", at, got, want)
		}
	}
}

// TestWeakUnknown: each demand on its own refuses what is not known; a policy
// without demands refuses nothing.
func TestWeakUnknown(t *testing.T) {
	const unknown = "made in a way that repro does not know; the policy says in which it may be"
	for _, c := range []struct {
		crypto Crypto
		made   key.Algorithm
		want   string
	}{
		{Crypto{}, key.Algorithm{}, ""},
		{Crypto{RSA: 1}, key.Algorithm{}, unknown},
		{Crypto{Hashes: []string{"sha256"}}, key.Algorithm{Hash: crypto.SHA256}, unknown},
		{Crypto{Algorithms: []key.Family{"rsa"}}, key.Algorithm{}, unknown},
		{Crypto{RSA: 3072}, key.Algorithm{Family: "ed25519", Hash: crypto.SHA512}, ""}, // has no bits to count
		{Crypto{RSA: 3072}, key.Algorithm{Family: "rsa", Bits: 1}, "made with rsa of 1 bits; the policy asks for 3072"},
		{Crypto{Hashes: []string{"sha256", "sha384"}}, key.Algorithm{Family: "rsa", Hash: crypto.SHA512}, "made with sha512; the policy allows sha256, sha384"},
	} {
		if got := (&Policy{Crypto: c.crypto}).Weak(c.made); got != c.want {
			t.Errorf("%+v of %+v: %q, want %q", c.crypto, c.made, got, c.want)
		}
	}
}

// TestResolveAll: keys that the policy holds stay, each other one is looked up
// by its own fingerprint, and those that nobody has stay unknown.
func TestResolveAll(t *testing.T) {
	var keys []*key.Public
	for range 3 {
		k, err := key.New(key.PEM, key.Options{})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k.Public())
	}
	held, found, missing := keys[0], keys[1], keys[2]
	p := &Policy{People: []Person{
		{ID: "a", Keys: []Key{{Fingerprint: held.Fingerprint(), Public: held}, {Fingerprint: missing.Fingerprint()}, {Fingerprint: found.Fingerprint()}}},
		{ID: "b", Keys: []Key{{Fingerprint: "SHA256:none"}}},
	}}
	var asked []key.Fingerprint
	err := p.Resolve(func(f key.Fingerprint) (*key.Public, error) {
		asked = append(asked, f)
		if f == found.Fingerprint() {
			return found, nil
		}
		return nil, nil
	})
	want := []key.Fingerprint{missing.Fingerprint(), found.Fingerprint(), "SHA256:none"}
	if err != nil || !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for %v, want %v; %v", asked, want, err)
	}
	a := p.People[0].Keys
	if a[0].Public != held || a[1].Public != nil || a[2].Public != found || p.People[1].Keys[0].Public != nil {
		t.Errorf("%+v", p.People)
	}
	for f, want := range map[key.Fingerprint]string{held.Fingerprint(): "a", found.Fingerprint(): "a", "SHA256:none": "b", "": ""} {
		got := ""
		if owner := p.Owner(Signer{Key: f}); owner != nil {
			got = owner.ID
		}
		if got != want {
			t.Errorf("owner of %q: %q, want %q", f, got, want)
		}
	}
	broken := errors.New("no disk")
	if err := p.Resolve(func(key.Fingerprint) (*key.Public, error) { return nil, broken }); err != broken {
		t.Errorf("error %v", err)
	}
}

// TestParseBounds holds the numbers that a policy may state, and that a key of
// which the fingerprint is missing gives one message.
func TestParseBounds(t *testing.T) {
	const head = "policy: 1\nname: J\n"
	const people = "people:\n  - {person: a, roles: [r], keys: [{fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567}]}\n"
	const require = "require: [{role: r}]\n"
	for text, want := range map[string]string{
		"serial: 1\n" + people + require:           "",
		"serial: 2147483647\n" + people + require:  "",
		"serial: 2147483648\n" + people + require:  "p:3:9: serial: 2147483648 is not between 1 and 2147483647",
		"serial: 0\n" + people + require:           "p:3:9: serial: 0 is not between 1 and 2147483647",
		"crypto: {rsa: 2047}\n" + people + require: "p:3:15: rsa: 2047 is not between 2048 and 8192",
		"crypto: {rsa: 8193}\n" + people + require: "p:3:15: rsa: 8193 is not between 2048 and 8192",
		"crypto: {rsa: 8192}\n" + people + require: "",
		people + "require: [{persons: 2}]\n":       "p:5:11: rule: it can never be met: 2 persons are wanted, 1 could sign",
	} {
		p, err := Parse("p", []byte(head+text))
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if err == nil && (len(p.People) != 1 || p.Require[0].Persons != 1) {
			t.Errorf("%+v", p)
		}
	}
	k, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	public := "public: \"" + strings.ReplaceAll(string(b), "\n", "\\n") + "\"}]}\n"
	for fingerprint, want := range map[string]string{
		"": "p:4:36: key: key \"fingerprint\" is missing",
		"fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567, ": "p:4:36: key: public is key " + string(k.Fingerprint()) + ", not the one that fingerprint names",
		"fingerprint: '" + string(k.Fingerprint()) + "', ":        "",
	} {
		_, err := Parse("p", []byte(head+"people:\n  - {person: a, roles: [r], keys: [{"+fingerprint+public+require))
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %s", fingerprint, err, want)
		}
	}
}

func signatures(persons ...string) (all []Evidence) {
	for _, p := range persons {
		all = append(all, Evidence{Person: p, What: Signed, Roles: []string{"author", "reviewer", "editor"}})
	}
	return all
}
