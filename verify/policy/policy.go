// Package policy says who must have signed an image: a journal's or an
// archive's rules in a file that people can read. SPEC.md, part POL.
//
//	policy: 1                      # version of this form
//	name: Journal of Examples
//	serial: 7                      # grows with each edition
//	expires: 2027-12-31
//	crypto: {rsa: 3072, hashes: [sha256, sha512]}
//	expired-keys: refuse           # or accept
//	layout: strict                 # or foreign
//	people:
//	  - person: alice@example.org
//	    roles: [author]
//	    keys:
//	      - fingerprint: 70E5B6F9F5D3F0E2C1A0B9C8D7E6F5A4B3C2D1E0
//	        until: 2027-06-30
//	require:
//	  - {role: author}
//	  - {role: reviewer, persons: 2, not: [author]}
//
// Rules count persons: two keys of one person are one signer. A policy in
// which a rule can never be met is refused when it is read.
package policy

import (
	"bytes"
	"crypto"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/key"
	"repro/report"
)

// Version is the version of the form that this package reads.
const Version = 1

// Limits on policies.
const (
	maxPeople = 10_000
	maxKeys   = 100 // of one person
	maxRules  = 100
	maxWords  = 1000 // of one list of roles or persons
)

// Policy is a policy that was read and checked. It may be shared by
// goroutines once [Policy.Resolve] has returned. SPEC.md, POL-2.
type Policy struct {
	Name    string
	Serial  int             // an edition replaces those with smaller ones; 0 if not stated
	Expires time.Time       // from then on nothing passes; zero: never
	Digest  manifest.Digest // of the file

	Foreign       bool // SIF files of other programs may pass
	AcceptExpired bool // signatures count whose key has expired since, without proof of when they were made

	Crypto  Crypto
	People  []Person
	Require []Rule
}

// Crypto is what signatures must be made with. Empty fields ask for no more
// than every signature must have. SPEC.md, POL-5.
type Crypto struct {
	RSA        int          // bits
	Hashes     []string     // sha256, sha384, sha512
	Algorithms []key.Family // some of [key.Families]
}

// Person is somebody with keys. SPEC.md, POL-3.
type Person struct {
	ID    string // one word: a mail address, an ORCID iD
	Name  string // for people; may be empty
	Roles []string
	Keys  []Key
}

// Key is a key of a person. SPEC.md, POL-4.
type Key struct {
	Fingerprint key.Fingerprint
	Window      key.Window  // in which its signatures count
	Public      *key.Public // nil: must be found elsewhere, see [Policy.Resolve]
}

// Rule says how many different persons must have signed. SPEC.md, POL-8.
type Rule struct {
	Role    string   // persons that have this role; or
	Of      []string // some of these persons; or neither: anybody in the policy
	Not     []string // persons with one of these roles do not count
	Persons int      // at least 1
}

// Resolve fills in the public keys that the policy names without holding them.
// Those that find does not have (nil) stay unknown: nobody's signature can be
// checked with them, and rules that need them are not met.
func (p *Policy) Resolve(find func(key.Fingerprint) (*key.Public, error)) error {
	for i := range p.People {
		for j := range p.People[i].Keys {
			k := &p.People[i].Keys[j]
			if k.Public != nil {
				continue
			}
			pub, err := find(k.Fingerprint)
			if err != nil {
				return err
			}
			if pub != nil && pub.Fingerprint() == k.Fingerprint {
				k.Public = pub
			}
		}
	}
	return nil
}

// Owner returns the person whose key f is, or nil.
func (p *Policy) Owner(f key.Fingerprint) *Person {
	for i := range p.People {
		if slices.ContainsFunc(p.People[i].Keys, func(k Key) bool { return k.Fingerprint == f }) {
			return &p.People[i]
		}
	}
	return nil
}

// Weak says what the policy has against a signature that was made with a; or
// "".
func (p *Policy) Weak(a key.Algorithm) string {
	hash := hashName(a.Hash)
	switch c := p.Crypto; {
	case a.Family == "" && (c.RSA > 0 || len(c.Hashes) > 0 || len(c.Algorithms) > 0):
		return "made in a way that repro does not know; the policy says in which it may be"
	case len(c.Algorithms) > 0 && !slices.Contains(c.Algorithms, a.Family):
		return fmt.Sprintf("made with %s; the policy allows %s", a, list(c.Algorithms))
	case len(c.Hashes) > 0 && !slices.Contains(c.Hashes, hash):
		return fmt.Sprintf("made with %s; the policy allows %s", hash, list(c.Hashes))
	case a.Bits > 0 && a.Bits < c.RSA:
		return fmt.Sprintf("made with rsa of %d bits; the policy asks for %d", a.Bits, c.RSA)
	}
	return ""
}

// hashName returns the word that policies have for h: "sha256".
func hashName(h crypto.Hash) string {
	return strings.ToLower(strings.ReplaceAll(h.String(), "-", ""))
}

func list[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

// Decide says of each rule whether those who signed, as IDs of persons, meet
// it at the time now; that the policy has not expired is the first rule.
// SPEC.md, POL-8 and POL-9.
func (p *Policy) Decide(signed []string, now time.Time) []report.RuleStatus {
	var all []report.RuleStatus
	if !p.Expires.IsZero() {
		st := report.RuleStatus{Rule: "the policy is in force", Met: now.Before(p.Expires), Found: "until " + p.Expires.Format(time.RFC3339)}
		if !st.Met {
			st.Found = "it expired on " + p.Expires.Format(time.RFC3339) + ": ask who issued it for the next edition"
		}
		all = append(all, st)
	}
	for _, r := range p.Require {
		all = append(all, p.decide(r, signed))
	}
	return all
}

func (p *Policy) decide(r Rule, signed []string) report.RuleStatus {
	st := report.RuleStatus{Rule: r.String(), Wanted: r.Persons}
	for _, person := range p.candidates(r) {
		if slices.Contains(signed, person.ID) {
			st.Persons = append(st.Persons, person.ID)
		}
	}
	st.Met = len(st.Persons) >= r.Persons
	if st.Found = "nobody"; len(st.Persons) > 0 {
		st.Found = strings.Join(st.Persons, ", ")
	}
	return st
}

// candidates returns the persons who count for r.
func (p *Policy) candidates(r Rule) []Person {
	return slices.DeleteFunc(slices.Clone(p.People), func(person Person) bool {
		return r.Role != "" && !slices.Contains(person.Roles, r.Role) ||
			len(r.Of) > 0 && !slices.Contains(r.Of, person.ID) ||
			slices.ContainsFunc(r.Not, func(role string) bool { return slices.Contains(person.Roles, role) })
	})
}

// String says what r asks for: "signed by 2 of the role reviewer, not author".
func (r Rule) String() string {
	text := fmt.Sprintf("signed by %d ", r.Persons)
	switch {
	case r.Role != "":
		text += "of the role " + r.Role
	case len(r.Of) > 0:
		text += "of " + strings.Join(r.Of, ", ")
	default:
		text += "of its people"
	}
	if len(r.Not) > 0 {
		text += ", not " + strings.Join(r.Not, " or ")
	}
	return text
}

//go:embed schema.json
var schema []byte

// Schema returns the form of policies as a JSON Schema (draft 2020-12), for
// editors. What [Parse] checks beyond it are relations between values.
func Schema() []byte {
	names, _ := json.Marshal(key.Families()) // words do not fail
	return bytes.Replace(schema, []byte(`["FAMILIES"]`), names, 1)
}
