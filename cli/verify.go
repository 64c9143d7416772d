package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/signature"
	"repro/internal/atomicfile"
	"repro/internal/form"
	"repro/key"
	"repro/key/store"
	"repro/report"
	"repro/report/view"
	"repro/verify"
	"repro/verify/policy"
)

var (
	keyFlag = &cli.StringSliceFlag{
		Name: "key", Aliases: []string{"k"},
		Usage: "ask for a signature by the public key in `FILE`, or of that name in the key store; may be given more than once, one of them is enough",
	}
	policyFlag = &cli.StringFlag{
		Name:  "policy",
		Usage: "ask for all that the policy in `FILE` asks (form: repro schema policy)",
	}
	authoritiesFlag = &cli.IntFlag{
		Name: "authorities", Usage: "believe a time only if `N` different authorities agree", Value: 1,
	}
	byFlag = &cli.StringSliceFlag{
		Name:  "by",
		Usage: "ask for a signature by `WHOM`, a person or a role that your trust file knows (repro key trust)",
	}
)

// signerFlags say whose signature counts, and by whose word about identities and
// times: the same wherever an image is verified.
var signerFlags = []cli.Flag{
	keyFlag, byFlag, policyFlag, requireFlag, authorityFlag, authoritiesFlag, identityFlag, issuerFlag, trustedRootFlag,
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
   repro verify --by author paper.sif       # whom your trust file calls author
   repro verify --policy journal.yaml paper.sif
   repro verify --key alice.pub --authority tsa.pem paper.sif   # when, by whose clock
   repro verify --by author --require 'reproduced by 2 reviewers' paper.sif
   repro verify --key alice.pub --signature paper.sif.asc paper.sif
   repro verify --key alice.pub oci://registry.example.org/lab/paper:1
   repro verify --key alice.pub doi:10.5281/zenodo.123
   repro verify --key alice.pub paper.sif --json | jq .verdict`,
		Flags: append(slices.Clone(signerFlags),
			&cli.StringSliceFlag{Name: "signature", Usage: "count the detached signature or attestation in `FILE`"},
			&cli.BoolFlag{Name: "classic", Usage: "also recompute the digests that other programs for SIF files check"},
			&cli.BoolFlag{Name: "foreign", Usage: "let a SIF file of another program pass if its signatures cover all objects"},
			&cli.StringFlag{Name: "html", Usage: "also write the report to `FILE`, as one page"},
			plainHTTPFlag, dataciteFlag, jsonFlag,
		),
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "verify: name one image")
			if err != nil {
				return err
			}
			image, err := c.open(ctx, name, true)
			if err != nil {
				return err
			}
			defer image.Close()
			rep, err := c.verify(ctx, image.Image, image.beside()...)
			err = adoptable(image.Image, image.explain(err))
			if rep == nil {
				return err
			}
			c.finishProgress()
			c.noteUncounted(rep)
			if file := ctx.String("html"); file != "" {
				var page bytes.Buffer
				err = errors.Join(err, view.VerifyHTML(&page, rep), atomicfile.Write(file, page.Bytes(), 0o666))
			}
			if ctx.Bool("json") {
				return errors.Join(c.printJSON(rep), err)
			}
			return errors.Join(view.Verify(c.out, rep, c.style()), err)
		},
	}
}

// verify verifies image as the flags of ctx ask. Signatures that are known to be
// kept outside of it count like those that the flags name.
func (c *console) verify(ctx *cli.Context, image *format.Image, detached ...[]byte) (*report.Verify, error) {
	trust, err := c.trust(ctx)
	if err != nil {
		return nil, err
	}
	options := verify.Options{
		Classic: ctx.Bool("classic"), Foreign: ctx.Bool("foreign"), Progress: c.progress(),
		Detached: detached,
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

// noteUncounted tells of signatures and attestations in files of their own that
// count for nothing: whoever named the file thinks that they do.
func (c *console) noteUncounted(rep *report.Verify) {
	for _, s := range rep.Signatures {
		if s.ObjectID == 0 && !s.Trusted {
			c.note("a signature outside the image counts for nothing: %s", view.Clean(strings.TrimSuffix(s.Status+": "+s.Problem, ": ")))
		}
	}
	for _, a := range rep.Attestations {
		if a.ObjectID == 0 && !a.Trusted {
			c.note("an attestation outside the image counts for nothing: %s", view.Clean(strings.TrimSuffix(a.Status+": "+a.Problem, ": ")))
		}
	}
	for _, t := range rep.Times {
		if t.ObjectID == 0 && t.Status != report.TimeCounts {
			c.note("a time record outside the image counts for nothing: %s", view.Clean(strings.TrimSuffix(t.Status+": "+t.Problem, ": ")))
		}
	}
}

// asksForSigners reports whether the flags of ctx name anybody.
func asksForSigners(ctx *cli.Context) bool {
	return len(ctx.StringSlice("key"))+len(ctx.StringSlice("by"))+len(ctx.StringSlice("identity"))+len(ctx.StringSlice("require")) > 0 || ctx.String("policy") != ""
}

// trust reads whom the flags of ctx name, and whose word about identities and
// times counts.
func (c *console) trust(ctx *cli.Context) (verify.Trust, error) {
	t, err := c.trustKeys(ctx)
	if err == nil {
		err = readTimes(ctx, &t)
	}
	if err == nil {
		err = c.trustIdentities(ctx, &t)
	}
	if err == nil {
		err = c.require(ctx, &t)
	}
	return t, err
}

func (c *console) trustKeys(ctx *cli.Context) (verify.Trust, error) {
	keys, whom := ctx.StringSlice("key"), ctx.StringSlice("by")
	if name := ctx.String("policy"); name != "" {
		if len(keys)+len(whom) > 0 {
			return verify.Trust{}, usagef("--policy says whom to trust: leave out --key and --by")
		}
		return c.readPolicy(ctx.Context, name)
	}
	t, err := readTrust(keys)
	if err != nil {
		return t, err
	}
	return t, trustBy(&t, whom)
}

// readPolicy reads a policy, and those of its keys that it does not hold from
// the key store.
func (c *console) readPolicy(ctx context.Context, name string) (t verify.Trust, err error) {
	content, err := readBounded(name, form.MaxSize)
	if err != nil {
		return t, err
	}
	if t.Policy, err = policy.Parse(name, content); err != nil {
		return t, err
	}
	s, err := openStore()
	if err != nil {
		return t, err
	}
	err = s.RememberPolicy(ctx, t.Policy.Name, t.Policy.Serial, t.Policy.Digest)
	switch {
	case errors.Is(err, store.ErrOlder):
		return t, fmt.Errorf("%s: %w: %w", name, err, verify.ErrNotSigned)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		c.note("%s: the key store cannot be written to: that this edition was met is not remembered", name)
	case err != nil:
		return t, err
	}
	return t, t.Policy.Resolve(func(f key.Fingerprint) (*key.Public, error) {
		e, err := s.Find(string(f))
		if errors.Is(err, store.ErrNotFound) {
			c.note("%s: the public key %s is neither in the policy nor in the key store", name, f)
			return nil, nil
		}
		return e.Public, err
	})
}

// readTrust reads the public keys that the caller names.
func readTrust(names []string) (verify.Trust, error) {
	var t verify.Trust
	for _, name := range names {
		p, err := readPublicKey(name)
		if err != nil {
			return t, fmt.Errorf("--key: %w", err)
		}
		t.Add(p, "", key.Window{})
	}
	return t, nil
}
