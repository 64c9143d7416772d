package policy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/form"
	"repro/internal/lookalike"
	"repro/internal/pattern"
	"repro/key"
	"repro/verify/bundle"
	"repro/verify/timestamp"
)

// Parse reads the policy b. The name is that of its file and serves messages
// only. Everything that is wrong comes back at once, with line and column.
// SPEC.md, POL-1.
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
	alike  lookalike.Words // persons
	named  lookalike.Words // roles
	keys   map[key.Fingerprint]bool
	rules  []*form.Node // of policy.Require

	identities []key.Identity
}

func (d *parser) read(root *form.Node) {
	p := d.policy
	var version int
	var expires, layout, expired string
	ok := d.Mapping("policy", root, []form.Field{
		form.Must("policy", d.StoreInt("policy", &version, Version, Version)),
		form.Must("name", d.StoreLine("name", &p.Name, nil)),
		form.May("serial", d.StoreInt("serial", &p.Serial, 1, 1<<31-1)),
		form.May("expires", d.StoreLine("expires", &expires, checkTime)),
		form.May("layout", d.StoreLine("layout", &layout, oneOf("strict", "foreign"))),
		form.May("expired-keys", d.StoreLine("expired-keys", &expired, oneOf("refuse", "accept"))),
		form.May("crypto", d.crypto),
		form.May("time", d.time),
		form.May("authorities", func(n *form.Node) { p.Time.Authorities = timestamp.ReadAuthorities(d.Reader, "authorities", n) }),
		form.May("trusted-root", d.root),
		form.Must("people", func(n *form.Node) {
			for _, e := range d.List("people", n, 1, maxPeople) {
				d.person(e)
			}
		}),
		form.Must("require", func(n *form.Node) {
			for _, e := range d.List("require", n, 1, maxRules) {
				d.rule(e)
			}
		}),
	})
	if !ok {
		return
	}
	if err := p.distinct(); err != nil {
		d.Errorf(root, "people: %v", err)
	}
	if n := len(p.Time.Authorities); n > 0 && p.Time.Least > n {
		d.Errorf(root, "time: it can never be met: %d authorities are wanted, %d named", p.Time.Least, n)
	}
	if w, err := key.ParseWindow("", expires); err == nil {
		p.Expires = w.Until
	}
	p.Foreign, p.AcceptExpired = layout == "foreign", expired == "accept"
	if p.AcceptExpired && p.Time.Required {
		d.Errorf(root, "expired-keys: accept takes what nobody dates, and time: required refuses it: want one of them")
	}
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
	d.Mapping("crypto", n, []form.Field{
		form.May("rsa", d.StoreInt("rsa", &c.RSA, key.MinRSABits, key.MaxRSABits)),
		form.May("hashes", func(n *form.Node) { c.Hashes = d.Lines("hashes", n, 1, maxWords, oneOf("sha256", "sha384", "sha512")) }),
		form.May("algorithms", func(n *form.Node) { allowed = d.Lines("algorithms", n, 1, maxWords, oneOf(families...)) }),
	})
	for _, f := range allowed {
		c.Algorithms = append(c.Algorithms, key.Family(f))
	}
}

// time reads whose word counts about when something was signed. SPEC.md, POL-15.
func (d *parser) time(n *form.Node) {
	d.Mapping("time", n, []form.Field{
		form.May("authorities", d.StoreInt("authorities", &d.policy.Time.Least, 1, maxAuthorities)),
		form.May("required", func(n *form.Node) { d.policy.Time.Required = d.Bool("required", n) }),
	})
}

// root reads who vouches for identities.
func (d *parser) root(n *form.Node) {
	text, ok := d.Text("trusted-root", n)
	if !ok {
		return
	}
	var err error
	if d.policy.Root, err = bundle.ParseRoot([]byte(text)); err != nil {
		d.Errorf(n, "trusted-root: %v", err)
	}
}

