package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/tree"
	"repro/internal/atomicfile"
	"repro/internal/stream"
	"repro/report/view"
)

func extractCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "extract",
		Usage:     "write files of an image to a folder",
		ArgsUsage: "IMAGE [PATH...]",
		Description: `Writes what the steps see, or one layer, or only the paths named with all that is
below them. The folder must not exist, or be empty; it appears whole or not at
all. Nothing is written outside of it, whatever the image says, and what was
altered is not written.

   repro extract paper.sif -o root
   repro extract paper.sif /paper -o work
   repro extract --layer published paper.sif -o published
   repro extract --object repro.yaml --object manifest.json paper.sif -o objects`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FOLDER`"},
			layerFlag,
			&cli.StringSliceFlag{Name: "object", Usage: "write the object `NAME` as it is in the image; may be given more than once"},
			&cli.BoolFlag{Name: "owners", Usage: "also set owners, setuid bits and all extended attributes, and make device files, which takes root"},
		},
		Action: func(ctx *cli.Context) error {
			objects := ctx.StringSlice("object")
			switch {
			case ctx.NArg() == 0:
				return usagef("extract: name one image")
			case ctx.String("output") == "":
				return usagef("extract: name the folder to write to with -o")
			case len(objects) > 0 && (ctx.NArg() > 1 || ctx.String("layer") != ""):
				return usagef("extract: --object takes neither paths nor --layer")
			}
			return intoFolder(ctx.String("output"), func(dir string) error {
				if len(objects) > 0 {
					return c.extractObjects(ctx, dir, objects)
				}
				return c.extract(ctx, dir)
			})
		},
	}
}

// intoFolder has fill write to a folder that gets its name when all is there.
func intoFolder(name string, fill func(dir string) error) error {
	d, err := atomicfile.CreateDir(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := fill(d.Path()); err != nil {
		return err
	}
	return d.Commit()
}

func (c *console) extract(ctx *cli.Context, dir string) error {
	collectLate()
	name := ctx.Args().First()
	image, root, err := openTree(name, ctx.String("layer"))
	if err != nil {
		return err
	}
	defer image.Close()
	if root, err = pick(root, ctx.Args().Tail()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	owners := ctx.Bool("owners")
	if !owners {
		harmless(root)
	}
	var left skipped
	err = tree.Extract(ctx.Context, root, dir, tree.ExtractOptions{
		Owners: owners, Devices: owners, Xattrs: true, Skipped: left.add, Progress: c.progress(),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	left.tell(c)
	return nil
}

// pick returns the tree that holds only what is at paths, with the folders
// that lead there; all of it for no paths.
func pick(root *tree.Node, paths []string) (*tree.Node, error) {
	if len(paths) == 0 {
		return root, nil
	}
	out := bare(root)
	for _, p := range paths {
		at, _, err := root.Resolve(p, false)
		if err != nil {
			return nil, err
		}
		if at == "" {
			return root, nil
		}
		graft(out, root, strings.Split(at, "/"))
	}
	return out, nil
}

// graft puts what is at a path of root into out.
func graft(out, root *tree.Node, elems []string) {
	for i, elem := range elems {
		child := root.Entries[elem]
		if i == len(elems)-1 || out.Entries[elem] == child {
			out.Entries[elem] = child
			return
		}
		if out.Entries[elem] == nil {
			out.Entries[elem] = bare(child)
		}
		out, root = out.Entries[elem], child
	}
}

// bare is directory n with nothing in it.
func bare(n *tree.Node) *tree.Node {
	out := *n
	out.Entries = map[string]*tree.Node{}
	return &out
}

// harmless takes from root what would give rights to others: setuid bits,
// which would make programs of the user's who extracts, and attributes other
// than "user.".
func harmless(root *tree.Node) {
	for _, n := range root.All() {
		n.Mode &^= fs.ModeSetuid | fs.ModeSetgid
		kept := map[string][]byte{}
		for name, value := range n.Xattrs {
			if strings.HasPrefix(name, "user.") {
				kept[name] = value
			}
		}
		n.Xattrs = kept
	}
}

// skipped gathers what could not be made.
type skipped struct {
	mu    sync.Mutex
	count int
	first string
}

func (s *skipped) add(name string, _ *tree.Node, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count++; s.count == 1 {
		s.first = fmt.Sprintf("%s: %v", view.Clean(name), why)
	}
}

func (s *skipped) tell(c *console) {
	switch {
	case s.count == 1:
		c.note("left out: %s", s.first)
	case s.count > 1:
		c.note("left out: %s (and %d more)", s.first, s.count-1)
	}
}

func (c *console) extractObjects(ctx *cli.Context, dir string, objects []string) error {
	image, err := format.Open(ctx.Args().First())
	if err != nil {
		return err
	}
	defer image.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range objects {
		if err := extractObject(ctx.Context, image, root, name); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

func extractObject(ctx context.Context, image *format.Image, dir *os.Root, name string) error {
	r, err := image.Content(name)
	if err != nil {
		return err
	}
	if name != filepath.Base(name) || !filepath.IsLocal(name) {
		return fmt.Errorf("%s: object %q: not a name for a file", image.Name(), name)
	}
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, stream.Until(ctx, r)); err != nil {
		return fmt.Errorf("%s: %w", image.Name(), err)
	}
	return f.Close()
}
