package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/key"
	"repro/report"
	"repro/report/view"
	"repro/run/folder"
	"repro/sign"
)

func attestCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "attest",
		Usage:     "sign a statement about an image: what came out of a run, or what you have to say",
		ArgsUsage: "IMAGE",
		Description: `Says with your key what a run found, whatever that is, and puts it into the image
beside its signatures, which stay as they are; or into a file of its own. The run's
report must be about this image and whole, or nothing is signed.

   repro run paper.sif && repro attest --run paper.run --key bob.key --conflicts none paper.sif
   repro attest --kind review --key bob.key --conflicts none --words-file review.txt paper.sif
   repro attest --kind withdrawal --key alice.key --words 'Table 2 is wrong' paper.sif
   repro attest --run paper.run --key bob.key --conflicts none --detached bob.sigstore.json paper.sif
   repro attest --import bundle.json --key bob.pub paper.sif   # made by cosign over metadata.json

repro verify shows what was attested, and --require asks for it.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "attest what the run in `FOLDER` found"},
			&cli.StringFlag{Name: "kind", Usage: "attest `KIND`: reproduction (with --run), review, endorsement, correction or withdrawal"},
			&cli.StringFlag{Name: "import", Usage: "take the attestation in `FILE`, a sigstore bundle; --key is its signer's public key"},
			&cli.StringFlag{Name: "key", Aliases: []string{"k"}, Usage: "sign with the private key in `FILE`, or of that name in the key store"},
			&cli.StringFlag{Name: "gpg", Usage: "let gpg sign with the key whose full `FINGERPRINT` is given"},
			&cli.StringFlag{Name: "kms", Usage: "let a key management service sign, by the `REFERENCE` name://key"},
			passphraseFlag,
			identityFlag, issuerFlag, trustedRootFlag,
			&cli.StringSliceFlag{Name: "looked", Usage: "with --run: `RESULT=same`, or different: what you saw when you compared, with your own eyes, a result that needs eyes; may be given more than once"},
			&cli.StringFlag{Name: "role", Usage: "say in which `ROLE` you speak", Value: "reviewer"},
			&cli.StringFlag{Name: "operator", Usage: "say your `NAME`, perhaps with an ORCID iD: 'Ada Lovelace <0000-0002-1825-0097>' (default: that of the run)"},
			&cli.StringFlag{Name: "conflicts", Usage: "declare your conflicts of interest in `TEXT`: none, or what they are"},
			&cli.StringFlag{Name: "words", Usage: "say `TEXT`"},
			&cli.StringFlag{Name: "words-file", Usage: "say what is in `FILE`"},
			&cli.StringFlag{Name: "of", Usage: "speak of the statement with this `DIGEST`, as repro verify shows it, and not of the image"},
			&cli.BoolFlag{Name: "alone", Usage: "with --run: leave out the same in in-toto's test-result and simple verification result"},
			&cli.StringFlag{Name: "detached", Usage: "write the attestation to `FILE` and leave the image alone; companions go beside it"},
			&cli.StringFlag{Name: "time", Usage: "`TIME` to state, RFC 3339 (default: now)"},
			&cli.StringFlag{Name: "codecheck", Usage: "with --run: also write codecheck.yml to `FILE`, with your name and words"},
			&cli.StringFlag{Name: "aea", Usage: "with --run: also write the AEA's form to `FILE`"},
			&cli.StringFlag{Name: "acm", Usage: "with --run: also write the evidence for ACM's badges to `FILE`"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "attest: name one image")
			if err != nil {
				return err
			}
			if err := checkAttestFlags(ctx); err != nil {
				return err
			}
			return c.attest(ctx, name)
		},
	}
}

// checkAttestFlags refuses flags that do not go together.
func checkAttestFlags(ctx *cli.Context) error {
	given := func(names ...string) (n int) {
		for _, name := range names {
			if ctx.IsSet(name) {
				n++
			}
		}
		return n
	}
	kind := statement.Kind(ctx.String("kind"))
	switch {
	case given("run", "kind", "import") == 0:
		return usagef("attest: say of what: --run FOLDER, --kind KIND or --import FILE")
	case given("identity") > 0 && given("import") == 0:
		return usagef("attest: --identity says who signed what is taken with --import")
	case given("import") > 0 && given("run", "kind", "words", "words-file", "of", "gpg", "kms", "conflicts", "time") > 0:
		return usagef("attest: --import takes what is signed already: only --key, --identity and --detached go with it")
	case given("run") > 0 && kind != "" && kind != statement.KindReproduction:
		return usagef("attest: --run makes a reproduction; give a %s by itself", kind)
	case kind == statement.KindReproduction && given("run") == 0:
		return usagef("attest: a reproduction needs --run FOLDER")
	case kind != "" && kind != statement.KindReproduction && !kind.IsOpinion():
		return usagef("--kind %q: want reproduction, review, endorsement, correction or withdrawal", kind)
	case given("words", "words-file") > 1:
		return usagef("attest: give one of --words and --words-file")
	case given("import") == 0 && given("key", "gpg", "kms") == 0:
		return usagef("attest: name your private key with --key FILE; repro key new makes one")
	case given("key", "gpg", "kms") > 1:
		return usagef("attest: give one of --key, --gpg and --kms")
	case given("looked") > 0 && given("run") == 0:
		return usagef("attest: --looked says what you saw of a run: it goes with --run")
	case given("codecheck", "aea", "acm") > 0 && given("run") == 0:
		return usagef("attest: --codecheck, --aea and --acm fill in forms about a run: they go with --run")
	case given("of") > 0 && !kind.IsOpinion():
		return usagef("attest: --of goes with --kind correction, withdrawal and the like")
	}
	return nil
}

func (c *console) attest(ctx *cli.Context, name string) error {
	image, err := format.Open(name) // before a passphrase is asked for
	if err != nil {
		return err
	}
	defer image.Close()
	bundles, err := c.attestations(ctx, image)
	if err != nil {
		return err
	}
	options := attest.Options{Progress: c.progress()}
	if file := ctx.String("detached"); file != "" {
		if err := attest.Check(ctx.Context, image, options); err != nil {
			return err
		}
		if err := writeDetached(file, bundles); err != nil {
			return err
		}
	} else {
		added, err := attest.Embed(ctx.Context, name, bundles, options)
		if err != nil {
			return err
		}
		if added == 0 {
			c.note("all of it was in the image before; nothing was changed")
		}
	}
	c.finishProgress()
	if err := writeForms(ctx); err != nil {
		return err
	}
	return c.printAttested(ctx, name, bundles)
}

// writeForms fills in the forms that the flags of ctx ask for, with what the
// attestation says.
func writeForms(ctx *cli.Context) error {
	for flag, write := range map[string]func(io.Writer, *report.Run, view.Said) error{
		"codecheck": view.Codecheck, "aea": view.AEA, "acm": view.ACM,
	} {
		file := ctx.String(flag)
		if file == "" {
			continue
		}
		r, err := readRun(ctx.String("run"))
		if err != nil {
			return err
		}
		text, err := words(ctx)
		if err != nil {
			return err
		}
		said := view.Said{Summary: text, Conflicts: ctx.String("conflicts")}
		if by := operator(ctx.String("operator")); by != nil {
			said.By = []manifest.Author{*by}
		} else if r.By != nil {
			said.By = []manifest.Author{*r.By}
		}
		var out bytes.Buffer
		if err := errors.Join(write(&out, r, said), atomicfile.Write(file, out.Bytes(), 0o666)); err != nil {
			return err
		}
	}
	return nil
}

// attestations makes what the flags of ctx ask for.
func (c *console) attestations(ctx *cli.Context, image *format.Image) ([]attest.Bundle, error) {
	if ctx.IsSet("import") {
		return c.importBundle(ctx, image)
	}
	said, err := c.said(ctx)
	if err != nil {
		return nil, err
	}
	kind := statement.Kind(ctx.String("kind"))
	if !ctx.IsSet("run") {
		o := statement.Opinion{Said: said, Of: manifest.Digest(ctx.String("of"))}
		if _, err := statement.Opine(statement.Image{}, kind, o); err != nil {
			return nil, usagef("attest: --%w", err)
		}
		by, err := c.attester(ctx)
		if err != nil {
			return nil, err
		}
		b, err := attest.Opinion(ctx.Context, image, kind, o, by)
		return []attest.Bundle{b}, err
	}
	if said.Conflicts == "" {
		return nil, usagef("attest: declare your conflicts of interest with --conflicts: none, or what they are")
	}
	seen, err := looked(ctx.StringSlice("looked"))
	if err != nil {
		return nil, err
	}
	r, err := reproduction(ctx.Context, image, ctx.String("run"), said, seen)
	if err != nil {
		return nil, err
	}
	by, err := c.attester(ctx)
	if err != nil {
		return nil, err
	}
	all, err := attest.Reproduction(ctx.Context, image, r, by)
	if ctx.Bool("alone") && len(all) > 1 {
		all = all[:1]
	}
	return all, err
}

// reproduction reads what a run left.
func reproduction(ctx context.Context, image *format.Image, dir string, said statement.Said, seen map[string]statement.Look) (r statement.Reproduction, err error) {
	b, err := readBounded(filepath.Join(dir, "report.json"), manifest.MaxDocument)
	if err != nil {
		return r, err
	}
	rep, err := attest.ReadRun(b)
	if err != nil {
		return r, fmt.Errorf("%s: %w", filepath.Join(dir, "report.json"), err)
	}
	if said.By == nil {
		said.By = rep.By
	}
	var files fs.FS = os.DirFS(filepath.Join(dir, folder.Outputs))
	r, err = attest.FromRun(ctx, image, attest.Run{Report: rep, Bytes: b, Files: files, Looked: seen}, said)
	if errors.Is(err, attest.ErrLooked) {
		return r, usagef("--looked %w", err)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", dir, err)
	}
	return r, err
}

// looked reads what the signer saw of results.
func looked(all []string) (map[string]statement.Look, error) {
	seen := map[string]statement.Look{}
	for _, text := range all {
		at := strings.LastIndex(text, "=")
		if at < 1 || seen[text[:at]] != "" {
			return nil, usagef("--looked %q: want RESULT=same or RESULT=different, once for each", text)
		}
		what := statement.Look(text[at+1:])
		if what != statement.LookedSame && what != statement.LookedDifferent {
			return nil, usagef("--looked %q: want RESULT=same or RESULT=different", text)
		}
		seen[text[:at]] = what
	}
	return seen, nil
}

// said reads what the signer says of himself.
func (c *console) said(ctx *cli.Context) (s statement.Said, err error) {
	at := time.Now()
	if text := ctx.String("time"); text != "" {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return s, usagef("--time %q: want RFC 3339, such as 2026-01-02T15:04:05Z", text)
		}
	}
	text, err := words(ctx)
	if err != nil {
		return s, err
	}
	return statement.Said{
		Role: ctx.String("role"), By: operator(ctx.String("operator")), Conflicts: ctx.String("conflicts"),
		Words: text, Made: at.UTC().Truncate(time.Second).Format(time.RFC3339),
	}, nil
}

// words are what the signer wants to say.
func words(ctx *cli.Context) (string, error) {
	file := ctx.String("words-file")
	if file == "" {
		return strings.TrimSpace(ctx.String("words")), nil
	}
	b, err := readBounded(file, 1<<20)
	return strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n")), err
}

// attester returns who signs.
func (c *console) attester(ctx *cli.Context) (attest.Signer, error) {
	if ctx.IsSet("gpg") {
		f, err := key.ParseFingerprint(ctx.String("gpg"))
		if err != nil {
			return attest.Signer{}, usageError{fmt.Errorf("--gpg: %w", err)}
		}
		p, by, err := sign.GnuPG(ctx.Context, f)
		return attest.ByBlock(p, by), err
	}
	k, err := c.signingKey(ctx)
	if err != nil {
		return attest.Signer{}, err
	}
	at := time.Now()
	if text := ctx.String("time"); text != "" {
		at, _ = time.Parse(time.RFC3339, text) // was read before
	}
	return attest.ByKey(k, at), nil
}

// importBundle reads an attestation that another program made.
func (c *console) importBundle(ctx *cli.Context, image *format.Image) ([]attest.Bundle, error) {
	file := ctx.String("import")
	b, err := readBounded(file, bundle.MaxSize)
	if err != nil {
		return nil, err
	}
	whom, err := readIdentities(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.IsSet("key") {
		p, err := readPublicKey(ctx.String("key"))
		if err != nil {
			return nil, err
		}
		whom.Keys = append(whom.Keys, p)
	}
	taken, err := attest.Import(image, b, whom)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return []attest.Bundle{taken}, nil
}

// writeDetached writes the first attestation to file and the others beside it:
// bob.sigstore.json, bob.test-result.sigstore.json.
func writeDetached(file string, bundles []attest.Bundle) error {
	var errs []error
	for i, b := range bundles {
		name := file
		if i > 0 {
			stem, rest, _ := strings.Cut(filepath.Base(file), ".")
			name = filepath.Join(filepath.Dir(file), strings.Trim(stem+"."+string(b.Kind)+"."+rest, "."))
		}
		errs = append(errs, atomicfile.Write(name, b.Bytes, 0o666))
	}
	return errors.Join(errs...)
}

// attestedJSON is what attest prints of each attestation.
type attestedJSON struct {
	Kind      statement.Kind    `json:"kind"`
	Digest    manifest.Digest   `json:"digest"` // of the statement
	Outcome   statement.Outcome `json:"outcome,omitempty"`
	Statement json.RawMessage   `json:"statement"`
}

func (c *console) printAttested(ctx *cli.Context, name string, bundles []attest.Bundle) error {
	var all []attestedJSON
	for _, b := range bundles {
		parsed, err := bundle.Parse(b.Bytes)
		if err != nil {
			return err
		}
		s, err := statement.Parse(parsed.Envelope.Payload)
		if err != nil {
			return err
		}
		a := attestedJSON{Kind: b.Kind, Digest: manifest.DigestOf(parsed.Envelope.Payload), Statement: parsed.Envelope.Payload}
		if s.Reproduction != nil {
			a.Outcome = s.Reproduction.Outcome
		}
		all = append(all, a)
	}
	if ctx.Bool("json") {
		return c.printJSON(all)
	}
	for _, a := range all {
		what := string(a.Kind)
		if a.Outcome != "" {
			what += ": " + string(a.Outcome)
		}
		fmt.Fprintf(c.out, "%s  %s  statement %s\n", name, what, a.Digest)
	}
	return nil
}
