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
//	time: {authorities: 2, required: true}
//	people:
//	  - person: alice@example.org
//	    roles: [author]
//	    keys:
//	      - fingerprint: 70E5B6F9F5D3F0E2C1A0B9C8D7E6F5A4B3C2D1E0
//	        until: 2027-06-30
//	  - person: bob
//	    roles: [reviewer]
//	    identities:              # signs without a key file
//	      - {issuer: https://accounts.example.org, subject: bob@example.org}
//	require:
//	  - {role: author}
//	  - {what: reproduced, role: reviewer, persons: 2, days: 365}
//
// Whose word counts about identities and times may stand in it too, as
// trusted-root and authorities. Rules count persons: two keys of one person are
// one signer. A policy in which a rule can never be met is refused when it is
// read, and so is one in which two persons or roles look alike, or share a key or
// an identity.
package policy

import (
	"bytes"
	"crypto"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/key"
	"repro/verify/bundle"
	"repro/verify/timestamp"
)

// Version is the version of the form that this package reads.
const Version = 1

// Limits on policies.
const (
	maxPeople = 10_000
	maxKeys   = 100 // of one person
	maxRules  = 100
	maxWords  = 1000 // of one list of roles or persons
	maxDays   = 36_500

	maxAuthorities = 100 // that must agree
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
	Time    Time
	Root    *bundle.Root // who vouches for identities; nil: the caller says
	People  []Person
	Require []Rule
}

// Time says whose word counts about when something was signed. SPEC.md, POL-15.
type Time struct {
	Authorities []*timestamp.Authority // none: those that the caller names
	Least       int                    // how many of them must agree; 0: the caller says
	Required    bool                   // what no authority or log saw does not count
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

	Identities []Identity
}

// Key is a key of a person. SPEC.md, POL-4.
type Key struct {
	Fingerprint key.Fingerprint
	Role        string      // for which it counts; empty: all roles of its person
	Window      key.Window  // in which its signatures count
	Public      *key.Public // nil: must be found elsewhere, see [Policy.Resolve]
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
	return p.distinct()
}

// distinct refuses keys and identities that stand for two persons. SPEC.md,
// POL-13 and POL-13a.
func (p *Policy) distinct() error {
	if err := p.oneOwner(); err != nil {
		return err
	}
	return p.oneSubject()
}

// oneOwner refuses two persons with one private key, whatever its fingerprints:
// an OpenPGP key can be written anew with another date, or as PEM.
func (p *Policy) oneOwner() error {
	owners := map[string]string{}
	for _, person := range p.People {
		for _, k := range person.Keys {
			if k.Public == nil {
				continue
			}
			for _, m := range k.Public.Material() {
				if other, ok := owners[m]; ok && other != person.ID {
					return fmt.Errorf("%w: key %s of %s is the same as one of %s", ErrShared, k.Fingerprint, person.ID, other)
				}
				owners[m] = person.ID
			}
		}
	}
	return nil
}

// ErrShared says that one private key or identity stands for two persons.
var ErrShared = errors.New("a key or identity has one owner")

// Owner returns the person whose key or identity s is, or nil.
func (p *Policy) Owner(s Signer) *Person {
	for i := range p.People {
		if slices.ContainsFunc(p.People[i].bound(), func(b bound) bool { return b.signer == s }) {
			return &p.People[i]
		}
	}
	return nil
}

// RolesOf returns the roles in which s spoke by a signature that its signer
// dates at, and that is known to have been there at known. A key is its person's
// in a role for a time: what was said after it, or is not known to have been said
// before its end, was not said in that role. SPEC.md, POL-9a.
func (p *Policy) RolesOf(s Signer, at, known time.Time) (roles []string) {
	person := p.Owner(s)
	if person == nil {
		return nil
	}
	for _, b := range person.bound() {
		ended := !b.window.Until.IsZero() && !known.Before(b.window.Until) && !p.AcceptExpired
		if b.signer != s || !b.window.Contains(at) || ended {
			continue
		}
		for _, role := range person.Roles {
			if (b.role == "" || b.role == role) && !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
	}
	return roles
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

//go:embed schema.json
var schema []byte

// Schema returns the form of policies as a JSON Schema (draft 2020-12), for
// editors. What [Parse] checks beyond it are relations between values.
func Schema() []byte {
	names, _ := json.Marshal(key.Families()) // words do not fail
	return bytes.Replace(schema, []byte(`["FAMILIES"]`), names, 1)
}

// Add binds a key to a person in a role, both of whom may be there already; the
// key counts for that role alone. An empty role adds none.
func (p *Policy) Add(id, role string, k Key) {
	person := p.add(id, role)
	k.Role = role
	person.Keys = append(person.Keys, k)
}

// add returns the person id, who then has the role.
func (p *Policy) add(id, role string) *Person {
	i := slices.IndexFunc(p.People, func(person Person) bool { return person.ID == id })
	if i < 0 {
		i = len(p.People)
		p.People = append(p.People, Person{ID: id})
	}
	person := &p.People[i]
	if role != "" && !slices.Contains(person.Roles, role) {
		person.Roles = append(person.Roles, role)
	}
	return person
}
