package format

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/format/verity"
	"repro/internal/atomicfile"
	"repro/internal/progress"
	"repro/internal/stream"
)

// Spec is what [Create] makes an image of. The bytes of the image are a
// function of Manifest, Recipe, Inspect, what SBOM returns, Layers, Codec and
// BlockSize, and of the version of the codec.
type Spec struct {
	Manifest manifest.Manifest // without Objects
	Recipe   []byte            // the author's repro.yaml
	Inspect  []byte            // what `apptainer inspect` reads
	Layers   []LayerSpec       // lowest first; the first is the environment

	// SBOM returns an SPDX document as JSON. It is called once, while the first
	// layer is already being compressed. Nil: the image has none.
	SBOM func(context.Context) ([]byte, error)

	Codec     string         // as internal/codec names it; empty: squashfs.Write's default
	BlockSize int            // 0: squashfs.Write's default
	Workers   int            // 0: all cores
	Cache     squashfs.Cache // of compressed blocks; nil: none
	Progress  progress.Func
}

// LayerSpec is one layer.
type LayerSpec struct {
	Name string
	Role manifest.Role // RoleLayer or RoleHidden
	Tree *tree.Node
}

// Create writes an image under name and returns its manifest. The file
// appears whole, in place of one that had the name, or not at all.
func Create(ctx context.Context, name string, s Spec) (*manifest.Manifest, error) {
	m, err := create(ctx, name, s)
	if err != nil {
		return nil, about(name, err)
	}
	return m, nil
}

func create(ctx context.Context, name string, s Spec) (*manifest.Manifest, error) {
	w, err := newWriter(s)
	if err != nil {
		return nil, err
	}
	f, err := atomicfile.Create(name, 0o666)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := w.write(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := selfCheck(f); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &m.Manifest, f.Commit()
}

// selfCheck reads the image that was just written as strictly as anyone will.
func selfCheck(f *atomicfile.File) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	im, err := New(f, fi.Size(), "image just written")
	if err != nil {
		return err
	}
	if problems := im.Layout(); len(problems) > 0 {
		return &LayoutError{problems}
	}
	return nil
}

// writer writes the objects of one image in order.
type writer struct {
	Spec
	m     manifest.Manifest // with its objects, as far as they are known
	date  int64
	room  int64 // of the manifest
	f     *atomicfile.File
	end   int64          // of what is written so far
	small errgroup.Group // writes the objects before the layers
	after errgroup.Group // works on what is written
}

// newWriter checks s as far as that is possible before the layers are written.
func newWriter(s Spec) (*writer, error) {
	if len(s.Manifest.Objects) != 0 {
		return nil, errors.New("manifest: lists objects before they are written")
	}
	w := &writer{Spec: s, m: s.Manifest}
	w.list(manifest.Object{Name: RecipeName, Role: manifest.RoleRecipe, Size: int64(len(s.Recipe))})
	w.list(manifest.Object{Name: inspectName, Role: manifest.RoleInspect, Size: int64(len(s.Inspect))})
	if s.SBOM != nil {
		w.list(manifest.Object{Name: sbomName, Role: manifest.RoleSBOM, Size: align}) // until it is known
	}
	for _, l := range s.Layers {
		zero := manifest.DigestSum([32]byte{})
		w.list(manifest.Object{Name: l.Name, Role: l.Role, Size: align, Layer: &manifest.Layer{
			Root: zero, Content: zero, Codec: "unknown", BlockSize: align,
		}})
		w.list(manifest.Object{Name: l.Name + treeSuffix, Role: manifest.RoleTree})
	}
	draft := &storedManifest{Manifest: w.m}
	if err := draft.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	w.date = draft.date
	var err error
	w.room, err = reserve(w.m)
	return w, err
}

// list adds an object to the manifest.
func (w *writer) list(o manifest.Object) {
	o.ID = uint32(len(w.m.Objects) + 2)
	o.Digest = manifest.DigestSum([32]byte{})
	w.m.Objects = append(w.m.Objects, o)
}

