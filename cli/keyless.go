package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/format/signature"
	"repro/key"
	"repro/sign"
	"repro/verify"
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
	&cli.StringFlag{Name: "oidc-client", Usage: "with --keyless: `NAME` by which the provider knows this program (default: sigstore)"},
	&cli.StringFlag{Name: "rekor", Usage: "with --keyless: the log at `URL` publishes"},
	&cli.StringFlag{Name: "rekor-version", Usage: "with --rekor: `VERSION` of the log, 1 or 2 (default: 1)"},
	&cli.BoolFlag{Name: "anonymous", Usage: "for blind review: refuse to sign in a way that makes known who signs"},
}

// readIdentities reads who may sign without a key file, where a command takes
// nobody else's word.
func readIdentities(ctx *cli.Context) (t bundle.Trust, err error) {
	whom, issuer, name := ctx.StringSlice("identity"), ctx.String("issuer"), ctx.String("trusted-root")
	if len(whom) == 0 && issuer == "" && name == "" {
		return t, nil
	}
	if len(whom) == 0 || issuer == "" || name == "" {
		return t, usagef("--identity, --issuer and --trusted-root go together: whom, by which provider, and who vouches for it")
	}
	t.Identities = identities(ctx)
	t.Root, err = readRoot(name)
	return t, err
}

// identities are whom --identity names.
func identities(ctx *cli.Context) (all []bundle.Identity) {
	for _, w := range ctx.StringSlice("identity") {
		all = append(all, bundle.Identity{Issuer: ctx.String("issuer"), Subject: w})
	}
	return all
}

func readRoot(name string) (*bundle.Root, error) {
	b, err := readBounded(name, bundle.MaxRoot)
	if err != nil {
		return nil, err
	}
	root, err := bundle.ParseRoot(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return root, nil
}

// trustIdentities adds to t who may sign without a key file: whom --identity
// names, besides those of the trust file that are there, or of the policy.
func (c *console) trustIdentities(ctx *cli.Context, t *verify.Trust) error {
	if t.Policy == nil && len(t.Identities) == 0 && len(ctx.StringSlice("require")) == 0 {
		who, err := readIdentities(ctx)
		t.Identities, t.Root = who.Identities, who.Root
		return err
	}
	name := ctx.String("trusted-root")
	switch named, issuer := len(ctx.StringSlice("identity")) > 0, ctx.String("issuer") != ""; {
	case t.Policy != nil && (named || issuer):
		return usagef("--policy says whom to trust: leave out --identity and --issuer")
	case t.Policy != nil && t.Policy.Root != nil && name != "":
		return usagef("--policy says who vouches for identities: leave out --trusted-root")
	case named != issuer || named && name == "":
		return usagef("--identity, --issuer and --trusted-root go together: whom, by which provider, and who vouches for it")
	case name == "" && len(t.Identities) > 0:
		return usagef("--by: %s signs without a key file: name with --trusted-root who vouches for that", t.Identities[0])
	case name == "":
		if t.Policy != nil && t.Policy.Root == nil && len(t.Policy.Identities()) > 0 {
			c.note("the policy names identities, and not who vouches for them: without --trusted-root what they signed does not count")
		}
		return nil
	}
	for _, i := range identities(ctx) {
		t.AddIdentity(i, key.Window{})
	}
	var err error
	t.Root, err = readRoot(name)
	return err
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
	issuer := ctx.String("oidc-issuer")
	if issuer == "" {
		issuer = ctx.String("issuer")
	}
	args := []string{"--oidc-issuer", issuer}
	for _, flag := range []string{"oidc-client", "identity-token", "fulcio", "rekor", "rekor-version"} {
		if v := ctx.String(flag); v != "" {
			args = append(args, "--"+flag, v)
		}
	}
	for _, v := range ctx.StringSlice("tsa") {
		args = append(args, "--tsa", v)
	}
	return sign.Identified(ctx.Context, name, sign.Keyless(args...), t, o)
}
