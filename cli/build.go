package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/build"
	"repro/build/oci"
	"repro/format"
	"repro/internal/codec"
	"repro/key"
	"repro/recipe"
	"repro/sign"
)

func buildCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "build an image of an experiment from its recipe",
		ArgsUsage: "[FOLDER]",
		Description: `Reads repro.yaml in the folder (default: this one) and writes one file that holds
environment, code, data, steps and published results. The bytes depend on the
recipe and the contents of what it names, and on nothing else.

   repro build -o paper.sif
   repro build paper/ --recipe paper/short.yaml -o short.sif
   repro build --check -o paper.sif         # twice, and compare
   repro build --draft -o draft.sif         # title and authors still open
   repro build --cache -o paper.sif         # compress only what changed
   repro build --key alice.key -o paper.sif # and sign it

With --cache, a file of up to 1 MiB whose device, inode, size and times of change
are those of the last build is taken to have the same content and is not read.
Kept blocks carry a checksum against damage. The cache is yours alone (mode 0700): whoever
can write there can change what you build. --check builds the second time without
it; leave --cache out to read everything.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the image to `FILE` (default: the folder's name with .sif)"},
			&cli.StringFlag{Name: "recipe", Aliases: []string{"f"}, Usage: "read the recipe from `FILE` (default: repro.yaml in the folder)"},
			&cli.StringFlag{Name: "codec", Usage: "compress layers with `CODEC`: " + strings.Join(codec.Names(), ", ")},
			&cli.IntFlag{Name: "block-size", Usage: "compress in blocks of so many `BYTES`, a power of two from 4096 to 1048576", DefaultText: "524288; with gzip 131072"},
			draftFlag,
			&cli.BoolFlag{Name: "check", Usage: "build twice, on different numbers of processors, and write nothing unless the bytes are the same"},
			&cli.BoolFlag{Name: "no-check", Usage: "do not start the steps of a captured experiment for a moment, to see whether the image has what they need"},
			&cli.BoolFlag{Name: "cache", Usage: "keep compressed blocks for the next build, which compresses only what changed since; the bytes of the image are the same"},
			&cli.StringFlag{Name: "cache-dir", Usage: "keep them in `FOLDER`", DefaultText: "repro/build in the user's cache folder"},
			&cli.StringFlag{Name: "key", Aliases: []string{"k"}, Usage: "sign the image with the private key in `FILE`, or of that name in the key store, as repro sign does"},
			passphraseFlag,
			&cli.StringFlag{Name: "provenance", Usage: "also write an in-toto statement to `FILE`: of which sources the image was built, and how"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			dir, err := oneArgument(ctx, ".", "build: name one folder at most")
			if err != nil {
				return err
			}
			return c.build(ctx, dir)
		},
	}
}

func (c *console) build(ctx *cli.Context, dir string) error {
	collectForBuilding()
	if _, err := codec.Find(ctx.String("codec")); err != nil {
		return usageError{fmt.Errorf("--codec: %w", err)}
	}
	r, text, err := readRecipe(ctx.String("recipe"), dir)
	if err != nil {
		return err
	}
	out, err := imageName(ctx.String("output"), dir)
	if err != nil {
		return err
	}
	date, err := sourceDate()
	if err != nil {
		return err
	}
	signer, err := c.builtBy(ctx, r)
	if err != nil {
		return err
	}
	options := build.Options{
		Recipe: r, RecipeBytes: text, Dir: dir, Date: date,
		Draft: ctx.Bool("draft"),
		Warn:  func(p recipe.Problem) { c.note("warning: %s", asFinding(p).in(r.Name)) },
		Path:  os.Getenv("PATH"), OCI: c.openOCI,
		Codec: ctx.String("codec"), BlockSize: ctx.Int("block-size"), Progress: c.progress(),
	}
	cache := c.openBuildCache(ctx.Bool("cache"), ctx.String("cache-dir"))
	if cache != nil {
		options.Cache = cache
	}
	make := func(out string) error {
		if ctx.Bool("check") {
			return c.buildTwice(ctx.Context, out, options)
		}
		_, err := build.Image(ctx.Context, out, options)
		return err
	}
	if r.Environment.Kind == recipe.Capture && !ctx.Bool("no-check") {
		err = c.buildStarted(ctx.Context, out, make)
	} else {
		err = make(out)
	}
	c.closeBuildCache(cache)
	if err != nil {
		return err
	}
	c.noteStaleSpreads(r, out, dir)
	if file := ctx.String("provenance"); file != "" {
		if err := writeProvenance(out, file); err != nil {
			return err
		}
	}
	if err := c.printBuilt(out, ctx.Bool("json")); err != nil || signer == nil {
		return err
	}
	return c.signBuilt(ctx, out, signer)
}

// builtBy is the key that is to sign what is built; nil if none is named. Its
// passphrase is asked for before the work, not after it.
func (c *console) builtBy(ctx *cli.Context, r *recipe.Recipe) (*key.Private, error) {
	if !ctx.IsSet("key") {
		return nil, nil
	}
	if ctx.Bool("draft") && len(r.Placeholders()) > 0 {
		return nil, usagef("build: an image with placeholders is a draft, which is not signed: leave out --draft or --key")
	}
	return c.readPrivateKey(ctx, ctx.String("key"))
}

// signBuilt signs the image that was just built. If that fails, it stays, unsigned.
func (c *console) signBuilt(ctx *cli.Context, out string, signer *key.Private) error {
	result, err := sign.Image(ctx.Context, out, signer, sign.Options{Progress: c.progress()})
	if err != nil {
		return fmt.Errorf("%s is built, but not signed: %w", out, err)
	}
	if !ctx.Bool("json") {
		fmt.Fprintf(c.out, "%s  signed by %s  content id %s\n", out, result.Fingerprint, result.ContentID)
	}
	return nil
}

// readRecipe reads the recipe of a folder, or the one that was asked for.
func readRecipe(name, dir string) (*recipe.Recipe, []byte, error) {
	if name == "" {
		name = filepath.Join(dir, recipe.FileName)
	}
	text, err := readBounded(name, recipe.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	r, err := recipe.Parse(name, text)
	return r, text, err
}

// printBuilt says what was built.
func (c *console) printBuilt(name string, asJSON bool) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	report, err := inspect(image)
	if err != nil {
		return err
	}
	if asJSON {
		return c.printJSON(report)
	}
	fmt.Fprintf(c.out, "%s  %d bytes  content id %s\n", name, report.Size, report.ContentID)
	return nil
}

// imageName returns where the image goes, and refuses to replace a file that
// is not an image.
func imageName(name, dir string) (string, error) {
	if name == "" {
		full, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		name = filepath.Base(full) + ".sif"
	}
	info, err := os.Stat(name)
	if err != nil {
		return name, nil // missing, or the error comes when it is written
	}
	if info.IsDir() {
		return "", fmt.Errorf("%s: is a folder; -o wants a file", name)
	}
	old, err := format.Open(name)
	if err != nil && info.Size() > 0 {
		return "", fmt.Errorf("%s: exists and is not an image; remove it first if it may go", name)
	}
	if err == nil {
		old.Close()
	}
	return name, nil
}

// sourceDate is the date that SOURCE_DATE_EPOCH gives recipes without one.
func sourceDate() (string, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return "", nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<32-1 {
		return "", fmt.Errorf("SOURCE_DATE_EPOCH=%q: want seconds since 1970", epoch)
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339), nil
}

// openOCI gives package build what package oci opens.
func (c *console) openOCI(ctx context.Context, name, ref string) (*build.Source, error) {
	s, err := oci.Open(ctx, name, oci.Options{Ref: ref, Progress: c.progress()})
	if err != nil {
		return nil, err
	}
	return &build.Source{
		Tree: s.Tree, Arch: s.Arch, Digest: s.Digest, Env: s.Config().Env, Close: s.Close,
	}, nil
}
