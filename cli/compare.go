package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/compare"
	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/report"
	"repro/report/view"
)

func compareCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "compare new results with published ones",
		ArgsUsage: "PUBLISHED NEW",
		Description: `Takes two files, or two folders whose files are compared name by name. Numbers are
compared at the digits that the published file prints; a tolerance must be stated.
Ends with 0 if everything came out again, with 5 if not.

   repro compare published/table1.csv out/table1.csv
   repro compare published/ out/ --digits 6
   repro compare old.json new.json --relative 1e-9 --json
   repro compare run.log new.log --mask dates --mask timings --from '^Results' --to '^Timing'
   repro compare published/ out/ --html report.html --junit report.xml`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "kind", Usage: "compare as `KIND`: " + strings.Join(kinds.Names(), ", ") + " (default: by content and name)"},
			&cli.StringFlag{Name: "absolute", Usage: "accept numbers that are at most `X` apart"},
			&cli.StringFlag{Name: "relative", Usage: "accept numbers that are at most `X` times the published one apart"},
			&cli.Int64Flag{Name: "ulp", Usage: "accept numbers that are at most `N` steps of double precision apart", DefaultText: "none"},
			&cli.IntFlag{Name: "digits", Usage: "accept numbers that agree to `N` significant digits", DefaultText: "all that are published"},
			&cli.StringFlag{Name: "norm", Usage: "accept numbers that are at most `X` times the largest published number of their column or array apart"},
			&cli.StringFlag{Name: "numbers", Usage: "published numbers were written `HOW`: exact (in full), rounded or cut (off after the digits that they show)", DefaultText: "read from the numbers beside them"},
			&cli.BoolFlag{Name: "whole", Usage: "the tolerances cover numbers that count or name things, too"},
			&cli.StringSliceFlag{Name: "omit", Usage: "csv: leave out the column `NAME`; may be given more than once"},
			&cli.StringFlag{Name: "blanks", Usage: "text: `free` if how many blanks and empty lines there are carries nothing"},
			&cli.StringSliceFlag{Name: "cell", Usage: "notebooks: compare only the `CELL`: its number from 1, a tag, or a /regular expression/ that its source matches; may be given more than once"},
			&cli.StringFlag{Name: "signs", Usage: "text, tables, arrays: all signs of each of the `VECTORS`, columns or rows, may be reversed"},
			&cli.StringSliceFlag{Name: "column", Usage: "csv: rows are named by the column `NAME`, and their order is free; may be given more than once"},
			&cli.StringFlag{Name: "score", Usage: "pictures: refuse those with a structural similarity below `S`; deprecated, pictures are compared by their ink"},
			&cli.StringSliceFlag{Name: "ignore", Usage: "text: leave out what the regular expression `RE` matches; may be given more than once"},
			&cli.StringSliceFlag{Name: "mask", Usage: "text: leave out what is called `NAME`: " + strings.Join(compare.Masks(), ", ") + "; may be given more than once"},
			&cli.StringSliceFlag{Name: "only", Usage: "text: compare only lines that the regular expression `RE` matches; may be given more than once"},
			&cli.StringFlag{Name: "from", Usage: "text: compare only sections that begin with a line that the regular expression `RE` matches"},
			&cli.StringFlag{Name: "to", Usage: "text: each section ends before the next line that the regular expression `RE` matches", DefaultText: "the end of the file"},
			&cli.StringFlag{Name: "html", Usage: "also write a report with both files side by side to `FILE`"},
			&cli.StringFlag{Name: "junit", Usage: "also write the findings as JUnit XML, for continuous integration, to `FILE`"},
			&cli.BoolFlag{Name: "markdown", Usage: "print a Markdown table, for a pull request"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("compare: name two files or two folders, the published one first")
			}
			return c.compare(ctx, ctx.Args().Get(0), ctx.Args().Get(1))
		},
	}
}

