package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repro"
	"repro/archive"
	"repro/archive/rocrate"
	"repro/archive/submission"
	"repro/format"
	"repro/format/signature"
	"repro/key"
	"repro/report/view"
)

func archiveCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "archive",
		Usage:     "write the package for Zenodo, Dataverse or a journal, or verify one",
		ArgsUsage: "IMAGE | verify DEPOSIT",
		Description: `Writes a folder that archives and journals take as it is: a BagIt bag that holds an
RO-Crate, with the signed image, code, data and results as plain files, what is
known of the software, of the build and of runs, and a page that anyone can read.
The bytes depend on the image and the records alone.

   repro archive --key alice.pub paper.sif -o deposit
   repro archive --key alice.pub paper.sif --run paper.run --doi 10.5281/zenodo.123 -o deposit
   repro archive --key alice.pub paper.sif --with-runner --tar -o paper.tar
   repro archive --anonymous paper.sif -o for-reviewers
   repro archive verify --key alice.pub deposit`,
		Flags: append(slices.Clone(signerFlags), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `NAME`, which must not exist"},
			&cli.StringSliceFlag{Name: "signature", Usage: "count the detached signature in `FILE`, and keep it in the deposit"},
			&cli.BoolFlag{Name: "unsigned", Usage: "take an image that nobody signed"},
			&cli.StringSliceFlag{Name: "run", Usage: "keep the record, results and logs that a run left in `FOLDER`; may be given more than once"},
			&cli.StringSliceFlag{Name: "for", Usage: "insist on what `TARGET` demands: " + targetNames()},
			&cli.StringFlag{Name: "doi", Usage: "the `DOI` reserved for the deposit"},
			&cli.StringFlag{Name: "publisher", Usage: "`NAME` of who publishes the deposit, such as Zenodo"},
			&cli.BoolFlag{Name: "anonymous", Usage: "for blind review: leave out all that says whose work it is"},
			&cli.BoolFlag{Name: "link", Usage: "do not copy the image: make its file in the folder a hard link, which in-place changes of either alter"},
			&cli.BoolFlag{Name: "no-image", Usage: "leave the image out"},
			&cli.BoolFlag{Name: "tar", Usage: "write one tar archive of the bag"},
			&cli.BoolFlag{Name: "zip", Usage: "write one zip archive of the crate alone"},
			&cli.BoolFlag{Name: "ocfl", Usage: "write an OCFL object whose content is the bag"},
			&cli.StringFlag{Name: "ro-crate", Value: "1.1", Usage: "`VERSION` of RO-Crate: 1.1 with Workflow Run Crate 0.5, or 1.3 with 0.6"},
			&cli.BoolFlag{Name: "with-runner", Usage: "keep this program and its specification in the deposit, so that no other is needed to run it"},
			&cli.StringSliceFlag{Name: "program", Usage: "also keep the static program in `FILE`, such as repro for another processor; may be given more than once"},
			jsonFlag,
		}...),
		Action: func(ctx *cli.Context) error {
			if ctx.Args().First() == "verify" { // a file of this name is ./verify
				return c.verifyArchive(ctx, ctx.Args().Tail())
			}
			name, err := oneArgument(ctx, "", "archive: name one image")
			if err != nil {
				return err
			}
			return c.archive(ctx, name)
		},
	}
}

