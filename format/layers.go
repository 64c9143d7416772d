package format

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/format/verity"
)

// Layer returns the layer called name. Every byte read through it is checked
// against the layer's hash tree and so against the manifest: damage gives
// [*AlteredError]. A name that the manifest does not list gives
// [fs.ErrNotExist].
func (im *Image) Layer(name string) (*squashfs.Reader, error) {
	return im.layer(name, squashfs.NewCaches())
}

func (im *Image) layer(name string, c *squashfs.Caches) (*squashfs.Reader, error) {
	r, err := im.LayerBytes(name)
	if err != nil {
		return nil, err
	}
	s, err := c.NewReader(r, r.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: layer %q: %w", im.name, name, err)
	}
	return s, nil
}

// LayerBytes returns the bytes of a layer as they are in the image, checked
// like those of [Image.Layer].
func (im *Image) LayerBytes(name string) (*io.SectionReader, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	for _, o := range m.Objects {
		if o.Layer != nil && o.Name == name {
			t, err := im.tree(o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", im.name, err)
			}
			return io.NewSectionReader(t.reader(), 0, o.Size), nil
		}
	}
	return nil, fmt.Errorf("%s: layer %q: %w", im.name, name, fs.ErrNotExist)
}

// LayerCheck returns a function that says whether b is what the layer called name
// holds from an offset on, for whoever has its bytes from elsewhere: see
// [verity.Tree.Check]. Differences are [*AlteredError]. Goroutines may share it.
func (im *Image) LayerCheck(name string) (func(off int64, b []byte) error, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	for _, o := range m.Objects {
		if o.Layer != nil && o.Name == name {
			t, err := im.tree(o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", im.name, err)
			}
			return func(off int64, b []byte) error { return t.naming(t.Check(off, b)) }, nil
		}
	}
	return nil, fmt.Errorf("%s: layer %q: %w", im.name, name, fs.ErrNotExist)
}

// Root returns the union of the layers that steps see, wholly read.
func (im *Image) Root() (*tree.Node, error) {
	readers, err := im.rootLayers()
	if err != nil {
		return nil, err
	}
	var layers []*tree.Node
	for _, r := range readers {
		n, err := r.Reader.Tree()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", im.name, r.naming(err))
		}
		layers = append(layers, n)
	}
	return tree.Union(layers...), nil
}

// RootLayers returns the layers that steps see laid over each other, the lowest
// first, to be read as they are looked at: see [tree.NewView]. Nothing but their
// superblocks is read before. Errors are those of [Image.Layer], and name the
// layer.
func (im *Image) RootLayers() ([]tree.Layer, error) {
	readers, err := im.rootLayers()
	var layers []tree.Layer
	for _, r := range readers {
		layers = append(layers, r)
	}
	return layers, err
}

func (im *Image) rootLayers() (layers []namedLayer, err error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	caches := squashfs.NewCaches() // one bound, however many layers there are
	for _, o := range m.Objects {
		if o.Role != manifest.RoleLayer {
			continue
		}
		r, err := im.layer(o.Name, caches)
		if err != nil {
			return nil, err
		}
		layers = append(layers, namedLayer{r, fmt.Sprintf("layer %q", o.Name)})
	}
	return layers, nil
}

// namedLayer is a layer whose errors say which it is.
type namedLayer struct {
	*squashfs.Reader
	name string
}

func (l namedLayer) naming(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", l.name, err)
}

// RootRef implements tree.Layer.
func (l namedLayer) RootRef() (uint64, error) {
	ref, err := l.Reader.RootRef()
	return ref, l.naming(err)
}

// File implements tree.Layer.
func (l namedLayer) File(ref uint64) (tree.File, error) {
	f, err := l.Reader.File(ref)
	return f, l.naming(err)
}

// Names implements tree.Layer.
func (l namedLayer) Names(dir uint64) ([]tree.Name, error) {
	names, err := l.Reader.Names(dir)
	return names, l.naming(err)
}

// Enter implements tree.Layer.
func (l namedLayer) Enter(dir uint64, n tree.Name) (tree.File, error) {
	f, err := l.Reader.Enter(dir, n)
	return f, l.naming(err)
}

// Published returns the hidden layer that holds the published results, or
// [fs.ErrNotExist].
func (im *Image) Published() (*squashfs.Reader, error) {
	return im.Layer(PublishedName)
}

// Primary returns the primary system partition of any SIF file. That of an
// image is read like every layer; that of a foreign file is not checked
// against anything.
func (im *Image) Primary() (*squashfs.Reader, error) {
	if _, err := im.Manifest(); err == nil {
		return im.Layer(EnvironmentName)
	} else if !errors.Is(err, ErrForeign) {
		return nil, err
	}
	var found []Object
	for _, o := range im.objects {
		if p, ok := o.Partition(); ok && p.Type == PartPrimary {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s: %w", im.name, malformed("%d primary system partitions, want one", len(found)))
	}
	o := found[0]
	if p, _ := o.Partition(); p.FS != FSSquash {
		return nil, fmt.Errorf("%s: object %d: primary system partition is %s, want %s", im.name, o.ID, p.FS, FSSquash)
	}
	s, err := squashfs.NewReader(im.Section(o), o.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: object %d: %w", im.name, o.ID, err)
	}
	return s, nil
}

// layerTree is a layer with its hash tree.
type layerTree struct {
	*verity.Tree
	section *io.SectionReader // the layer
	layer   Object
	stored  Object // the tree
}

// tree returns the hash tree of the layer that the manifest describes by o.
func (im *Image) tree(o manifest.Object) (*layerTree, error) {
	layer, err := im.bound(o)
	if err != nil {
		return nil, err
	}
	t, err := im.bound(manifest.Object{ID: o.ID + 1, Name: o.Name + treeSuffix, Size: verity.TreeSize(o.Size)})
	if err != nil {
		return nil, err
	}
	root, err := o.Layer.Root.Sum()
	if err != nil {
		return nil, err
	}
	lt := &layerTree{section: im.Section(layer), layer: layer, stored: t}
	lt.Tree, err = verity.NewTree(im.Section(t), o.Size, root)
	return lt, lt.naming(err)
}

// bound returns the descriptor of an object of the manifest, where it agrees
// with the manifest.
func (im *Image) bound(o manifest.Object) (Object, error) {
	if int64(o.ID) > int64(len(im.objects)) {
		return Object{}, malformed("object %d (%q): not in the image", o.ID, o.Name)
	}
	d := im.objects[o.ID-1]
	if d.ID != o.ID || d.Name != o.Name || d.Size != o.Size {
		return Object{}, malformed("object %d: descriptor of %q with %d bytes, the manifest says %q with %d",
			o.ID, d.Name, d.Size, o.Name, o.Size)
	}
	return d, nil
}

func (t *layerTree) reader() io.ReaderAt {
	return namingReader{t, t.Reader(t.section)}
}

// namingReader turns the errors of a hash tree into those of the image.
type namingReader struct {
	t *layerTree
	r io.ReaderAt
}

func (r namingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.r.ReadAt(p, off)
	return n, r.t.naming(err)
}

func (t *layerTree) naming(err error) error {
	var bad *verity.CorruptError
	switch {
	case !errors.As(err, &bad):
		return err
	case bad.Tree:
		return &AlteredError{t.stored.Name, t.stored.Offset + bad.Offset, "hash tree differs from what the manifest binds"}
	}
	return &AlteredError{t.layer.Name, t.layer.Offset + bad.Offset, "content differs from its hash tree"}
}
