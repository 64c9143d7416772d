package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/squashfs"
	"repro/format/tree"
)

var layerFlag = &cli.StringFlag{
	Name: "layer", Aliases: []string{"L"},
	Usage: "only the layer `NAME`, such as environment, code, data or published (default: all that steps see)",
}

// openTree opens an image and describes the files of one of its layers, or of
// the root that steps see if layer is empty. Every byte is read through the
// layers' hash trees. Of another program's SIF file that is its primary system
// partition, which nothing vouches for.
func openTree(name, layer string) (*format.Image, *tree.Node, error) {
	image, err := format.Open(name)
	if err != nil {
		return nil, nil, err
	}
	root, err := imageTree(image, layer)
	if err != nil {
		image.Close()
		return nil, nil, err
	}
	return image, root, nil
}

// openTree is [openTree] for a command that also takes images in registries.
func (c *console) openTree(ctx *cli.Context, name string) (*opened, *tree.Node, error) {
	image, err := c.open(ctx, name, false)
	if err != nil {
		return nil, nil, err
	}
	root, err := imageTree(image.Image, ctx.String("layer"))
	if err != nil {
		image.Close()
		return nil, nil, image.explain(err)
	}
	return image, root, nil
}

func imageTree(image *format.Image, layer string) (*tree.Node, error) {
	r, err := layerReader(image, layer)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return image.Root()
	}
	root, err := r.Tree()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image.Name(), err)
	}
	return root, nil
}

// openView is openTree for a command that looks at few files: they are read when
// they are looked at.
func openView(name, layer string) (*format.Image, *tree.View, error) {
	image, err := format.Open(name)
	if err != nil {
		return nil, nil, err
	}
	v, err := imageView(image, layer)
	if err != nil {
		image.Close()
		return nil, nil, err
	}
	return image, v, nil
}

func imageView(image *format.Image, layer string) (*tree.View, error) {
	r, err := layerReader(image, layer)
	if err != nil {
		return nil, err
	}
	layers := []tree.Layer{r}
	if r == nil {
		if layers, err = image.RootLayers(); err != nil {
			return nil, err
		}
	}
	v, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image.Name(), err)
	}
	return v, nil
}

// layerReader opens the layer called name; nil stands for the union of those
// that steps see.
func layerReader(image *format.Image, name string) (*squashfs.Reader, error) {
	_, err := image.Manifest()
	switch {
	case errors.Is(err, format.ErrForeign) && name == "":
		return image.Primary()
	case errors.Is(err, format.ErrForeign):
		return nil, fmt.Errorf("%w: its only layer is the primary partition, which is meant where --layer is left out", err)
	case err != nil:
		return nil, err
	}
	if problems := image.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", image.Name(), &format.LayoutError{Problems: problems})
	}
	if name == "" {
		return nil, nil
	}
	r, err := image.Layer(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no layer %q: it has %s", image.Name(), name, strings.Join(layerNames(image), ", "))
	}
	return r, err
}

func layerNames(image *format.Image) (names []string) {
	m, err := image.Manifest()
	if err != nil {
		return nil
	}
	for _, o := range m.Objects {
		if o.Layer != nil {
			names = append(names, o.Name)
		}
	}
	return names
}
