package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/signature"
	"repro/record"
	"repro/verify"
	"repro/view"
)

var keyFlag = &cli.StringSliceFlag{
	Name: "key", Aliases: []string{"k"},
	Usage: "ask for a signature by the public key in `FILE`; may be given more than once, one of them is enough",
}

func verifyCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "say who vouches for an image, and whether it is what they vouched for",
		ArgsUsage: "IMAGE",
		Description: `Ends with 0 only if every byte of the file is accounted for, every object has the
content that the manifest binds, and one of the keys you name signed all of it.
Without --key it lists who signed and ends with 3: nothing is trusted by itself.

   repro verify --key alice.pub paper.sif
   repro verify --key alice.pub --signature paper.sif.asc paper.sif
   repro verify --key alice.pub paper.sif --json | jq .verdict`,
		Flags: []cli.Flag{
			keyFlag,
			&cli.StringSliceFlag{Name: "signature", Usage: "count the detached signature in `FILE`"},
			&cli.BoolFlag{Name: "classic", Usage: "also recompute the digests that other programs for SIF files check"},
			&cli.BoolFlag{Name: "foreign", Usage: "let a SIF file of another program pass if its signatures cover all objects"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "verify: name one image")
			if err != nil {
				return err
			}
			image, err := format.Open(name)
			if err != nil {
				return err
			}
			defer image.Close()
			report, err := c.verify(ctx, image)
			if report == nil {
				return err
			}
			c.finishProgress()
			if ctx.Bool("json") {
				return errors.Join(c.printJSON(report), err)
			}
			return errors.Join(view.Verify(c.out, report, c.style()), err)
		},
	}
}

// verify verifies image as the flags of ctx ask.
func (c *console) verify(ctx *cli.Context, image *format.Image) (*record.VerifyReport, error) {
	trust, err := readTrust(ctx.StringSlice("key"))
	if err != nil {
		return nil, err
	}
	options := verify.Options{
		Classic: ctx.Bool("classic"), Foreign: ctx.Bool("foreign"), Progress: c.progress(),
	}
	for _, name := range ctx.StringSlice("signature") {
		block, err := readBounded(name, signature.MaxSize)
		if err != nil {
			return nil, err
		}
		options.Detached = append(options.Detached, block)
	}
	return verify.Image(ctx.Context, image, trust, options)
}

// readTrust reads the public keys that the caller names.
func readTrust(names []string) (verify.Trust, error) {
	var t verify.Trust
	for _, name := range names {
		p, err := readPublicKey(name)
		if err != nil {
			return t, fmt.Errorf("--key: %w", err)
		}
		t.Keys = append(t.Keys, p)
	}
	return t, nil
}
