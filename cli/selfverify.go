package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/bundle"
	"repro/internal/stream"
	"repro/publish/release"
	"repro/verify"
)

func selfVerifyCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "self-verify",
		Usage:     "say whether this program is one that a release lists",
		ArgsUsage: "[SHA256SUMS]",
		Description: `Holds the list of a release's files against its signature, SHA256SUMS.sigstore.json
beside it, by a public key that you have from elsewhere; and this program's own file
against the list. Unsaid, the list lies beside the program. An altered program could
say anything: what a program on another machine says of this one's file counts more.

   repro self-verify --key release.pub SHA256SUMS
   repro self-verify --key release.pub --file /usr/bin/repro SHA256SUMS`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "key", Aliases: []string{"k"}, Usage: "the public key in `FILE` must have signed the list"},
			&cli.StringFlag{Name: "file", Usage: "look at `FILE` in place of this program"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.String("key") == "" {
				return usagef("self-verify: name the public key of the releases with --key FILE")
			}
			if ctx.NArg() > 1 {
				return usagef("self-verify: name one list")
			}
			return c.selfVerify(ctx, ctx.Args().First())
		},
	}
}

// ownVerdict is what self-verify says.
type ownVerdict struct {
	Version int    `json:"version"`
	File    string `json:"file"`
	Digest  string `json:"digest"`
	Listed  string `json:"listed"` // its name in the release
	Key     string `json:"key"`    // fingerprint of who signed the list
}

func (c *console) selfVerify(ctx *cli.Context, list string) (err error) {
	file := ctx.String("file")
	if file == "" {
		if file, err = os.Executable(); err != nil {
			return err
		}
	}
	if list == "" {
		list = filepath.Join(filepath.Dir(file), release.SumsName)
		if _, err := os.Stat(list); errors.Is(err, fs.ErrNotExist) {
			return usagef("self-verify: %s is not beside the program: name the list of the release that it is of", list)
		}
	}
	p, err := readPublicKey(ctx.String("key"))
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	sums, err := readSigned(list, func(content, signed []byte) error { return release.VerifyFile(p, content, signed) })
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, _, err := stream.SHA256(ctx.Context, f, nil)
	if err != nil {
		return err
	}
	name, err := release.Find(sums, sum)
	if err != nil {
		return fmt.Errorf("%s: %w: %w %s", file, format.ErrAltered, err, list)
	}
	v := ownVerdict{1, file, fmt.Sprintf("sha256:%x", sum), name, string(p.Fingerprint())}
	if ctx.Bool("json") {
		return c.printJSON(v)
	}
	_, err = fmt.Fprintf(c.out, "%s  is %s, listed and signed by %s\n", v.File, v.Listed, v.Key)
	return err
}

// readSigned reads a list whose signature lies beside it.
func readSigned(list string, check func(content, signed []byte) error) ([]release.Sum, error) {
	content, err := readBounded(list, release.MaxSums)
	if err != nil {
		return nil, err
	}
	signed, err := readBounded(list+release.BundleSuffix, bundle.MaxSize)
	if err != nil {
		return nil, err
	}
	err = check(content, signed)
	switch {
	case errors.Is(err, release.ErrSignature):
		return nil, fmt.Errorf("%s: %w: %w", list, verify.ErrNotSigned, err)
	case errors.Is(err, bundle.ErrMalformed):
		return nil, fmt.Errorf("%s%s: %w: %w", list, release.BundleSuffix, format.ErrMalformed, err)
	case err != nil:
		return nil, err
	}
	sums, err := release.ParseSums(content)
	if err != nil {
		err = fmt.Errorf("%s: %w: %w", list, format.ErrMalformed, err)
	}
	return sums, err
}
