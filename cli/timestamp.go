package cli

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/urfave/cli/v2"

	"repro/internal/form"
	"repro/report/view"
	"repro/sign"
	stamps "repro/sign/timestamp"
	"repro/verify"
	"repro/verify/timestamp"
)

var (
	tsaFlag = &cli.StringSliceFlag{
		Name:  "tsa",
		Usage: "ask the time-stamping authority at `URL`; may be given more than once, all must answer",
	}
	authorityFlag = &cli.StringSliceFlag{
		Name:  "authority",
		Usage: "believe the time-stamping authority whose certificate is in `FILE` (PEM), or all those that the form in it lists; may be given more than once",
	}
)

func timestampCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "timestamp",
		Usage:     "let authorities state when an image was signed",
		ArgsUsage: "IMAGE",
		Description: `Adds a time record to an image: stamps (RFC 3161) of one or several authorities
over all its signatures. A key that expires or is superseded later then goes on
vouching for what it signed before. An authority is sent a hash, and learns
neither what is stamped nor whose it is. The image is replaced as a whole or not
at all; its content id and the earlier signatures stay as they are.

   repro timestamp --tsa https://tsa.example.org/tsr paper.sif
   repro timestamp --tsa URL --tsa URL --authority tsa.pem paper.sif
   repro timestamp --renew --tsa URL paper.sif    # before authorities or SHA-256 end
   repro verify --key alice.pub --authority tsa.pem paper.sif`,
		Flags: []cli.Flag{
			tsaFlag, authorityFlag,
			&cli.BoolFlag{Name: "renew", Usage: "stamp everything anew, earlier stamps and the contents of all objects too, with SHA-512"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "timestamp: name one image")
			if err != nil {
				return err
			}
			if len(ctx.StringSlice("tsa")) == 0 {
				return usagef("timestamp: name a time-stamping authority with --tsa URL")
			}
			return c.timestamp(ctx, name, ctx.Bool("renew"))
		},
	}
}

// timestamp adds a time record by the authorities that the flags name.
func (c *console) timestamp(ctx *cli.Context, name string, renew bool) error {
	authorities, err := stampers(ctx)
	if err != nil {
		return err
	}
	result, err := sign.Timestamp(ctx.Context, name, authorities, renew, sign.Options{Progress: c.progress()})
	if err != nil {
		return err
	}
	c.finishProgress()
	what := plural(result.Signatures, "signature")
	if result.Earlier > 0 {
		what += " and " + plural(result.Earlier, "earlier time record")
	}
	for _, der := range result.Record.Tokens {
		token, err := timestamp.Parse(der)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s  %s stamped %s by %s\n", name, what, token.Time.Format("2006-01-02T15:04:05Z"), view.Clean(token.Claims()))
	}
	return nil
}

// stampers returns the authorities that --tsa names.
func stampers(ctx *cli.Context) ([]sign.Stamper, error) {
	trusted, err := readAuthorities(ctx)
	if err != nil {
		return nil, err
	}
	var all []sign.Stamper
	seen := map[string]bool{}
	for _, text := range ctx.StringSlice("tsa") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
			return nil, usagef("--tsa %q: want the http or https address of a time-stamping authority", text)
		}
		if seen[text] {
			return nil, usagef("--tsa %s: named twice, and would count once", text)
		}
		seen[text] = true
		all = append(all, &stamps.Authority{URL: text, Trusted: trusted})
	}
	return all, nil
}

// readAuthorities reads whose word about times --authority says to believe.
func readAuthorities(ctx *cli.Context) ([]*timestamp.Authority, error) {
	var all []*timestamp.Authority
	for _, name := range ctx.StringSlice("authority") {
		b, err := readBounded(name, form.MaxSize)
		if err != nil {
			return nil, err
		}
		authorities, err := timestamp.ParseAuthorities(name, b)
		if err != nil {
			return nil, err
		}
		for _, a := range authorities {
			if slices.ContainsFunc(all, a.Same) {
				return nil, fmt.Errorf("--authority %s: %s was named before: its key would count as two", name, a.Name)
			}
			all = append(all, a)
		}
	}
	return all, nil
}

// readTimes puts into t what the flags say about trusted time, where its policy
// does not.
func readTimes(ctx *cli.Context, t *verify.Trust) (err error) {
	if t.Times.Authorities, err = readAuthorities(ctx); err != nil {
		return err
	}
	named := len(t.Times.Authorities)
	if p := t.Policy; p != nil && len(p.Time.Authorities) > 0 {
		if named > 0 {
			return usagef("--policy says whose word about times counts: leave out --authority")
		}
		named = len(p.Time.Authorities)
	}
	t.Times.Least = ctx.Int("authorities")
	if !ctx.IsSet("authorities") {
		return nil
	}
	if t.Policy != nil && t.Policy.Time.Least > 0 {
		return usagef("--policy says how many authorities must agree: leave out --authorities")
	}
	if t.Times.Least < 1 || t.Times.Least > named {
		return usagef("--authorities %d: %d named with --authority", t.Times.Least, named)
	}
	return nil
}
