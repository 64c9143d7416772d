package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/publish/fetch"
	"repro/report/view"
)

func fetchCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "fetch",
		Usage:     "bring the data that an image only names, or a deposit by its DOI",
		ArgsUsage: "IMAGE | doi:DOI",
		Description: `Downloads each file from where the image says it is kept and checks it against the
digest that the image binds. What was cut off is taken up where it stopped; what
is there already is left alone.

Of a deposit in Zenodo, InvenioRDM, Dataverse, OSF or Figshare it brings the files,
to a folder called like the end of the DOI, and checks the checksums stated there.

   repro fetch paper.sif -o data
   repro run --data data paper.sif
   repro fetch doi:10.5281/zenodo.123
   repro fetch doi:10.5281/zenodo.123 --only paper.sif -o .`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FOLDER`", Value: "data"},
			&cli.BoolFlag{Name: "http", Usage: "let addresses pass that are not https; digests are checked all the same"},
			&cli.StringSliceFlag{Name: "only", Usage: "of a deposit, bring only the file called `NAME`; may be given more than once"},
			dataciteFlag, jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "fetch: name one image, or the DOI of a deposit")
			if err != nil {
				return err
			}
			if isDOI(name) {
				return c.fetchDOI(ctx, name)
			}
			return c.fetch(ctx, name)
		},
	}
}

func (c *console) fetch(ctx *cli.Context, name string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	dir := ctx.String("output")
	files, err := fetch.Files(ctx.Context, manifest.External, dir, fetch.Options{Plain: ctx.Bool("http"), Progress: c.progress()})
	c.finishProgress()
	if ctx.Bool("json") {
		if files == nil {
			files = []fetch.File{}
		}
		return errors.Join(c.printJSON(files), err)
	}
	if len(manifest.External) == 0 {
		fmt.Fprintf(c.out, "%s  holds all its data: nothing to fetch\n", view.Clean(name))
	}
	for _, f := range files {
		state := "fetched"
		switch {
		case f.Problem != "":
			state = "failed"
		case f.Already:
			state = "there already"
		}
		fmt.Fprintf(c.out, "%s  %s  %d bytes\n", view.Clean(f.Path), state, f.Size)
	}
	return err
}