// write writes the objects after the manifest in order, then the manifest and
// the table. Digests of layers are taken in a second reading of what was just
// written, while the next layer is compressed: the superblock, which stands
// first, is known last.
func (w *writer) write(ctx context.Context, f *atomicfile.File) (*storedManifest, error) {
	w.f, w.end = f, dataOffset+w.room
	w.after.SetLimit(runtime.GOMAXPROCS(0) + 1)
	defer w.after.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the Wait above
	w.small.Go(func() error { return w.begin(ctx) })
	defer w.small.Wait()
	first := len(w.m.Objects) - 2*len(w.Layers)
	for i, l := range w.Layers {
		at := first + 2*i
		if err := w.layer(ctx, l, &w.m.Objects[at], &w.m.Objects[at+1]); err != nil {
			return nil, cmp.Or(w.small.Wait(), fmt.Errorf("layer %q: %w", l.Name, err))
		}
	}
	if err := w.small.Wait(); err != nil { // there may be no layer
		return nil, err
	}
	w.after.Go(f.Sync) // most of what Commit would wait for, while layers are hashed
	if err := w.after.Wait(); err != nil {
		return nil, err
	}
	m, err := newManifest(w.m)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(m, nil)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(append(p.head(), m.stored...), 0); err != nil {
		return nil, err
	}
	return m, f.Truncate(p.end)
}

// begin writes the objects before the layers, while the first layer is already
// being compressed: to find out what software is in it takes a moment.
func (w *writer) begin(ctx context.Context) error {
	small := [][]byte{w.Recipe, w.Inspect}
	if w.SBOM != nil {
		b, err := w.SBOM(ctx)
		if err != nil {
			return err
		}
		small = append(small, b)
	}
	for i, b := range small {
		w.m.Objects[i].Size, w.m.Objects[i].Digest = int64(len(b)), manifest.DigestOf(b)
		if err := w.place(b); err != nil {
			return err
		}
	}
	return nil
}

// place writes a small object in its place.
func (w *writer) place(b []byte) error {
	w.end = roundUp(w.end)
	_, err := w.f.WriteAt(b, w.end)
	w.end += int64(len(b))
	return err
}

// layer writes a layer and its hash tree and fills in what the manifest says
// of both.
func (w *writer) layer(ctx context.Context, l LayerSpec, layer, hashes *manifest.Object) error {
	out := &layerOutput{w: w, hash: verity.NewWriter()}
	o := squashfs.Options{
		Codec: w.Codec, BlockSize: w.BlockSize, ModTime: w.date, Workers: w.Workers, Cache: w.Cache, Progress: w.Progress,
	}
	st, err := squashfs.Write(ctx, out, l.Tree, o)
	if errors.Is(err, squashfs.ErrStale) {
		o.Reread, out.hash = true, verity.NewWriter()
		st, err = squashfs.Write(ctx, out, l.Tree, o)
	}
	if out.placed {
		out.flusher.stop()
	}
	if err != nil {
		return err
	}
	size := out.hash.Size()
	if _, err := out.Write(make([]byte, roundUp(size)-size)); err != nil {
		return err
	}
	stored, root, err := out.hash.Finish()
	if err != nil {
		return err
	}
	layer.Size = roundUp(size)
	layer.Layer = &manifest.Layer{
		Root: manifest.DigestSum(root), Content: manifest.DigestSum(st.Content),
		Codec: st.Codec, BlockSize: st.BlockSize, Files: st.Files, Bytes: st.Bytes,
	}
	hashes.Size, hashes.Digest = int64(len(stored)), manifest.DigestOf(stored)
	w.after.Go(func() error {
		sum, _, err := stream.SHA256(ctx, io.NewSectionReader(w.f, out.start, layer.Size), nil)
		layer.Digest = manifest.DigestSum(sum)
		return err
	})
	w.end = out.start + layer.Size
	return w.place(stored)
}

// layerOutput is where squashfs.Write writes: into the image, hashing on the
// way.
type layerOutput struct {
	w       *writer
	placed  bool
	start   int64 // of the layer in the file, once it is placed
	hash    *verity.Writer
	flusher flusher
}

// place waits until it is known where the layer stands.
func (o *layerOutput) place() error {
	if o.placed {
		return nil
	}
	if err := o.w.small.Wait(); err != nil {
		return err
	}
	o.placed, o.start = true, roundUp(o.w.end)
	o.flusher.start(o.w.f, o.start)
	return nil
}

func (o *layerOutput) Write(p []byte) (int, error) {
	if err := o.place(); err != nil {
		return 0, err
	}
	n, err := o.w.f.WriteAt(p, o.start+o.hash.Size())
	o.hash.Write(p[:n])
	o.flusher.written(o.start + o.hash.Size())
	return n, err
}

func (o *layerOutput) WriteAt(p []byte, off int64) (int, error) {
	if n, err := o.hash.WriteAt(p, off); err != nil {
		return n, err
	}
	return o.w.f.WriteAt(p, o.start+off)
}
