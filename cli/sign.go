package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/signature"
	"repro/internal/atomicfile"
	"repro/key"
	"repro/report/view"
	"repro/sign"
)

func signCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "sign",
		Usage:     "sign an image",
		ArgsUsage: "IMAGE",
		Description: `Reads every object, and signs nothing whose content differs from what the manifest
states. The image is replaced as a whole or not at all. Signers may follow one
another: the content id, which names what was signed, stays the same.

   repro sign --key alice.key paper.sif
   repro sign --key alice.key --detached paper.sif.asc paper.sif
   repro sign --key alice.key --tsa URL paper.sif    # and let an authority state when
   repro sign --gpg FINGERPRINT paper.sif            # gpg and its agent sign
   repro sign --kms NAME://KEY paper.sif             # sigstore-kms-NAME signs
   repro sign --file --key release.key SHA256SUMS    # any file, as cosign does
   repro sign --embed paper.sif.asc --key alice.pub paper.sif
   repro sign --adopt --key alice.pub paper.sif      # after: apptainer sign paper.sif`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "key", Aliases: []string{"k"}, Usage: "sign with the private key in `FILE`, or of that name in the key store; with --embed or --adopt, the signer's public key"},
			&cli.StringFlag{Name: "gpg", Usage: "let gpg sign with the key whose full `FINGERPRINT` is given; its secret key is not read"},
			&cli.StringFlag{Name: "kms", Usage: "let a key management service sign, by the `REFERENCE` name://key and the program sigstore-kms-name"},
			passphraseFlag,
			&cli.StringFlag{Name: "detached", Usage: "write the signature to `FILE` and leave the image alone"},
			&cli.BoolFlag{Name: "file", Usage: "sign a file that is no image: write the signature beside it, with .sigstore.json as cosign sign-blob does, and bare with .sig"},
			&cli.StringFlag{Name: "embed", Usage: "put the detached signature in `FILE` into the image"},
			&cli.BoolFlag{Name: "adopt", Usage: "take over the signature that another program for SIF files put into the image"},
			tsaFlag, authorityFlag,
			&cli.StringFlag{Name: "time", Usage: "`TIME` to state in the signature, RFC 3339 (default: now)"},
			identityFlag, issuerFlag, trustedRootFlag,
		}, keylessFlags...),
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "sign: name one image")
			if err != nil {
				return err
			}
			if ctx.Bool("file") {
				return c.signFile(ctx, name)
			}
			if err := checkSignFlags(ctx); err != nil {
				return err
			}
			return c.sign(ctx, name)
		},
	}
}

// checkSignFlags refuses flags that do not go together.
func checkSignFlags(ctx *cli.Context) error {
	given := func(names ...string) (n int) {
		for _, name := range names {
			if ctx.IsSet(name) {
				n++
			}
		}
		return n
	}
	switch v := ctx.String("rekor-version"); {
	case given("keyless", "identity") > 0 && ctx.Bool("anonymous"):
		return usagef("sign: --anonymous: a certificate names who signs, and logs publish it for ever: sign with a key of no name (repro key new --type ecdsa)")
	case v != "" && v != "1" && v != "2":
		return usagef("sign: --rekor-version %q: want 1 or 2", v)
	case given("keyless", "identity") > 0 && given("key", "gpg", "kms", "detached", "adopt", "time") > 0:
		return usagef("sign: --keyless and --identity go without --key, --gpg, --kms, --detached, --adopt and --time")
	case given("keyless") == 1 && given("embed") == 1, given("identity") == 1 && given("keyless", "embed") == 0:
		return usagef("sign: --identity goes with one of --keyless and --embed")
	case given("keyless", "identity") > 0:
		return nil
	case given("key", "gpg", "kms") == 0:
		return usagef("sign: name your private key with --key FILE; repro key new makes one")
	case given("key", "gpg", "kms") > 1:
		return usagef("sign: give one of --key, --gpg and --kms")
	case given("embed", "adopt", "detached") > 1:
		return usagef("sign: give one of --detached, --embed and --adopt")
	case given("embed", "adopt") == 1 && given("key") == 0:
		return usagef("sign: name the public key of the signer with --key FILE")
	case given("tsa") == 1 && given("detached") == 1:
		return usagef("sign: --tsa goes into the image: leave out --detached")
	case given("authority") == 1 && given("tsa") == 0:
		return usagef("sign: --authority goes with --tsa")
	case given("time") == 1 && given("gpg", "kms", "embed", "adopt") > 0:
		return usagef("sign: --time goes with --key only")
	}
	return nil
}

