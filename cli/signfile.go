package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/internal/atomicfile"
	"repro/key"
	"repro/publish/release"
)

// maxSignedFile bounds what is signed that is no image.
const maxSignedFile = 64 << 20

// signFile signs a file that is no image, as cosign sign-blob does: the signature is
// in a bundle beside it, and once more bare.
func (c *console) signFile(ctx *cli.Context, name string) error {
	for _, flag := range []string{"gpg", "kms", "detached", "embed", "adopt", "tsa", "authority", "time", "identity", "keyless"} {
		if ctx.IsSet(flag) {
			return usagef("sign: --file goes with --key only, not with --%s", flag)
		}
	}
	if ctx.String("key") == "" {
		return usagef("sign: name your private key with --key FILE; repro key new makes one")
	}
	content, err := readBounded(name, maxSignedFile)
	if err != nil {
		return err
	}
	k, err := c.readPrivateKey(ctx, ctx.String("key"))
	if err != nil {
		return err
	}
	signed, bare, err := release.SignFile(k, content)
	if errors.Is(err, key.ErrUnsupported) {
		return usageError{fmt.Errorf("%w: cosign and openssl read PEM keys: repro key new --type ecdsa NAME makes one", err)}
	}
	if err != nil {
		return err
	}
	err = errors.Join(
		atomicfile.Write(name+release.BundleSuffix, append(signed, '\n'), 0o666),
		atomicfile.Write(name+release.BareSuffix, bare, 0o666),
	)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s  signed by %s\n", name+release.BundleSuffix, k.Fingerprint())
	return err
}
