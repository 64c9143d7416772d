package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/manifest"
	"repro/report"
	"repro/report/view"
)

var jsonFlag = &cli.BoolFlag{Name: "json", Usage: "print the report as JSON, for programs"}

func inspectCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "say what is in an image and whose work it is",
		ArgsUsage: "IMAGE",
		Description: `Reads what the image says of itself and checks that every byte of the file has
its place; verify checks the contents too. Other programs' SIF files are shown as
far as they go.

   repro inspect paper.sif
   repro inspect paper.sif --json | jq .manifest.steps
   repro inspect oci://registry.example.org/lab/paper:1   # reads a small part of it`,
		Flags: []cli.Flag{plainHTTPFlag, jsonFlag},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "inspect: name one image")
			if err != nil {
				return err
			}
			image, err := c.open(ctx, name, false)
			if err != nil {
				return err
			}
			defer image.Close()
			rep, err := inspect(image.Image)
			if err = image.explain(err); err != nil {
				return err
			}
			if ctx.Bool("json") {
				return c.printJSON(rep)
			}
			return view.Inspect(c.out, rep, c.style())
		},
	}
}

// inspect gathers what image says of itself.
func inspect(image *format.Image) (*report.Inspect, error) {
	m, err := image.Manifest()
	if err != nil && !errors.Is(err, format.ErrForeign) {
		return nil, err
	}
	u := image.Header().UUID
	r := &report.Inspect{
		Version:  report.Version,
		Image:    image.Name(),
		Size:     image.Size(),
		UUID:     fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]),
		Manifest: m,
	}
	bound := map[uint32]manifest.Object{}
	if m != nil {
		for _, o := range m.Objects {
			bound[o.ID] = o
		}
		for _, p := range image.Layout() {
			r.Problems = append(r.Problems, p.String())
		}
		r.Canonical = len(r.Problems) == 0
		if r.ContentID, err = image.ContentID(); err != nil {
			return nil, err
		}
	} else {
		r.Problems = []string{"not made by repro: it has no manifest"}
	}
	for _, o := range image.Objects() {
		r.Objects = append(r.Objects, report.InspectObject{
			ID: o.ID, Name: o.Name, Type: o.Type.String(), Role: bound[o.ID].Role,
			Group: o.Group, Link: o.Link, Offset: o.Offset, Size: o.Size, Digest: bound[o.ID].Digest,
		})
	}
	return r, nil
}
