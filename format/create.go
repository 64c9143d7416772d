package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"repro/format/squashfs"
	"repro/format/verity"
	"repro/internal/atomicfile"
	"repro/progress"
	"repro/record"
	"repro/tree"
)

// Spec is what [Create] makes an image of. The bytes of the image are a
// function of Manifest, Recipe, Inspect, SBOM, Layers, Codec and BlockSize,
// and of the version of the codec.
type Spec struct {
	Manifest record.Manifest // without Objects
	Recipe   []byte          // the author's repro.yaml
	Inspect  []byte          // what `apptainer inspect` reads
	SBOM     []byte          // SPDX as JSON; may be nil
	Layers   []LayerSpec     // lowest first; the first is the environment

	Codec     string         // as internal/codec names it; empty: squashfs.Write's default
	BlockSize int            // 0: squashfs.Write's default
	Workers   int            // 0: all cores
	Cache     squashfs.Cache // of compressed blocks; nil: none
	Progress  progress.Func
}

// LayerSpec is one layer.
type LayerSpec struct {
	Name string
	Role record.Role // RoleLayer or RoleHidden
	Tree *tree.Node
}

// Create writes an image under name and returns its manifest. The file
// appears whole, in place of one that had the name, or not at all.
func Create(ctx context.Context, name string, s Spec) (*record.Manifest, error) {
	m, err := create(ctx, name, s)
	if err != nil {
		return nil, about(name, err)
	}
	return m, nil
}

func create(ctx context.Context, name string, s Spec) (*record.Manifest, error) {
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
	m     record.Manifest // with its objects, as far as they are known
	date  int64
	room  int64 // of the manifest
	f     *atomicfile.File
	end   int64          // of what is written so far
	after errgroup.Group // works on what is written
}

// newWriter checks s as far as that is possible before the layers are written.
func newWriter(s Spec) (*writer, error) {
	if len(s.Manifest.Objects) != 0 {
		return nil, errors.New("manifest: lists objects before they are written")
	}
	w := &writer{Spec: s, m: s.Manifest}
	w.list(record.Object{Name: RecipeName, Role: record.RoleRecipe, Size: int64(len(s.Recipe))})
	w.list(record.Object{Name: InspectName, Role: record.RoleInspect, Size: int64(len(s.Inspect))})
	if s.SBOM != nil {
		w.list(record.Object{Name: sbomName, Role: record.RoleSBOM, Size: int64(len(s.SBOM))})
	}
	for _, l := range s.Layers {
		zero := record.DigestSum([32]byte{})
		w.list(record.Object{Name: l.Name, Role: l.Role, Size: align, Layer: &record.Layer{
			Root: zero, Content: zero, Codec: "unknown", BlockSize: align,
		}})
		w.list(record.Object{Name: l.Name + treeSuffix, Role: record.RoleTree})
	}
	draft := &manifest{Manifest: w.m}
	if err := draft.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	w.date = draft.date
	var err error
	w.room, err = reserve(w.m)
	return w, err
}

// list adds an object to the manifest.
func (w *writer) list(o record.Object) {
	o.ID = uint32(len(w.m.Objects) + 2)
	o.Digest = record.DigestSum([32]byte{})
	w.m.Objects = append(w.m.Objects, o)
}

// write writes the objects after the manifest in order, then the manifest and
// the table. Digests of layers are taken in a second reading of what was just
// written, while the next layer is compressed: the superblock, which stands
// first, is known last.
func (w *writer) write(ctx context.Context, f *atomicfile.File) (*manifest, error) {
	w.f, w.end = f, dataOffset+w.room
	w.after.SetLimit(runtime.GOMAXPROCS(0) + 1)
	defer w.after.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the Wait above
	small := [][]byte{w.Recipe, w.Inspect}
	if w.SBOM != nil {
		small = append(small, w.SBOM)
	}
	for i, b := range small {
		w.m.Objects[i].Digest = record.DigestOf(b)
		if err := w.place(b); err != nil {
			return nil, err
		}
	}
	for i, l := range w.Layers {
		at := len(small) + 2*i
		if err := w.layer(ctx, l, &w.m.Objects[at], &w.m.Objects[at+1]); err != nil {
			return nil, fmt.Errorf("layer %q: %w", l.Name, err)
		}
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

// place writes a small object in its place.
func (w *writer) place(b []byte) error {
	w.end = roundUp(w.end)
	_, err := w.f.WriteAt(b, w.end)
	w.end += int64(len(b))
	return err
}

// layer writes a layer and its hash tree and fills in what the manifest says
// of both.
func (w *writer) layer(ctx context.Context, l LayerSpec, layer, hashes *record.Object) error {
	out := &layerOutput{w: w.f, start: roundUp(w.end), hash: verity.NewWriter()}
	out.flusher.start(w.f, out.start)
	o := squashfs.Options{
		Codec: w.Codec, BlockSize: w.BlockSize, ModTime: w.date, Workers: w.Workers, Cache: w.Cache, Progress: w.Progress,
	}
	st, err := squashfs.Write(ctx, out, l.Tree, o)
	if errors.Is(err, squashfs.ErrStale) {
		o.Reread, out.hash = true, verity.NewWriter()
		st, err = squashfs.Write(ctx, out, l.Tree, o)
	}
	out.flusher.stop()
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
	layer.Layer = &record.Layer{
		Root: record.DigestSum(root), Content: record.DigestSum(st.Content),
		Codec: st.Codec, BlockSize: st.BlockSize, Files: st.Files, Bytes: st.Bytes,
	}
	hashes.Size, hashes.Digest = int64(len(stored)), record.DigestOf(stored)
	w.after.Go(func() error {
		var err error
		layer.Digest, err = sum(ctx, io.NewSectionReader(w.f, out.start, layer.Size))
		return err
	})
	w.end = out.start + layer.Size
	return w.place(stored)
}

// layerOutput is where squashfs.Write writes: into the image, hashing on the
// way.
type layerOutput struct {
	w       io.WriterAt
	start   int64 // of the layer in the file
	hash    *verity.Writer
	flusher flusher
}

func (o *layerOutput) Write(p []byte) (int, error) {
	n, err := o.w.WriteAt(p, o.start+o.hash.Size())
	o.hash.Write(p[:n])
	o.flusher.written(o.start + o.hash.Size())
	return n, err
}

func (o *layerOutput) WriteAt(p []byte, off int64) (int, error) {
	if n, err := o.hash.WriteAt(p, off); err != nil {
		return n, err
	}
	return o.w.WriteAt(p, o.start+off)
}
