package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"repro/format/tree"
	"repro/report/view"
)

func catCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "cat",
		Usage:     "print files of an image",
		ArgsUsage: "IMAGE PATH...",
		Description: `Links are followed within the image. What is read is checked against the image's
hash trees; nothing that was altered is printed.

   repro cat paper.sif /paper/analysis.py
   repro cat --layer published paper.sif figures/fig1.png >fig1.png
   repro cat --object repro.yaml paper.sif`,
		Flags: []cli.Flag{
			layerFlag,
			&cli.StringSliceFlag{Name: "object", Usage: "print the object `NAME` as it is in the image, such as repro.yaml or manifest.json"},
			plainHTTPFlag,
		},
		Action: func(ctx *cli.Context) error {
			objects := ctx.StringSlice("object")
			if ctx.NArg() == 0 || ctx.NArg() == 1 && len(objects) == 0 {
				return usagef("cat: name one image, and the files in it")
			}
			if len(objects) > 0 && (ctx.NArg() > 1 || ctx.String("layer") != "") {
				return usagef("cat: --object takes neither paths nor --layer")
			}
			if len(objects) > 0 {
				return c.catObjects(ctx, ctx.Args().First(), objects)
			}
			return c.cat(ctx, ctx.Args().First(), ctx.Args().Tail())
		},
	}
}

func (c *console) cat(ctx *cli.Context, name string, paths []string) error {
	image, root, err := c.openTree(ctx, name)
	if err != nil {
		return err
	}
	defer image.Close()
	var files []*tree.Node
	var missing []error
	for _, p := range paths {
		_, n, err := root.Resolve(p, true)
		if err == nil && !n.Mode.IsRegular() {
			err = fmt.Errorf("%q: is a %s", p, n.Kind())
		}
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", name, err))
		}
		files = append(files, n)
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	for i, n := range files {
		r, err := n.Content()
		if err != nil {
			return fmt.Errorf("%s: %q: %w", name, paths[i], err)
		}
		err = c.copyOut(r)
		r.Close()
		if err != nil {
			return image.explain(fmt.Errorf("%s: %q: %w", name, paths[i], err))
		}
	}
	return nil
}

// maxHeld is how much of an object is read, and so checked, before any of it
// is printed. Only the trees of layers of more than 128 GiB are larger.
const maxHeld = 64 << 20

func (c *console) catObjects(ctx *cli.Context, name string, objects []string) error {
	image, err := c.open(ctx, name, false)
	if err != nil {
		return err
	}
	defer image.Close()
	for _, o := range objects {
		r, err := image.Content(o)
		if err != nil {
			return err
		}
		var held bytes.Buffer
		if _, err := io.CopyN(&held, r, maxHeld); err != nil && err != io.EOF {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := c.copyOut(io.MultiReader(&held, r)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// copyOut prints what r holds: as it is, or on a terminal only if it is text,
// and then with nothing in it that could move the cursor.
func (c *console) copyOut(r io.Reader) error {
	if !isTerminal(c.out) {
		_, err := io.Copy(c.out, r)
		return err
	}
	return copyText(c.out, r)
}

// maxText bounds what is printed on a terminal.
const maxText = 16 << 20

func copyText(w io.Writer, r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return err
	}
	if len(b) > maxText || bytes.IndexByte(b, 0) >= 0 || !utf8.Valid(b) {
		return errors.New("is not text that belongs on a terminal: send it to a file with >")
	}
	for line := range strings.Lines(string(b)) {
		text, ended := strings.CutSuffix(line, "\n")
		cells := strings.Split(strings.TrimSuffix(text, "\r"), "\t")
		for i := range cells {
			cells[i] = view.Clean(cells[i])
		}
		text = strings.Join(cells, "\t")
		if ended {
			text += "\n"
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}
