package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/format/signature"
	"repro/sign"
	"repro/verify/bundle"
)

var (
	identityFlag = &cli.StringSliceFlag{
		Name:  "identity",
		Usage: "believe `WHOM`, exactly as the certificate names him, to sign without a key file; goes with --issuer and --trusted-root",
	}
	issuerFlag = &cli.StringFlag{
		Name:  "issuer",
		Usage: "the `ADDRESS` of the provider with whom he signed in",
	}
	trustedRootFlag = &cli.StringFlag{
		Name:  "trusted-root",
		Usage: "the trusted root in `FILE` says who certifies, logs and states times",
	}
)

// keylessFlags say how repro-keyless signs.
var keylessFlags = []cli.Flag{
	&cli.BoolFlag{Name: "keyless", Usage: "sign by who you are, without a key file: repro-keyless signs in with a provider; the identity becomes public for ever"},
	&cli.StringFlag{Name: "identity-token", Usage: "with --keyless: the token of the provider is in `FILE` (default: sign in with a browser)"},
	&cli.StringFlag{Name: "oidc-issuer", Usage: "with --keyless: sign in at `ADDRESS` (default: that of --issuer)"},
	&cli.StringFlag{Name: "fulcio", Usage: "with --keyless: the authority at `URL` certifies"},
	&cli.StringFlag{Name: "rekor", Usage: "with --keyless: the log at `URL` publishes"},
}

// readIdentities reads who may sign without a key file.
func readIdentities(ctx *cli.Context) (t bundle.Trust, err error) {
	whom, issuer, name := ctx.StringSlice("identity"), ctx.String("issuer"), ctx.String("trusted-root")
	if len(whom) == 0 && issuer == "" && name == "" {
		return t, nil
	}
	if len(whom) == 0 || issuer == "" || name == "" {
		return t, usagef("--identity, --issuer and --trusted-root go together: whom, by which provider, and who vouches for it")
	}
	for _, w := range whom {
		t.Identities = append(t.Identities, bundle.Identity{Issuer: issuer, Subject: w})
	}
	b, err := readBounded(name, bundle.MaxRoot)
	if err != nil {
		return t, err
	}
	if t.Root, err = bundle.ParseRoot(b); err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// signKeyless signs by an identity, or embeds the bundle that another program
// made of metadata.json.
func (c *console) signKeyless(ctx *cli.Context, name string, o sign.Options) (*sign.Result, error) {
	t, err := readIdentities(ctx)
	if err != nil {
		return nil, err
	}
	if t.Root == nil {
		return nil, usagef("sign: name who you are with --identity, --issuer and --trusted-root")
	}
	if file := ctx.String("embed"); file != "" {
		b, err := readBounded(file, signature.MaxSize)
		if err != nil {
			return nil, err
		}
		made := func(context.Context, []byte) ([]byte, error) { return b, nil }
		result, err := sign.Identified(ctx.Context, name, made, t, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return result, nil
	}
	c.note("who you are is written into a certificate, which logs publish: everybody can read it, for ever")
	args := []string{"--oidc-issuer", ctx.String("issuer")}
	for _, flag := range []string{"oidc-issuer", "identity-token", "fulcio", "rekor"} {
		if v := ctx.String(flag); v != "" {
			args = append(args, "--"+flag, v)
		}
	}
	for _, v := range ctx.StringSlice("tsa") {
		args = append(args, "--tsa", v)
	}
	return sign.Identified(ctx.Context, name, sign.Keyless(args...), t, o)
}
