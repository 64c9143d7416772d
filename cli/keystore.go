package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/internal/atomicfile"
	"repro/key"
	"repro/key/store"
	"repro/report/view"
)

// openStore opens the user's own key store.
func openStore() (*store.Store, error) {
	dir, err := store.Dir()
	if err != nil {
		return nil, err
	}
	return store.Open(dir), nil
}

// storedKey returns the store's key of that name, else the error otherwise.
func storedKey(name string, otherwise error) (*key.Public, error) {
	s, err := openStore()
	if err != nil {
		return nil, otherwise
	}
	e, err := s.Find(name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w, and no key of this name in the key store", otherwise)
	}
	return e.Public, err
}

// storedPrivateKey is storedKey for a private key.
func storedPrivateKey(name string, ask key.PassphraseFunc, otherwise error) (*key.Private, error) {
	s, err := openStore()
	if err != nil {
		return nil, otherwise
	}
	e, err := s.Find(name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w, and no key of this name in the key store", otherwise)
	}
	if err != nil {
		return nil, err
	}
	return s.Private(e, ask)
}

func keyListCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the keys of the key store, and for what you trust them",
		Description: "   repro key list",
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return usagef("key list: takes no arguments; repro key show tells about one key")
			}
			return c.listKeys()
		},
	}
}

func (c *console) listKeys() error {
	s, err := openStore()
	if err != nil {
		return err
	}
	entries, err := s.Entries()
	if err != nil {
		return err
	}
	trust, err := s.Trust()
	if err != nil {
		return err
	}
	var rows [][]string
	var broken []error
	for _, e := range entries {
		if e.Err != nil {
			broken = append(broken, e.Err)
			continue
		}
		private := ""
		if e.Private {
			private = "private"
		}
		rows = append(rows, []string{e.Name, e.Public.Algorithm().String(), private, trustedAs(trust, e.Public), e.Public.UserID(), string(e.Public.Fingerprint())})
	}
	return errors.Join(append(broken, view.Table(c.out, rows))...)
}

// trustedAs says whose key p is, by the user's trust file.
func trustedAs(t *store.Trust, p *key.Public) string {
	if len(p.Revocations()) > 0 {
		return "revoked"
	}
	var parts []string
	for _, b := range t.Bindings() {
		if b.Fingerprint == p.Fingerprint() {
			text := b.Person + " (" + b.Role
			if w := b.Window(); w != (key.Window{}) {
				text += ", " + w.String()
			}
			parts = append(parts, text+")")
		}
	}
	if parts == nil {
		return "not trusted"
	}
	return strings.Join(parts, ", ")
}

func keyShowCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "print what a public key is",
		ArgsUsage:   "KEY...",
		Description: "A key is a file, or the name or full fingerprint of one in the key store.\n\n   repro key show alice.pub",
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 {
				return usagef("key show: name at least one public key")
			}
			for _, name := range ctx.Args().Slice() {
				p, err := readPublicKey(name)
				if err != nil {
					return err
				}
				c.showKey(p)
			}
			return nil
		},
	}
}

func (c *console) showKey(p *key.Public) {
	fmt.Fprintf(c.out, "%s  %s\n", p.Fingerprint(), p.Algorithm())
	for _, id := range p.UserIDs() {
		fmt.Fprintf(c.out, "  %s\n", view.Clean(id))
	}
	if !p.Created().IsZero() {
		fmt.Fprintf(c.out, "  made %s", p.Created().UTC().Format(time.DateOnly))
		if !p.Expires().IsZero() {
			fmt.Fprintf(c.out, ", expires %s", p.Expires().UTC().Format(time.DateOnly))
		}
		fmt.Fprintln(c.out)
	}
	for _, r := range p.Revocations() {
		fmt.Fprintf(c.out, "  revoked %s: %s\n", r.Time.Format(time.DateOnly), r.Reason)
	}
}

func keyImportCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "put keys into the key store; this trusts nobody",
		ArgsUsage: "FILE...",
		Description: `A copy of a key that is there already is brought up to date: what it lacks is
added, and no revocation is undone. Private keys are kept as they are, encrypted if
they were.

   repro key import alice.pub
   repro key import --name lab lab-2026.key`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "call the key `NAME` (default: the file's name)"},
			passphraseFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 || ctx.NArg() > 1 && ctx.String("name") != "" {
				return usagef("key import: name key files; --name goes with one")
			}
			s, err := openStore()
			if err != nil {
				return err
			}
			for _, name := range ctx.Args().Slice() {
				if err := c.importKey(ctx, s, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (c *console) importKey(ctx *cli.Context, s *store.Store, file string) error {
	content, err := readBounded(file, key.MaxFile)
	if err != nil {
		return err
	}
	var private []byte
	p, err := key.ParsePublic(content)
	if errors.Is(err, key.ErrPrivate) {
		var k *key.Private
		if k, err = c.readPrivateKey(ctx, file); err != nil {
			return err
		}
		p, private = k.Public(), content
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	name := ctx.String("name")
	if name == "" {
		name = filepath.Base(file)
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	e, err := s.Add(ctx.Context, name, p, private)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  %s  %s\n", e.Name, p.Fingerprint(), view.Clean(p.UserID()))
	trust, err := s.Trust()
	if err != nil {
		return err
	}
	if trustedAs(trust, p) == "not trusted" {
		c.note("it is not trusted yet: compare the fingerprint with its owner, then: repro key trust %s --as PERSON --role ROLE", e.Name)
	}
	return nil
}

func keyExportCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "print a key of the key store",
		ArgsUsage: "KEY",
		Description: `   repro key export alice >alice.pub
   repro key export alice --private -o alice.key`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, which must not exist"},
			&cli.BoolFlag{Name: "private", Usage: "the private key, as it is stored; needs -o"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "key export: name one key")
			if err != nil {
				return err
			}
			if ctx.Bool("private") && ctx.String("output") == "" {
				return usagef("key export: a private key is written to a file: name it with -o")
			}
			return c.exportKey(name, ctx.String("output"), ctx.Bool("private"))
		},
	}
}

func (c *console) exportKey(name, output string, private bool) error {
	s, err := openStore()
	if err != nil {
		return err
	}
	e, err := s.Find(name)
	if err != nil {
		return err
	}
	var content []byte
	perm := os.FileMode(0o666)
	if private {
		content, err = s.PrivateBytes(e)
		perm = 0o600
	} else {
		content, err = e.Public.Encode()
	}
	if err != nil {
		return err
	}
	if output != "" {
		return writeNewFiles([]newFile{{output, perm, content}})
	}
	_, err = c.out.Write(content)
	return err
}

func keyRevokeCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Usage:     "declare a key invalid",
		ArgsUsage: "KEY",
		Description: `With the private key, or with the certificate that repro key new put into the key
store, which is used if the private key is not there and no reason is given.
A superseded or retired key still vouches for what it signed before; any other
revoked key vouches for nothing. The key in the store is changed; of a key in a
file, the revoked public key is printed: give it to everyone who has the old one.

   repro key revoke alice --reason superseded
   repro key revoke alice.pub -o revoked.pub   # the private key is lost
   repro key revoke alice --certificate backup.revoke
   repro key revoke alice.key --reason compromised -o alice.pub`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "`REASON`: unspecified, superseded, compromised or retired", Value: string(key.Unspecified)},
			&cli.StringFlag{Name: "text", Usage: "`WORDS` that explain it; anyone can read them"},
			&cli.StringFlag{Name: "certificate", Usage: "apply the revocation certificate in `FILE`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the revoked public key to `FILE`"},
			passphraseFlag,
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "key revoke: name one key")
			if err != nil {
				return err
			}
			switch key.Reason(ctx.String("reason")) {
			case key.Unspecified, key.Superseded, key.Compromised, key.Retired:
			default:
				return usagef("--reason %q: want unspecified, superseded, compromised or retired", ctx.String("reason"))
			}
			return c.revokeKey(ctx, name)
		},
	}
}

func (c *console) revokeKey(ctx *cli.Context, name string) error {
	p, certificate, err := c.revocation(ctx, name)
	if err != nil {
		return err
	}
	if p, err = p.Revoked(certificate); err != nil {
		return err
	}
	content, err := p.Encode()
	if err != nil {
		return err
	}
	_, statErr := os.Stat(name)
	if statErr != nil { // a key of the store
		s, err := openStore()
		if err != nil {
			return err
		}
		if _, err := s.Add(ctx.Context, name, p, nil); err != nil {
			return err
		}
		c.showKey(p)
	}
	switch output := ctx.String("output"); {
	case output != "":
		return atomicfile.Write(output, content, 0o666)
	case statErr == nil:
		_, err = c.out.Write(content)
	}
	return err
}

// revocation returns the public key called name and a certificate that revokes
// it, read or made now.
func (c *console) revocation(ctx *cli.Context, name string) (*key.Public, []byte, error) {
	if file := ctx.String("certificate"); file != "" {
		p, err := readPublicKey(name)
		if err != nil {
			return nil, nil, err
		}
		certificate, err := readBounded(file, key.MaxFile)
		return p, certificate, err
	}
	k, err := c.readPrivateKey(ctx, name)
	if errors.Is(err, key.ErrPublic) || errors.Is(err, store.ErrNotFound) {
		return keptCertificate(ctx, name, err)
	}
	if err != nil {
		return nil, nil, err
	}
	certificate, err := k.Revoke(key.Reason(ctx.String("reason")), ctx.String("text"), time.Now())
	return k.Public(), certificate, err
}

// keptCertificate returns the public key called name and the certificate that is
// kept for it, which states no reason; otherwise says why there is no private key.
func keptCertificate(ctx *cli.Context, name string, otherwise error) (*key.Public, []byte, error) {
	p, err := readPublicKey(name)
	if err != nil {
		return nil, nil, otherwise
	}
	s, err := openStore()
	if err != nil {
		return nil, nil, err
	}
	certificate, err := s.Certificate(p.Fingerprint())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, fmt.Errorf("%w; nor is its revocation certificate in the key store", otherwise)
	}
	if err == nil && (ctx.IsSet("reason") || ctx.IsSet("text")) {
		err = fmt.Errorf("%w; its revocation certificate is in the key store, and states no reason: leave out --reason and --text to use it", otherwise)
	}
	return p, certificate, err
}
