package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"repro/key"
)

func keyCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "key",
		Usage:       "make keys, keep them, and say whom to trust",
		Description: keyDescription,
		Subcommands: []*cli.Command{
			keyNewCommand(c), keyListCommand(c), keyShowCommand(c), keyImportCommand(c), keyExportCommand(c),
			keyTrustCommand(c), keyUntrustCommand(), keyRevokeCommand(c),
		},
	}
}

const keyDescription = `Keys are files. The key store, repro/keys in your configuration folder, holds
those that you want to call by name; the file repro/trust beside it says whose
they are and what you trust them for. Importing a key trusts nobody.

   repro key import alice.pub
   repro key trust alice --as alice@example.org --role author
   repro verify --by author paper.sif`

var passphraseFlag = &cli.StringFlag{
	Name:  "passphrase-file",
	Usage: "read the key's passphrase from the first line of `FILE` (default: ask on the terminal)",
}

// keyType finds the type of key that --type names. If there is none, all lists
// the types that there are.
func keyType(name string) (found key.Type, all string) {
	types := key.Types()
	for i, t := range types {
		if t.Name == name {
			found = t
		}
		switch {
		case i == 0:
			all = t.Name
		case i == len(types)-1:
			all += " or " + t.Name
		default:
			all += ", " + t.Name
		}
	}
	return found, all
}

func keyNewCommand(c *console) *cli.Command {
	_, types := keyType("")
	return &cli.Command{
		Name:      "new",
		Usage:     "make a key: NAME.key to keep, NAME.pub to give away",
		ArgsUsage: "NAME",
		Description: `The default is an OpenPGP key (version 4, Ed25519), which gpg and Apptainer read
too; its revocation certificate goes to the key store, for the day the key is
lost: repro key revoke finds it there. Back it up apart from the key. The other
types are PEM keys as openssl and cosign use them.

   repro key new alice --name 'Alice Author' --email alice@example.org
   repro key new alice --expires 5y
   repro key new lab --type ecdsa --passphrase-file secret.txt`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "whose key it is, as `NAME` (openpgp; default: the file's name)"},
			&cli.StringFlag{Name: "email", Usage: "mail `ADDRESS` (openpgp)"},
			&cli.StringFlag{Name: "type", Usage: "`TYPE` of key: " + types, Value: "openpgp"},
			&cli.StringFlag{Name: "expires", Usage: "`TIME` after which it is no longer valid, in days or years: 90d, 5y (openpgp; default: never)"},
			&cli.BoolFlag{Name: "no-passphrase", Usage: "leave the private key unencrypted"},
			passphraseFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 1 {
				return usagef("key new: give the key one name, such as: repro key new alice")
			}
			return c.newKey(ctx, ctx.Args().First())
		},
	}
}

func (c *console) newKey(ctx *cli.Context, name string) error {
	chosen, types := keyType(ctx.String("type"))
	if chosen.Name == "" {
		return usagef("--type %q: want %s", ctx.String("type"), types)
	}
	options := key.Options{Algorithm: chosen.Algorithm}
	if chosen.Kind == key.OpenPGP {
		lifetime, err := parseLifetime(ctx.String("expires"))
		if err != nil {
			return err
		}
		options.Lifetime = lifetime
		options.Email = ctx.String("email")
		if options.Name = ctx.String("name"); options.Name == "" {
			options.Name = filepath.Base(name)
		}
	}
	for _, suffix := range []string{".key", ".pub"} { // before a passphrase is asked for
		if _, err := os.Lstat(name + suffix); err == nil {
			return fmt.Errorf("%s%s: exists already; keys are never overwritten", name, suffix)
		}
	}
	passphrase, err := c.newPassphrase(ctx)
	if err != nil {
		return err
	}
	k, err := key.New(chosen.Kind, options)
	if err != nil {
		return err
	}
	files, err := keyFiles(name, k, passphrase)
	if err != nil {
		return err
	}
	kept, err := keepCertificate(ctx, k)
	if err != nil {
		return err
	}
	if err := writeNewFiles(files); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  %s\n", k.Fingerprint(), name+".pub")
	c.note("%s.key is the private key: keep it, and keep it to yourself", name)
	if kept != "" {
		c.note("%s revokes it when it is lost (repro key revoke): back it up apart from the key", kept)
	}
	return nil
}

// keepCertificate puts the revocation certificate of a new key into the key
// store, and says where; "" for a key that has none.
func keepCertificate(ctx *cli.Context, k *key.Private) (string, error) {
	if k.Kind() != key.OpenPGP {
		return "", nil
	}
	certificate, err := k.Revoke(key.Unspecified, "", time.Now())
	if err != nil {
		return "", err
	}
	s, err := openStore()
	if err != nil {
		return "", err
	}
	return s.KeepCertificate(ctx.Context, k.Fingerprint(), certificate)
}