func targetNames() string {
	var names []string
	for _, t := range submission.Targets {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func (c *console) archive(ctx *cli.Context, name string) error {
	o, err := c.archiveOptions(ctx)
	if err != nil {
		return err
	}
	collectForArchiving()
	o.Progress = c.progress()
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	out := ctx.String("output")
	if out == "" {
		return usagef("archive: name where to write with -o")
	}
	report, err := archive.Write(ctx.Context, image, out, o)
	if err != nil {
		return err
	}
	c.finishProgress()
	for _, n := range report.Notes {
		c.note("note: %s", n)
	}
	if ctx.Bool("json") {
		return c.printJSON(report)
	}
	_, err = fmt.Fprintf(c.out, "%s  %d files, %d bytes  content id %s\n", out, report.Files, report.Bytes, report.Verify.ContentID)
	return err
}

// archiveOptions reads the flags and the files that they name.
func (c *console) archiveOptions(ctx *cli.Context) (archive.Options, error) {
	o := archive.Options{
		Unsigned: ctx.Bool("unsigned"), Runs: ctx.StringSlice("run"), DOI: strings.TrimPrefix(ctx.String("doi"), "https://doi.org/"),
		Publisher: ctx.String("publisher"), Anonymous: ctx.Bool("anonymous"), NoImage: ctx.Bool("no-image"), Link: ctx.Bool("link"),
		Profile: rocrate.Profile(ctx.String("ro-crate")),
	}
	if o.Profile != rocrate.RunCrate05 && o.Profile != rocrate.RunCrate06 {
		return o, usagef("--ro-crate %q: want %s or %s", o.Profile, rocrate.RunCrate05, rocrate.RunCrate06)
	}
	forms := 0
	for _, f := range []archive.Form{archive.Tar, archive.Zip, archive.OCFL} {
		if ctx.Bool(string(f)) {
			o.Form, forms = f, forms+1
		}
	}
	if forms > 1 {
		return o, usagef("archive: --tar, --zip and --ocfl: choose one")
	}
	for _, t := range ctx.StringSlice("for") {
		if !slices.Contains(submission.Targets, submission.Target(t)) {
			return o, usagef("--for %q: want one of %s", t, targetNames())
		}
		o.Targets = append(o.Targets, submission.Target(t))
	}
	var err error
	if o.Trust, err = c.trust(ctx); err != nil {
		return o, err
	}
	if o.Keys, err = archivedKeys(ctx.StringSlice("key"), o.Trust.Keys); err != nil {
		return o, err
	}
	if o.Signatures, err = readFiles(ctx.StringSlice("signature"), signature.MaxSize); err != nil {
		return o, err
	}
	o.Runner, err = archivedPrograms(ctx)
	if ctx.Bool("with-runner") {
		o.Spec = repro.Spec
	}
	return o, err
}

// archivedPrograms are the programs for the deposit: this one if asked for, and
// those that are named.
func archivedPrograms(ctx *cli.Context) ([]archive.File, error) {
	const maxProgram = 256 << 20
	files, err := readFiles(ctx.StringSlice("program"), maxProgram)
	if err != nil || !ctx.Bool("with-runner") {
		return files, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b, err := readBounded(self, maxProgram)
	return append([]archive.File{{Name: "repro", Content: b}}, files...), err
}

// archivedKeys are the public keys for the deposit, called as the caller called
// those that come first, and by their fingerprints.
func archivedKeys(names []string, keys []*key.Public) ([]archive.File, error) {
	var files []archive.File
	for i, k := range keys {
		content, err := k.Encode()
		if err != nil {
			return nil, err
		}
		name := string(k.Fingerprint())
		if i < len(names) {
			name = strings.TrimSuffix(filepath.Base(names[i]), ".pub")
		}
		files = append(files, archive.File{Name: strings.NewReplacer(":", "-", "/", "-").Replace(name) + ".pub", Content: content})
	}
	return files, nil
}

func readFiles(names []string, limit int64) ([]archive.File, error) {
	var files []archive.File
	for _, name := range names {
		b, err := readBounded(name, limit)
		if err != nil {
			return nil, err
		}
		files = append(files, archive.File{Name: filepath.Base(name), Content: b})
	}
	return files, nil
}

// verifyArchive checks a deposit and prints the report.
func (c *console) verifyArchive(ctx *cli.Context, names []string) error {
	if len(names) != 1 {
		return usagef("archive verify: name one deposit")
	}
	trust, err := c.trust(ctx)
	if err != nil {
		return err
	}
	report, err := archive.Verify(ctx.Context, names[0], archive.VerifyOptions{
		Trust: trust, Unsigned: ctx.Bool("unsigned"), Progress: c.progress(),
	})
	if report == nil {
		return err
	}
	c.finishProgress()
	if ctx.Bool("json") {
		return errors.Join(c.printJSON(report), err)
	}
	return errors.Join(printDeposit(c, report), err)
}

// printDeposit prints what was found about a deposit: one line for what is
// well, one for each thing that is not.
func printDeposit(c *console, r *archive.VerifyReport) error {
	fmt.Fprintf(c.out, "%s  %s  %d of %d files intact\n", view.Clean(r.Deposit), r.Verdict, r.Intact, r.Files)
	for _, list := range []struct {
		what  string
		names []string
	}{{"missing", r.Missing}, {"extra", r.Extra}, {"changed", r.Changed}, {"to be fetched", r.Fetch}, {"problem", r.Problems}} {
		for _, name := range list.names {
			fmt.Fprintf(c.out, "  %s  %s\n", list.what, view.Clean(name))
		}
	}
	if r.Image != nil {
		return view.Verify(c.out, r.Image, c.style())
	}
	return nil
}
