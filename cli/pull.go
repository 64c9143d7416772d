package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/publish/registry"
	"repro/report"
	"repro/report/view"
)

func pullCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "bring an image from a container registry",
		ArgsUsage: "oci://HOST/NAME[:TAG|@DIGEST]",
		Description: `The image gets its name when all of it is here and is what its digests name; with
--key, --by or --policy, when it is also signed by whom you ask for. A pull that was
cut off goes on where it stopped: type it again.

   repro pull oci://registry.example.org/lab/paper:1 -o paper.sif
   repro pull --key alice.pub oci://registry.example.org/lab/paper:1`,
		Flags: append(slices.Clone(signerFlags), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`; unsaid, the last part of the name with .sif"},
			plainHTTPFlag, jsonFlag,
		}...),
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "pull: name one image in a registry")
			if err != nil {
				return err
			}
			return c.pull(ctx, name)
		},
	}
}

func (c *console) pull(ctx *cli.Context, from string) error {
	repository, err := c.connect(ctx, from)
	if err != nil {
		return err
	}
	name := ctx.String("output")
	if name == "" {
		name = repository.Reference().Base()
	}
	var verified *report.Verify
	pulled, err := repository.Pull(ctx.Context, name, func(_ context.Context, im *format.Image, attached []registry.Attachment) error {
		if !asksForSigners(ctx) {
			_, err := im.Check(ctx.Context, format.CheckOptions{Progress: c.progress()})
			return err
		}
		verified, err = c.verify(ctx, im, blocks(attached)...)
		return err
	})
	c.finishProgress()
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: a file of this name is there: choose another with -o", name)
	}
	if err != nil {
		return err
	}
	if ctx.Bool("json") {
		return c.printJSON(pulled)
	}
	fmt.Fprintf(c.out, "%s  whole and unaltered  %d of %d bytes received  content id %s\n", view.Clean(name), pulled.Received, pulled.Size, pulled.ContentID)
	fmt.Fprintf(c.out, "%s\n", view.Clean(pulled.Reference))
	for _, file := range pulled.Attached {
		fmt.Fprintf(c.out, "attached  %s\n", view.Clean(file))
	}
	if verified != nil {
		return view.Verify(c.out, verified, c.style())
	}
	return nil
}

func (c *console) connect(ctx *cli.Context, name string) (*registry.Repository, error) {
	ref, err := registry.ParseReference(name)
	if err != nil {
		return nil, usageError{err}
	}
	return registry.Connect(ctx.Context, ref, false, c.registryOptions(ctx))
}

// blocks returns what is attached to an image as verify takes it.
func blocks(attached []registry.Attachment) (out [][]byte) {
	for _, a := range attached {
		if a.Counts() {
			out = append(out, a.Data)
		}
	}
	return out
}

// opened is an image in a file or in a registry.
type opened struct {
	*format.Image
	remote *registry.Remote // nil: in a file

	brought func() error // closes and removes a file that was brought for this; may be nil
}

// Close closes the image.
func (o *opened) Close() error {
	if o.remote != nil {
		return o.remote.Close()
	}
	if o.brought != nil {
		return errors.Join(o.Image.Close(), o.brought())
	}
	return o.Image.Close()
}

// open opens the image called name. All says that it will be read as a whole, and
// once; else only what is looked at is read.
func (c *console) open(ctx *cli.Context, name string, all bool) (*opened, error) {
	if isDOI(name) {
		if !all {
			return nil, usagef("%q: of a deposit, only verify reads an image where it lies: bring it with repro fetch", name)
		}
		return c.openDOI(ctx, name)
	}
	if scheme, _, ok := strings.Cut(name, "://"); ok && !isRemote(name) {
		if _, err := os.Lstat(name); err != nil {
			return nil, usagef("%q: %q is no way to an image: one in a registry is %sHOST/NAME:TAG", name, scheme, registry.Scheme)
		}
	}
	if !isRemote(name) {
		image, err := format.Open(name)
		return &opened{Image: image}, err
	}
	repository, err := c.connect(ctx, name)
	if err != nil {
		return nil, err
	}
	remote, err := repository.Open(ctx.Context, all)
	if err != nil {
		return nil, err
	}
	return &opened{Image: remote.Image, remote: remote}, nil
}

// isRemote reports whether name is meant as an image in a registry: no file has it.
func isRemote(name string) bool {
	_, err := os.Lstat(name)
	return err != nil && registry.IsReference(name)
}

// baseName is what a file is called that holds the image called name.
func baseName(name string) string {
	if ref, err := registry.ParseReference(name); err == nil && isRemote(name) {
		return ref.Base()
	}
	return filepath.Base(name)
}

// beside returns the signatures and attestations that the registry holds beside the image.
func (o *opened) beside() [][]byte {
	if o.remote == nil {
		return nil
	}
	return blocks(o.remote.Attached)
}

// explain returns what is behind an error.
func (o *opened) explain(err error) error {
	if o.remote == nil {
		return err
	}
	return o.remote.Explain(err)
}
