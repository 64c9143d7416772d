package policy

import (
	"fmt"
	"slices"

	"repro/internal/form"
	"repro/internal/lookalike"
	"repro/key"
)

const maxIdentities = 100 // of one person

// Identity is whom a provider knows a person as, who signs so without a key
// file. SPEC.md, POL-4a.
type Identity struct {
	key.Identity
	Role   string     // for which it counts; empty: all roles of its person
	Window key.Window // in which its signatures count
}

// Signer is that by which something was signed: a key or an identity.
type Signer struct {
	Key      key.Fingerprint
	Identity key.Identity
}

// bound is a key or an identity of a person, for a role and a time.
type bound struct {
	signer Signer
	role   string
	window key.Window
}

func (p Person) bound() (all []bound) {
	for _, k := range p.Keys {
		all = append(all, bound{Signer{Key: k.Fingerprint}, k.Role, k.Window})
	}
	for _, i := range p.Identities {
		all = append(all, bound{Signer{Identity: i.Identity}, i.Role, i.Window})
	}
	return all
}

// Identities returns all that the policy names.
func (p *Policy) Identities() (all []key.Identity) {
	for _, person := range p.People {
		for _, i := range person.Identities {
			all = append(all, i.Identity)
		}
	}
	return all
}

// Windows returns the times in which what s signed counts; none: always.
func (p *Policy) Windows(s Signer) (all []key.Window) {
	person := p.Owner(s)
	if person == nil {
		return nil
	}
	for _, b := range person.bound() {
		if b.signer == s {
			all = append(all, b.window)
		}
	}
	return all
}

// AddIdentity binds an identity to a person in a role, as [Policy.Add] does a key.
func (p *Policy) AddIdentity(id, role string, i Identity) {
	person := p.add(id, role)
	i.Role = role
	person.Identities = append(person.Identities, i)
}

// oneSubject refuses identities that a reader takes for another person's: whom
// two providers know by one name counts once. SPEC.md, POL-13a.
func (p *Policy) oneSubject() error {
	var owners lookalike.Owners
	var whole lookalike.Words
	for _, person := range p.People {
		if other, whose := owners.Add(person.ID, person.ID); whose != "" {
			return fmt.Errorf("%w: the person %s is %s", ErrShared, person.ID, other)
		}
	}
	for _, person := range p.People {
		for _, i := range person.Identities {
			if other, whose := owners.Add(i.Subject, person.ID); whose != "" {
				return fmt.Errorf("%w: %q of %s looks like %q of %s", ErrShared, i.Subject, person.ID, other, whose)
			}
			if other := whole.Add(i.String()); other != "" {
				return fmt.Errorf("%w: %q looks like %q: nobody could tell them apart", ErrShared, i, other)
			}
		}
	}
	return nil
}

// identity reads one of a person's identities.
func (d *parser) identity(n *form.Node) (i Identity) {
	var from, until string
	d.Mapping("identity", n, []form.Field{
		form.Must("issuer", d.StoreLine("issuer", &i.Issuer, nil)),
		form.Must("subject", d.StoreLine("subject", &i.Subject, lookalike.Problem)),
		form.May("from", d.StoreLine("from", &from, checkTime)),
		form.May("until", d.StoreLine("until", &until, checkTime)),
	})
	var err error
	if i.Window, err = key.ParseWindow(from, until); err != nil {
		d.Errorf(n, "identity: %v", err)
	}
	if i.Issuer != "" && i.Subject != "" {
		if err := i.Check(); err != nil {
			d.Errorf(n, "identity: %v", err)
		}
	}
	if slices.Contains(d.identities, i.Identity) {
		d.Errorf(n, "identity: %s stands here a second time: an identity has one owner", i.Identity)
	}
	d.identities = append(d.identities, i.Identity)
	return i
}