// newFile is a file that must not exist yet.
type newFile struct {
	name    string
	perm    os.FileMode
	content []byte
}

func keyFiles(name string, k *key.Private, passphrase []byte) ([]newFile, error) {
	private, err := k.Encode(passphrase)
	if err != nil {
		return nil, err
	}
	public, err := k.Public().Encode()
	if err != nil {
		return nil, err
	}
	return []newFile{{name + ".key", 0o600, private}, {name + ".pub", 0o666, public}}, nil
}

// writeNewFiles writes all files or none.
func writeNewFiles(files []newFile) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, name := range written {
				os.Remove(name)
			}
		}
	}()
	for _, file := range files {
		f, err := os.OpenFile(file.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.perm)
		if err != nil {
			return err
		}
		written = append(written, file.name)
		_, err = f.Write(file.content)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// parseLifetime reads "90d" or "5y"; years have 365 days.
func parseLifetime(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	const day = 24 * time.Hour
	unit := map[byte]time.Duration{'d': day, 'y': 365 * day}[s[len(s)-1]]
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil || unit == 0 || n < 1 || n > int(200*365*day/unit) {
		return 0, usagef("--expires %q: want days or years, such as 90d or 5y", s)
	}
	return time.Duration(n) * unit, nil
}

// readPublicKey reads a key from a file, or the store's key of that name.
func readPublicKey(name string) (*key.Public, error) {
	content, err := readBounded(name, key.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return storedKey(name, err)
	}
	if err != nil {
		return nil, err
	}
	p, err := key.ParsePublic(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// readPrivateKey reads a key from a file, or the store's key of that name.
func (c *console) readPrivateKey(ctx *cli.Context, name string) (*key.Private, error) {
	ask := func() ([]byte, error) { return c.passphrase(ctx, "passphrase of "+name+": ") }
	content, err := readBounded(name, key.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return storedPrivateKey(name, ask, err)
	}
	if err != nil {
		return nil, err
	}
	k, err := key.ParsePrivate(content, ask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

// aboutFile leaves the system call out of an error about a file.
func aboutFile(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

// patience is how long whoever writes to a pipe may take for all of it.
const patience = time.Minute

// readBounded reads a file, or a pipe as a shell's <(…) makes it, that must not
// be larger than limit bytes. It waits for no pipe that nobody writes to, and
// reads no device.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return nil, aboutFile(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, aboutFile(err)
	}
	if m := info.Mode(); !m.IsRegular() && m&fs.ModeNamedPipe == 0 && !m.IsDir() { // reading says that it is a directory
		return nil, fmt.Errorf("%s: neither a file nor a pipe", name)
	}
	_ = f.SetReadDeadline(time.Now().Add(patience)) // of files, which need none, it fails
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("%s: whoever writes to this pipe has not finished after %v", name, patience)
	}
	if err != nil {
		return nil, aboutFile(err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s: more than %d bytes long", name, limit)
	}
	return content, nil
}

// passphrase reads a passphrase from the file that was named, or asks for it.
func (c *console) passphrase(ctx *cli.Context, prompt string) ([]byte, error) {
	if name := ctx.String("passphrase-file"); name != "" {
		content, err := readBounded(name, 1<<16)
		if err != nil {
			return nil, err
		}
		line, _, _ := strings.Cut(string(content), "\n")
		return []byte(strings.TrimSuffix(line, "\r")), nil
	}
	f, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, errors.New("no passphrase: use --passphrase-file, or a terminal")
	}
	fmt.Fprint(c.err, prompt)
	defer fmt.Fprintln(c.err)
	return term.ReadPassword(int(f.Fd()))
}

// newPassphrase asks twice.
func (c *console) newPassphrase(ctx *cli.Context) ([]byte, error) {
	if ctx.Bool("no-passphrase") {
		return nil, nil
	}
	first, err := c.passphrase(ctx, "new passphrase (empty for none): ")
	if err != nil {
		return nil, fmt.Errorf("%w, or --no-passphrase", err)
	}
	if ctx.String("passphrase-file") != "" {
		if len(first) == 0 {
			return nil, fmt.Errorf("%s: the first line is empty", ctx.String("passphrase-file"))
		}
		return first, nil
	}
	second, err := c.passphrase(ctx, "the same again: ")
	if err != nil {
		return nil, err
	}
	if string(first) != string(second) {
		return nil, errors.New("the two passphrases differ")
	}
	return first, nil
}