func (d *parser) person(n *form.Node) {
	var p Person
	d.Mapping("person", n, []form.Field{
		form.Must("person", d.StoreLine("person", &p.ID, d.newPerson)),
		form.May("name", d.StoreLine("name", &p.Name, nil)),
		form.Must("roles", func(n *form.Node) { p.Roles = d.Lines("roles", n, 1, maxWords, d.newRole) }),
		form.May("keys", func(n *form.Node) {
			for _, e := range d.List("keys", n, 1, maxKeys) {
				p.Keys = append(p.Keys, d.key(e))
			}
		}),
		form.May("identities", func(n *form.Node) {
			for _, e := range d.List("identities", n, 1, maxIdentities) {
				p.Identities = append(p.Identities, d.identity(e))
			}
		}),
	})
	if form.IsMapping(n) && !form.HasKey(n, "keys") && !form.HasKey(n, "identities") {
		d.Errorf(n, "person: keys or identities: missing: nobody could tell what this person signed")
	}
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
	if why := checkWord(id); why != "" {
		return why
	}
	if other := d.alike.Add(id); other != "" {
		return fmt.Sprintf("looks like the person %q: nobody could tell them apart", other)
	}
	return ""
}

func (d *parser) newRole(role string) string {
	if why := checkWord(role); why != "" {
		return why
	}
	if other := d.named.Add(role); other != "" {
		return fmt.Sprintf("looks like the role %q: nobody could tell them apart", other)
	}
	return ""
}

func (d *parser) key(n *form.Node) Key {
	var fingerprint, from, until string
	var k Key
	d.Mapping("key", n, []form.Field{
		form.Must("fingerprint", d.StoreLine("fingerprint", &fingerprint, func(s string) string {
			f, err := key.ParseFingerprint(s)
			switch {
			case err != nil:
				return "want all 40 hexadecimal digits of an OpenPGP fingerprint, or SHA256: and 43 characters of base64"
			case d.keys[f]:
				return "stands here a second time: a key has one owner"
			}
			k.Fingerprint, d.keys[f] = f, true
			return ""
		})),
		form.May("from", d.StoreLine("from", &from, checkTime)),
		form.May("until", d.StoreLine("until", &until, checkTime)),
		form.May("public", func(n *form.Node) { k.Public = d.public(n) }),
	})
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
	r := Rule{What: Signed, Persons: 1}
	var what, since string
	d.Mapping("rule", n, []form.Field{
		form.May("what", d.StoreLine("what", &what, oneOf(whats...))),
		form.May("type", d.StoreLine("type", &r.Type, checkURI)),
		form.May("since", d.StoreLine("since", &since, checkTime)),
		form.May("days", d.StoreInt("days", &r.Days, 1, maxDays)),
		form.May("role", d.StoreLine("role", &r.Role, checkWord)),
		form.May("of", func(n *form.Node) { r.Of = d.Lines("of", n, 1, maxWords, checkWord) }),
		form.May("not", func(n *form.Node) { r.Not = d.Lines("not", n, 1, maxWords, checkWord) }),
		form.May("looked", func(n *form.Node) { r.Looked = d.Bool("looked", n) }),
		form.May("persons", d.StoreInt("persons", &r.Persons, 1, maxPeople)),
	})
	if what != "" {
		r.What = What(what)
	}
	if w, err := key.ParseWindow(since, ""); err == nil {
		r.Since = w.From
	}
	d.policy.Require = append(d.policy.Require, r)
	d.rules = append(d.rules, n)
}

// relations checks that a rule can be met.
func (d *parser) relations(n *form.Node, r Rule) {
	if r.Role != "" && len(r.Of) > 0 {
		d.Errorf(n, "rule: role and of: want one of them at most")
		return
	}
	switch timed := !r.Since.IsZero() || r.Days > 0; {
	case r.Type != "" && r.What != Signed:
		d.Errorf(n, "rule: what and type: want one of them")
		return
	case r.Looked && r.What != Reproduced:
		d.Errorf(n, "rule: looked: only reproductions are by sight: ask with what: reproduced")
		return
	case timed && r.Type == "" && r.What == Signed:
		d.Errorf(n, "rule: since and days: only attestations state when they were made")
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
	if found := len(d.policy.candidates(r, nil)); found < r.Persons {
		d.Errorf(n, "rule: it can never be met: %d persons are wanted, %d could sign", r.Persons, found)
	}
}

func checkWord(s string) string {
	if !form.IsWord(s) {
		return "want one word of letters, digits and ._@+-"
	}
	return lookalike.Problem(s)
}

// reproductionType begins the predicate type of reproductions, of any version.
const reproductionType = "https://repro.dev/attestation/reproduction/"

// checkURI accepts the predicate type of attestations.
func checkURI(s string) string {
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "want a URI in ASCII, as the attestation has it"
	}
	if strings.HasPrefix(s, reproductionType) {
		return "an attestation of this type may say that nothing came out: ask with what: reproduced"
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
