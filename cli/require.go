package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"repro/key"
	"repro/key/store"
	"repro/verify"
	"repro/verify/policy"
)

var requireFlag = &cli.StringSliceFlag{
	Name:  "require",
	Usage: "ask for `WHAT`, such as 'reproduced by 2 reviewers' or 'reviewed by 1 editor'; persons and roles are those of your trust file, or of --policy",
}

// require adds the rules of --require to whom t trusts. Without a policy the
// trust file says who is who, and whom --key and --by name must have signed.
func (c *console) require(ctx *cli.Context, t *verify.Trust) error {
	rules := ctx.StringSlice("require")
	if len(rules) == 0 {
		return nil
	}
	if t.Policy == nil {
		p, err := trustedPeople(ctx)
		if err != nil {
			return err
		}
		t.Policy = p
	}
	for _, text := range rules {
		r, err := t.Policy.ParseRule(text)
		if err != nil {
			return usageError{fmt.Errorf("--require %w", err)}
		}
		t.Policy.Require = append(t.Policy.Require, r)
	}
	return nil
}

// trustedPeople makes a policy of the trust file: each of --key and --by must
// have signed.
func trustedPeople(ctx *cli.Context) (*policy.Policy, error) {
	s, err := openStore()
	if err != nil {
		return nil, err
	}
	file, err := s.Trust()
	if err != nil {
		return nil, err
	}
	p := &policy.Policy{Name: "--require"}
	for _, b := range file.Bindings() {
		if b.Identity != (key.Identity{}) {
			p.AddIdentity(b.Person, b.Role, policy.Identity{Identity: b.Identity, Window: b.Window()})
			continue
		}
		e, err := s.Find(string(b.Fingerprint))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		p.Add(b.Person, b.Role, policy.Key{Fingerprint: b.Fingerprint, Window: b.Window(), Public: e.Public})
	}
	named, err := namedIdentities(ctx, p)
	if err != nil {
		return nil, err
	}
	var roles []string
	for _, name := range ctx.StringSlice("key") {
		pub, err := readPublicKey(name)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		person := string(pub.Fingerprint())
		if owner := p.Owner(policy.Signer{Key: pub.Fingerprint()}); owner != nil {
			person = owner.ID
		} else {
			p.Add(person, "", policy.Key{Fingerprint: pub.Fingerprint(), Public: pub, Window: key.Window{}})
		}
		named = append(named, person)
	}
	for _, whom := range ctx.StringSlice("by") {
		bindings := file.Of(whom)
		if len(bindings) == 0 {
			return nil, fmt.Errorf("--by %q: your trust file binds no key to such a person or role: %w", whom, verify.ErrNotSigned)
		}
		for _, b := range bindings {
			switch {
			case b.Person != whom && !slices.Contains(roles, whom):
				roles = append(roles, whom)
			case b.Person == whom && !slices.Contains(named, whom):
				named = append(named, whom)
			}
		}
	}
	if len(named)+len(roles) > 0 {
		p.Require = append(p.Require, policy.Rule{Of: named, As: roles, Persons: 1})
	}
	return p, p.Resolve(func(key.Fingerprint) (*key.Public, error) { return nil, nil })
}

// namedIdentities returns who the persons are whom --identity names; those whom
// the trust file does not know are added to p, and have no role. So none may go by
// the name of somebody who has one.
func namedIdentities(ctx *cli.Context, p *policy.Policy) (persons []string, err error) {
	for _, i := range identities(ctx) {
		if owner := p.Owner(policy.Signer{Identity: i}); owner != nil {
			persons = append(persons, owner.ID)
			continue
		}
		if slices.ContainsFunc(p.People, func(other policy.Person) bool { return other.ID == i.Subject }) {
			return nil, fmt.Errorf("--identity %s: your trust file has a person of that name, not known to it by %s; repro key trust says that this is the same: %w", i.Subject, i.Issuer, verify.ErrNotSigned)
		}
		p.AddIdentity(i.Subject, "", policy.Identity{Identity: i})
		persons = append(persons, i.Subject)
	}
	return persons, nil
}
