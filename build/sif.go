package build

import (
	"context"
	"errors"
	"fmt"
	"os"

	"repro/format"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/recipe"
)

func init() { openers[recipe.SIF] = openSIF }

// openSIF opens a SIF file, one of ours or of another program.
func openSIF(ctx context.Context, b *builder, name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	digest, err := b.digestOf(ctx, f)
	f.Close()
	if err != nil {
		return nil, err
	}
	im, err := format.Open(name)
	if err != nil {
		return nil, err
	}
	src, err := fromImage(im)
	if err != nil {
		im.Close()
		return nil, err
	}
	src.Digest, src.Close = digest, im.Close
	return src, nil
}

// fromImage returns the root of an image: of ours, without the experiment that
// stands in it; of another, the system partition and what lies over it.
func fromImage(im *format.Image) (*Source, error) {
	root, err := im.Root()
	if err == nil {
		src := withVariables(&Source{Tree: root, Arch: im.Header().Arch})
		delete(root.Entries, Paper[1:])
		delete(root.Entries, singularityDir)
		return src, nil
	}
	if !errors.Is(err, format.ErrForeign) {
		return nil, err
	}
	primary, err := im.Primary()
	if err != nil {
		return nil, err
	}
	if root, err = primary.Tree(); err != nil {
		return nil, err
	}
	for _, o := range overlays(im) {
		r, err := squashfs.NewReader(im.Section(o), o.Size)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", o.ID, err)
		}
		t, err := r.Tree()
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", o.ID, err)
		}
		root = tree.Union(root, t)
	}
	return withVariables(&Source{Tree: root}), nil
}

// overlays returns the partitions that Apptainer lays over the root of a SIF
// file by itself: those of the root's group, the last on top.
func overlays(im *format.Image) []format.Object {
	var group uint32
	var all []format.Object
	for _, o := range im.Objects() {
		if p, ok := o.Partition(); ok && p.Type == format.PartPrimary {
			group = o.Group
		}
	}
	for _, o := range im.Objects() {
		if p, ok := o.Partition(); ok && p.Type == format.PartOverlay && p.FS == format.FSSquash && o.Group == group {
			all = append(all, o)
		}
	}
	return all
}
