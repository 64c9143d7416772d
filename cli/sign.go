package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/internal/atomicfile"
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
   repro sign --key alice.key --detached paper.sif.asc paper.sif`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "key", Aliases: []string{"k"}, Usage: "sign with the private key in `FILE`"},
			passphraseFlag,
			&cli.StringFlag{Name: "detached", Usage: "write the signature to `FILE` and leave the image alone"},
			&cli.StringFlag{Name: "time", Usage: "`TIME` to state in the signature, RFC 3339 (default: now)"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "sign: name one image")
			if err != nil {
				return err
			}
			if ctx.String("key") == "" {
				return usagef("sign: name your private key with --key FILE; repro key new makes one")
			}
			return c.sign(ctx, name)
		},
	}
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
	image, err := format.Open(name) // before a passphrase is asked for
	if err != nil {
		return err
	}
	defer image.Close()
	k, err := c.readPrivateKey(ctx, ctx.String("key"))
	if err != nil {
		return err
	}
	var result *sign.Result
	if detached := ctx.String("detached"); detached != "" {
		if result, err = sign.Detached(ctx.Context, image, k, options); err == nil {
			err = atomicfile.Write(detached, result.Block, 0o666)
		}
	} else {
		result, err = sign.Image(ctx.Context, name, k, options)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  signed by %s  content id %s\n", name, result.Fingerprint, result.ContentID)
	switch {
	case result.Already:
		c.note("this key had signed it before; nothing was changed")
	case result.Beside:
		c.note("programs for SIF files go on checking the first signature and pass this one over; repro verify counts it in full")
	}
	return nil
}
