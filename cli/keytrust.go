package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/key"
	"repro/key/store"
	"repro/verify"
)

func keyTrustCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "trust",
		Usage:     "say whose a key is, and what you trust it for",
		ArgsUsage: "[KEY]",
		Description: `Adds a line to the trust file: full fingerprint, person, role, and the days between
which the key counts. In place of a key it can be an identity: as whom a provider
knows the person, who signs so without a key file. Compare the fingerprint with its owner first. The file is
plain text: keep it under version control, send it, read it in a diff.

   repro key trust alice --as alice@example.org --role author
   repro key trust alice --as alice@example.org --role reviewer --until 2026-12-31
   repro key trust --identity bob@example.org --issuer https://accounts.example.org --as bob --role reviewer`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "the key is `PERSON`'s: a mail address, ORCID iD or other word"},
			&cli.StringFlag{Name: "role", Usage: "trust it as `ROLE`, such as author, reviewer or editor"},
			&cli.StringFlag{Name: "from", Usage: "signatures count that were made from `DAY` on"},
			&cli.StringFlag{Name: "until", Usage: "signatures count that were made until `DAY`, included"},
			identityFlag, issuerFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.String("as") == "" || ctx.String("role") == "" {
				return usagef("key trust: say whose key it is with --as PERSON, and for what with --role ROLE")
			}
			s, err := openStore()
			if err != nil {
				return err
			}
			b, err := binding(ctx, s)
			if err != nil {
				return err
			}
			if err := s.EditTrust(ctx.Context, func(t *store.Trust) error { return t.Add(b) }); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s  %s (%s), %s\n", b.Whose(), b.Person, b.Role, b.Window())
			return nil
		},
	}
}

// binding reads what is to be trusted: a key of the store, or an identity.
func binding(ctx *cli.Context, s *store.Store) (store.Binding, error) {
	b := store.Binding{Person: ctx.String("as"), Role: ctx.String("role"), From: ctx.String("from"), Until: ctx.String("until")}
	switch whom := ctx.StringSlice("identity"); {
	case len(whom) == 0 && ctx.String("issuer") == "":
	case len(whom) != 1 || ctx.String("issuer") == "" || ctx.NArg() > 0:
		return b, usagef("key trust: name one key; or one person with --identity, and the provider with --issuer")
	default:
		b.Identity = key.Identity{Issuer: ctx.String("issuer"), Subject: whom[0]}
		return b, nil
	}
	name, err := oneArgument(ctx, "", "key trust: name one key")
	if err != nil {
		return b, err
	}
	e, err := s.Find(name)
	if err != nil {
		return b, fmt.Errorf("%w: repro key import puts it there", err)
	}
	b.Fingerprint = e.Public.Fingerprint()
	return b, nil
}

func keyUntrustCommand() *cli.Command {
	return &cli.Command{
		Name:        "untrust",
		Usage:       "take trust away from a key or a person",
		ArgsUsage:   "KEY|PERSON|IDENTITY",
		Description: "   repro key untrust alice@example.org",
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "key untrust: name one key or person")
			if err != nil {
				return err
			}
			s, err := openStore()
			if err != nil {
				return err
			}
			fingerprint, _ := key.ParseFingerprint(name)
			if e, err := s.Find(name); err == nil {
				fingerprint = e.Public.Fingerprint()
			}
			return s.EditTrust(ctx.Context, func(t *store.Trust) error {
				n := t.Remove(func(b store.Binding) bool {
					return b.Person == name || b.Identity.Subject == name || b.Identity == (key.Identity{}) && b.Fingerprint == fingerprint
				})
				if n == 0 {
					return fmt.Errorf("%q: nothing in the trust file speaks of it", name)
				}
				return nil
			})
		},
	}
}

// trustBy adds to t whom the user's trust file binds to the given persons and
// roles.
func trustBy(t *verify.Trust, whom []string) error {
	if len(whom) == 0 {
		return nil
	}
	s, err := openStore()
	if err != nil {
		return err
	}
	file, err := s.Trust()
	if err != nil {
		return err
	}
	for _, w := range whom {
		bindings := file.Of(w)
		if len(bindings) == 0 {
			return fmt.Errorf("--by %q: your trust file binds no key to such a person or role: %w", w, verify.ErrNotSigned)
		}
		for _, b := range bindings {
			if b.Identity != (key.Identity{}) {
				t.AddIdentity(b.Identity, b.Window())
				continue
			}
			e, err := s.Find(string(b.Fingerprint))
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("--by %q: %w: the trust file speaks of it: repro key import puts it there", w, err)
			}
			if err != nil {
				return err
			}
			t.Add(e.Public, b.Person, b.Window())
		}
	}
	return nil
}