func (c *console) sign(ctx *cli.Context, name string) error {
	options := sign.Options{Progress: c.progress()}
	if text := ctx.String("time"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return usagef("--time %q: want RFC 3339, such as 2026-01-02T15:04:05Z", text)
		}
		options.Time = t
	}
	if _, err := stampers(ctx); err != nil { // before anything is signed
		return err
	}
	image, err := format.Open(name) // before a passphrase is asked for
	if err != nil {
		return err
	}
	defer image.Close()
	result, err := c.signed(ctx, name, image, options)
	if err != nil && !ctx.Bool("adopt") {
		err = adoptable(image, err)
	}
	if err != nil {
		return err
	}
	if detached := ctx.String("detached"); detached != "" {
		if err := atomicfile.Write(detached, result.Block, 0o666); err != nil {
			return err
		}
	}
	by := string(result.Fingerprint)
	if result.Identity.Subject != "" {
		by = view.Clean(result.Identity.String())
	}
	fmt.Fprintf(c.out, "%s  signed by %s  content id %s\n", name, by, result.ContentID)
	switch {
	case result.Already:
		c.note("this key had signed it before; nothing was changed")
	case result.Beside:
		c.note("programs for SIF files go on checking the first signature and pass this one over; repro verify counts it in full")
	}
	if !ctx.IsSet("tsa") || ctx.Bool("keyless") { // a bundle has its own times
		return nil
	}
	if err := c.timestamp(ctx, name, false); err != nil {
		return fmt.Errorf("signed, but without a time (repro timestamp adds one later): %w", err)
	}
	return nil
}

// signed signs as the flags of ctx ask.
func (c *console) signed(ctx *cli.Context, name string, image *format.Image, o sign.Options) (*sign.Result, error) {
	detached := ctx.IsSet("detached")
	switch {
	case ctx.Bool("keyless"), ctx.IsSet("identity"):
		return c.signKeyless(ctx, name, o)
	case ctx.IsSet("embed"), ctx.Bool("adopt"):
		return embedded(ctx, name, o)
	case ctx.IsSet("gpg"):
		f, err := key.ParseFingerprint(ctx.String("gpg"))
		if err != nil {
			return nil, usageError{fmt.Errorf("--gpg: %w", err)}
		}
		p, by, err := sign.GnuPG(ctx.Context, f)
		if err != nil {
			return nil, err
		}
		if detached {
			return sign.DetachedBy(ctx.Context, image, p, by, o)
		}
		return sign.By(ctx.Context, name, p, by, o)
	}
	k, err := c.signingKey(ctx)
	if err != nil {
		return nil, err
	}
	if detached {
		return sign.Detached(ctx.Context, image, k, o)
	}
	return sign.Image(ctx.Context, name, k, o)
}

func (c *console) signingKey(ctx *cli.Context) (*key.Private, error) {
	if ctx.IsSet("kms") {
		return key.KMS(ctx.Context, ctx.String("kms"))
	}
	return c.readPrivateKey(ctx, ctx.String("key"))
}

// embedded takes over a signature that was made elsewhere.
func embedded(ctx *cli.Context, name string, o sign.Options) (*sign.Result, error) {
	p, err := readPublicKey(ctx.String("key"))
	if err != nil {
		return nil, err
	}
	if ctx.Bool("adopt") {
		return sign.Adopt(ctx.Context, name, p, o)
	}
	block, err := readBounded(ctx.String("embed"), signature.MaxSize)
	if err != nil {
		return nil, err
	}
	result, err := sign.Embed(ctx.Context, name, block, p, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ctx.String("embed"), err)
	}
	return result, nil
}

// adoptableError is about an image that another program seems to have written
// to.
type adoptableError struct {
	error
	image string
}

func (e adoptableError) Unwrap() error { return e.error }

// adoptable returns err, marked if it says that the image is malformed and
// another program for SIF files has written to it: such programs set the time
// of the change in the header.
func adoptable(image *format.Image, err error) error {
	if h := image.Header(); h.Modified == h.Created || !errors.Is(err, format.ErrMalformed) {
		return err
	}
	if _, manifestErr := image.Manifest(); errors.Is(manifestErr, format.ErrForeign) {
		return err
	}
	return adoptableError{err, image.Name()}
}
