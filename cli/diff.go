package cli

import (
	"github.com/urfave/cli/v2"

	"repro/diff"
	"repro/format"
	"repro/report/view"
)

func diffCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what differs between two images",
		ArgsUsage: "A B",
		Description: `Compares what the images say of themselves, their objects, and their layers file
by file; changed text, tables and numbers are shown. Ends with 0 if the content is
the same, which other codecs and signatures do not change, and with 5 if not.

   repro diff paper.sif revised.sif
   repro diff paper.sif rebuilt.sif --json | jq .verdict`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "limit", Value: diff.DefaultLimit, Usage: "list at most `N` files of each layer in the report"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("diff: name two images")
			}
			return c.diff(ctx, ctx.Args().Get(0), ctx.Args().Get(1))
		},
	}
}

func (c *console) diff(ctx *cli.Context, nameA, nameB string) error {
	a, err := format.Open(nameA)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := format.Open(nameB)
	if err != nil {
		return err
	}
	defer b.Close()
	report, err := diff.Images(ctx.Context, a, b, diff.Options{Limit: ctx.Int("limit"), Progress: c.progress()})
	if err != nil {
		return err
	}
	c.finishProgress()
	if ctx.Bool("json") {
		err = c.printJSON(report)
	} else {
		err = view.Diff(c.out, report, c.style())
	}
	if err == nil && !report.Verdict.Reproduced() {
		return errDiffers
	}
	return err
}
