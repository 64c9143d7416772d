package cli

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format/tree"
	"repro/report"
	"repro/report/view"
)

func lsCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "ls",
		Usage:     "list the files in an image",
		ArgsUsage: "IMAGE [PATH]",
		Description: `Lists what the steps see, or one layer. What is read is checked against the
image's hash trees on the way. Of other programs' SIF files it lists the primary
partition.

   repro ls paper.sif /paper
   repro ls -lR paper.sif /usr/lib/python3
   repro ls --layer published paper.sif
   repro ls oci://registry.example.org/lab/paper:1 /paper
   repro ls -R --json paper.sif | jq '.files[] | select(.size > 1e6)'`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "long", Aliases: []string{"l"}, Usage: "show mode, owner, size and time too"},
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"R"}, Usage: "list all that is below, by its path"},
			layerFlag,
			plainHTTPFlag, jsonFlag,
		},
		UseShortOptionHandling: true,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 || ctx.NArg() > 2 {
				return usagef("ls: name one image, and one path in it at most")
			}
			return c.ls(ctx, ctx.Args().First(), ctx.Args().Get(1))
		},
	}
}

func (c *console) ls(ctx *cli.Context, name, at string) error {
	image, root, err := c.openTree(ctx, name)
	if err != nil {
		return err
	}
	defer image.Close()
	at, n, err := root.Resolve(at, true)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	rep := &report.List{
		Version: report.Version, Image: name, Layer: ctx.String("layer"),
		Files: list(at, n, ctx.Bool("recursive")),
	}
	if ctx.Bool("json") {
		return c.printJSON(rep)
	}
	options := view.ListOptions{Long: ctx.Bool("long"), Full: ctx.Bool("recursive") || !n.IsDir()}
	return view.List(c.out, rep, options, c.style())
}

// list describes what stands in directory n, or n itself if it is no
// directory.
func list(at string, n *tree.Node, recursive bool) []report.FileEntry {
	files := []report.FileEntry{}
	switch {
	case !n.IsDir():
		files = append(files, fileEntry(at, n))
	case recursive:
		for below, child := range n.All() {
			if below != "" {
				files = append(files, fileEntry(path.Join(at, below), child))
			}
		}
	default:
		for _, name := range n.Names() {
			files = append(files, fileEntry(path.Join(at, name), n.Entries[name]))
		}
	}
	return files
}

func fileEntry(at string, n *tree.Node) report.FileEntry {
	e := report.FileEntry{
		Path: path.Join("/", at), Kind: n.Kind(), Mode: fmt.Sprintf("%04o", tree.UnixMode(n.Mode)),
		UID: n.UID, GID: n.GID, Modified: time.Unix(n.ModTime, 0).UTC().Format(time.RFC3339), Target: n.Target,
		Xattrs: slices.Sorted(maps.Keys(n.Xattrs)),
	}
	switch e.Kind {
	case "file":
		e.Size = n.Size
	case "block", "char":
		major, minor := tree.DecodeDevice(n.Device)
		e.Device = fmt.Sprintf("%d:%d", major, minor)
	}
	return e
}
