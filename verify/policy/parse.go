package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/form"
	"repro/internal/pattern"
	"repro/key"
)

// Parse reads the policy b. The name is that of its file and serves messages
// only. Everything that is wrong comes back at once, with line and column.
func Parse(name string, b []byte) (*Policy, error) {
	p := &Policy{Digest: manifest.DigestOf(b)}
	err := form.Form{Name: "policy"}.Read(name, b, func(r *form.Reader, root *form.Node) {
		d := &parser{Reader: r, policy: p, people: map[string]bool{}, roles: map[string]bool{}, keys: map[key.Fingerprint]bool{}}
		d.read(root)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

type parser struct {
	*form.Reader
	policy *Policy
	people map[string]bool // IDs
	roles  map[string]bool
	keys   map[key.Fingerprint]bool
	rules  []*form.Node // of policy.Require
}

func (d *parser) read(root *form.Node) {
	p := d.policy
	var version int
	var expires, layout, expired string
	ok := d.Mapping("policy", root, form.Keys{
		"policy":       d.Integer("policy", &version, Version, Version),
		"name":         d.Line("name", &p.Name, nil),
		"serial":       d.Integer("serial", &p.Serial, 1, 1<<31-1),
		"expires":      d.Line("expires", &expires, checkTime),
		"layout":       d.Line("layout", &layout, oneOf("strict", "foreign")),
		"expired-keys": d.Line("expired-keys", &expired, oneOf("refuse", "accept")),
		"crypto":       d.crypto,
		"people":       func(n *form.Node) { d.List("people", n, maxPeople, d.person) },
		"require":      func(n *form.Node) { d.List("require", n, maxRules, d.rule) },
	}, "policy", "name", "people", "require")
	if !ok {
		return
	}
	if w, err := key.ParseWindow("", expires); err == nil {
		p.Expires = w.Until
	}
	p.Foreign, p.AcceptExpired = layout == "foreign", expired == "accept"
	for i, n := range d.rules {
		d.relations(n, p.Require[i])
	}
}

func (d *parser) crypto(n *form.Node) {
	c := &d.policy.Crypto
	var families []string
	for _, f := range key.Families() {
		families = append(families, string(f))
	}
	var allowed []string
	d.Mapping("crypto", n, form.Keys{
		"rsa":        d.Integer("rsa", &c.RSA, key.MinRSABits, key.MaxRSABits),
		"hashes":     d.Lines("hashes", &c.Hashes, maxWords, oneOf("sha256", "sha384", "sha512")),
		"algorithms": d.Lines("algorithms", &allowed, maxWords, oneOf(families...)),
	})
	for _, f := range allowed {
		c.Algorithms = append(c.Algorithms, key.Family(f))
	}
}

func (d *parser) person(n *form.Node) {
	var p Person
	d.Mapping("person", n, form.Keys{
		"person": d.Line("person", &p.ID, d.newPerson),
		"name":   d.Line("name", &p.Name, nil),
		"roles":  d.Lines("roles", &p.Roles, maxWords, checkWord),
		"keys": func(n *form.Node) {
			d.List("keys", n, maxKeys, func(n *form.Node) { p.Keys = append(p.Keys, d.key(n)) })
		},
	}, "person", "roles", "keys")
	d.people[p.ID] = true
	for _, role := range p.Roles {
		d.roles[role] = true
	}
	d.policy.People = append(d.policy.People, p)
}

func (d *parser) newPerson(id string) string {
	if d.people[id] {
		return "stands here a second time: list all keys of a person together"
	}
	return checkWord(id)
}

func (d *parser) key(n *form.Node) Key {
	var fingerprint, from, until string
	var k Key
	d.Mapping("key", n, form.Keys{
		"fingerprint": d.Line("fingerprint", &fingerprint, func(s string) string {
			f, err := key.ParseFingerprint(s)
			switch {
			case err != nil:
				return "want all 40 hexadecimal digits of an OpenPGP fingerprint, or SHA256: and 43 characters of base64"
			case d.keys[f]:
				return "stands here a second time: a key has one owner"
			}
			k.Fingerprint, d.keys[f] = f, true
			return ""
		}),
		"from":   d.Line("from", &from, checkTime),
		"until":  d.Line("until", &until, checkTime),
		"public": func(n *form.Node) { k.Public = d.public(n) },
	}, "fingerprint")
	var err error
	if k.Window, err = key.ParseWindow(from, until); err != nil {
		d.Errorf(n, "key: %v", err)
	}
	if k.Public != nil && k.Fingerprint != "" && k.Public.Fingerprint() != k.Fingerprint {
		d.Errorf(n, "key: public is key %s, not the one that fingerprint names", k.Public.Fingerprint())
	}
	return k
}

// public reads a key in armour or PEM.
func (d *parser) public(n *form.Node) *key.Public {
	s, ok := d.Text("public", n)
	if !ok {
		return nil
	}
	p, err := key.ParsePublic([]byte(s))
	if err != nil {
		d.Errorf(n, "public: %v", err)
		return nil
	}
	return p
}

func (d *parser) rule(n *form.Node) {
	r := Rule{Persons: 1}
	d.Mapping("rule", n, form.Keys{
		"role":    d.Line("role", &r.Role, checkWord),
		"of":      d.Lines("of", &r.Of, maxWords, checkWord),
		"not":     d.Lines("not", &r.Not, maxWords, checkWord),
		"persons": d.Integer("persons", &r.Persons, 1, maxPeople),
	})
	d.policy.Require = append(d.policy.Require, r)
	d.rules = append(d.rules, n)
}

// relations checks that a rule can be met.
func (d *parser) relations(n *form.Node, r Rule) {
	if r.Role != "" && len(r.Of) > 0 {
		d.Errorf(n, "rule: role and of: want one of them at most")
		return
	}
	for _, id := range r.Of {
		if !d.people[id] {
			d.Errorf(n, "rule: of: %q is none of the people", id)
			return
		}
	}
	for _, role := range slices.Concat([]string{r.Role}, r.Not) {
		if role != "" && !d.roles[role] {
			d.Errorf(n, "rule: nobody has the role %q", role)
			return
		}
	}
	if found := len(d.policy.candidates(r)); found < r.Persons {
		d.Errorf(n, "rule: it can never be met: %d persons are wanted, %d could sign", r.Persons, found)
	}
}

func checkWord(s string) string {
	if !form.IsWord(s) {
		return "want one word of letters, digits and ._@+-"
	}
	return ""
}

var timeForm = pattern.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?$`)

func checkTime(s string) string {
	_, dayErr := time.Parse(time.DateOnly, s)
	_, timeErr := time.Parse(time.RFC3339, s)
	if !timeForm.MatchString(s) || dayErr != nil && timeErr != nil {
		return "want a day such as 2027-12-31, or a time such as 2027-12-31T12:00:00Z"
	}
	return ""
}

func oneOf(words ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(words, s) {
			return ""
		}
		return fmt.Sprintf("want %s", strings.Join(words, ", "))
	}
}