func (c *console) compare(ctx *cli.Context, published, produced string) error {
	collectForComparing()
	rule := manifest.Rule{
		Kind:     ctx.String("kind"),
		Absolute: ctx.String("absolute"),
		Relative: ctx.String("relative"),
		ULP:      ctx.Int64("ulp"),
		Digits:   ctx.Int("digits"),
		Norm:     ctx.String("norm"),
		Numbers:  ctx.String("numbers"),
		Whole:    ctx.Bool("whole"),
		Omit:     ctx.StringSlice("omit"),
		Blanks:   ctx.String("blanks"),
		Cells:    ctx.StringSlice("cell"),
		Signs:    ctx.String("signs"),
		Keys:     ctx.StringSlice("column"),
		Score:    ctx.String("score"),
		Ignore:   ctx.StringSlice("ignore"),
		Masks:    ctx.StringSlice("mask"),
		Only:     ctx.StringSlice("only"),
		From:     ctx.String("from"),
		To:       ctx.String("to"),
	}
	if err := compare.Check(rule); err != nil {
		return usageError{err}
	}
	pictures := map[string][]byte{}
	findings, err := c.findings(ctx.Context, published, produced, rule, pictures)
	if err != nil {
		return err
	}
	c.finishProgress()
	rep := &report.Compare{Version: report.Version, Findings: findings, Counts: report.Count(findings)}
	if err := c.compareFiles(ctx, rep, published, produced, pictures); err != nil {
		return err
	}
	switch {
	case ctx.Bool("json"):
		err = c.printJSON(rep)
	case ctx.Bool("markdown"):
		err = view.MarkdownCompare(c.out, rep)
	default:
		err = view.Compare(c.out, rep, true, c.style())
	}
	if err == nil && rep.Counts.Reproduced < rep.Counts.Results {
		return errDiffers
	}
	return err
}

// compareFiles writes the reports that were asked for as files.
func (c *console) compareFiles(ctx *cli.Context, rep *report.Compare, published, produced string, pictures map[string][]byte) error {
	if name := ctx.String("junit"); name != "" {
		err := writeFile(name, func(w io.Writer) error { return view.JUnit(w, rep.Findings) })
		if err != nil {
			return err
		}
	}
	name := ctx.String("html")
	if name == "" {
		return nil
	}
	shown, files := *rep, view.Files{Published: os.DirFS(published), New: os.DirFS(produced), Pictures: pictures}
	if info, err := os.Stat(published); err == nil && !info.IsDir() {
		files.Published, files.New = os.DirFS(filepath.Dir(published)), os.DirFS(filepath.Dir(produced))
		f := rep.Findings[0]
		f.Published, f.Output = filepath.Base(published), filepath.Base(produced)
		shown.Findings = []report.Finding{f}
	}
	return writeFile(name, func(w io.Writer) error {
		return view.CompareHTML(ctx.Context, w, filepath.Base(published)+" and "+filepath.Base(produced), &shown, files)
	})
}

// writeFile writes a file that appears whole or not at all.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := atomicfile.Create(name, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}

// findings compares two folders or two files.
func (c *console) findings(ctx context.Context, published, produced string, rule manifest.Rule, pictures map[string][]byte) ([]report.Finding, error) {
	var folders int
	for _, name := range []string{published, produced} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			folders++
		}
	}
	switch folders {
	case 1:
		return nil, errors.New("compare: one of the two is a folder and the other is not")
	case 2:
		return compare.Trees(ctx, os.DirFS(published), os.DirFS(produced), rule, compare.Options{
			Progress: c.progress(), Picture: func(result string, png []byte) { pictures[result] = png },
		})
	}
	name := filepath.Base(produced)
	f, err := compare.FilesWith(ctx, compare.Path(published), compare.Path(produced), rule, func(png []byte) { pictures[name] = png })
	if err != nil {
		return nil, err
	}
	f.Result, f.Published, f.Output = name, published, produced
	return []report.Finding{f}, nil
}
