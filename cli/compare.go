package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/compare"
	"repro/record"
	"repro/view"
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
   repro compare old.json new.json --relative 1e-9 --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "kind", Usage: "compare as `KIND`: exact, text, csv, json or png (default: by content and name)"},
			&cli.StringFlag{Name: "absolute", Usage: "accept numbers that are at most `X` apart"},
			&cli.StringFlag{Name: "relative", Usage: "accept numbers that are at most `X` times the published one apart"},
			&cli.Int64Flag{Name: "ulp", Usage: "accept numbers that are at most `N` steps of double precision apart", DefaultText: "none"},
			&cli.IntFlag{Name: "digits", Usage: "accept numbers that agree to `N` significant digits", DefaultText: "all that are published"},
			&cli.StringSliceFlag{Name: "column", Usage: "csv: rows are named by the column `NAME`, and their order is free; may be given more than once"},
			&cli.StringFlag{Name: "score", Usage: "png: accept pictures with a structural similarity of at least `S`, from 0 to 1"},
			&cli.StringSliceFlag{Name: "ignore", Usage: "text: leave out what the regular expression `RE` matches; may be given more than once"},
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
	rule := record.Rule{
		Kind:     ctx.String("kind"),
		Absolute: ctx.String("absolute"),
		Relative: ctx.String("relative"),
		ULP:      ctx.Int64("ulp"),
		Digits:   ctx.Int("digits"),
		Keys:     ctx.StringSlice("column"),
		Score:    ctx.String("score"),
		Ignore:   ctx.StringSlice("ignore"),
	}
	if err := compare.Check(rule); err != nil {
		return usageError{err}
	}
	findings, err := c.findings(ctx.Context, published, produced, rule)
	if err != nil {
		return err
	}
	c.finishProgress()
	report := &record.CompareReport{Version: record.ReportVersion, Findings: findings, Counts: record.Count(findings)}
	if ctx.Bool("json") {
		err = c.printJSON(report)
	} else {
		err = view.Compare(c.out, report, true, c.style())
	}
	if err == nil && report.Counts.Reproduced < report.Counts.Results {
		return errDiffers
	}
	return err
}

// findings compares two folders or two files.
func (c *console) findings(ctx context.Context, published, produced string, rule record.Rule) ([]record.Finding, error) {
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
		return compare.Trees(ctx, os.DirFS(published), os.DirFS(produced), rule, compare.Options{Progress: c.progress()})
	}
	f, err := compare.Files(ctx, compare.Path(published), compare.Path(produced), rule)
	if err != nil {
		return nil, err
	}
	f.Result, f.Published, f.Output = filepath.Base(produced), published, produced
	return []record.Finding{f}, nil
}
