package format

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/verity"
	"repro/internal/progress"
	"repro/internal/stream"
	"repro/report"
)

// CheckOptions says how [Image.Check] works.
type CheckOptions struct {
	Workers  int           // goroutines that hash; 0: all cores
	OnRead   bool          // leave layers and their hash trees to whoever reads them: each block is checked then
	Classic  bool          // also take the SHA-256 of whole layers, which no two cores can share
	Progress progress.Func // may be nil
}

// Check says of every object that the manifest binds whether it has the
// content that the manifest states. It reads each once: layers by their hash
// trees, the rest by SHA-256; with OnRead, of a layer and its hash tree only
// the tree's highest block, so that it takes no longer for a large image. It
// returns the status of all of them, whatever it finds, and an error that wraps
// a [*LayoutError] if there is something wrong with the layout and an
// [*AlteredError] for each object that is damaged. Any other error is what kept it from its work.
func (im *Image) Check(ctx context.Context, o CheckOptions) ([]report.ObjectStatus, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	var wrong []error
	if problems := im.Layout(); len(problems) > 0 {
		wrong = append(wrong, &LayoutError{problems})
	}
	statuses := []report.ObjectStatus{im.manifestStatus(m)}
	for _, ob := range m.Objects {
		st := report.ObjectStatus{ID: ob.ID, Name: ob.Name, Role: ob.Role, Size: ob.Size, Intact: true}
		if ob.Role == manifest.RoleLayer {
			st.Mounted = "/"
		}
		st.OnRead = o.OnRead && (ob.Layer != nil || ob.Role == manifest.RoleTree)
		switch err := im.checkObject(ctx, ob, o); {
		case errors.Is(err, ErrAltered):
			wrong = append(wrong, err)
			st.Intact, st.Problem = false, err.Error()
		case errors.Is(err, ErrMalformed):
			if len(wrong) == 0 { // else part of what Layout found
				wrong = append(wrong, err)
			}
			st.Intact, st.Problem = false, err.Error()
		case err != nil:
			return nil, fmt.Errorf("%s: object %d (%q): %w", im.name, ob.ID, ob.Name, err)
		}
		statuses = append(statuses, st)
	}
	if len(wrong) > 0 {
		return statuses, fmt.Errorf("%s: %w", im.name, findings(wrong))
	}
	return statuses, nil
}

// findings is several errors on one line.
type findings []error

func (f findings) Error() string {
	text := f[0].Error()
	if n := len(f) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

func (f findings) Unwrap() []error { return f }

// manifestStatus says of the manifest whether it is the one that the UUID was
// derived from.
func (im *Image) manifestStatus(m *storedManifest) report.ObjectStatus {
	st := report.ObjectStatus{ID: 1, Name: ManifestName, Size: int64(len(m.stored)), Intact: im.header.UUID == m.uuid()}
	if !st.Intact {
		st.Problem = "manifest or UUID differs: the image's UUID is not that of its manifest"
	}
	return st
}

func (im *Image) checkObject(ctx context.Context, ob manifest.Object, o CheckOptions) error {
	if ob.Layer != nil {
		err := im.checkLayer(ctx, ob, o)
		if bad := (*AlteredError)(nil); errors.As(err, &bad) && bad.Object != ob.Name {
			return im.withoutTree(ctx, ob, bad)
		}
		if err == nil {
			err = im.checkFiles(ctx, ob, o.OnRead)
		}
		return err
	}
	if o.OnRead && ob.Role == manifest.RoleTree { // each block of it is checked before it vouches for another
		_, err := im.bound(ob)
		return err
	}
	return im.checkSum(ctx, ob)
}

// withoutTree checks a layer whose hash tree is not what the manifest binds. If
// the tree is damaged, the layer's own digest vouches for it. If tree and layer
// both have the digests that the manifest states, the manifest's root is wrong,
// and nobody could run the image: bad is returned.
func (im *Image) withoutTree(ctx context.Context, layer manifest.Object, bad *AlteredError) error {
	if err := im.checkSum(ctx, layer); err != nil {
		return err
	}
	m, err := im.manifest()
	if err != nil {
		return err
	}
	for _, ob := range m.Objects {
		if ob.Name == bad.Object && im.checkSum(ctx, ob) == nil {
			return bad
		}
	}
	return nil
}

// checkFiles refuses a layer that two readers would understand in two ways:
// what is signed must have one meaning. And it refuses one that a run could not
// begin with: that is no file system, that is not as the manifest describes it,
// or that lacks a published file (IMG-11, IMG-12). With onRead the first is left to
// whoever reads the layer: only what a few blocks tell is held here (RUN-24c).
func (im *Image) checkFiles(ctx context.Context, ob manifest.Object, onRead bool) error {
	section, err := im.LayerBytes(ob.Name)
	if err != nil {
		return err
	}
	r, err := squashfs.NewReader(section, section.Size())
	if err == nil && !onRead {
		err = r.Check(ctx)
	}
	if err == nil {
		err = padding(section, r.Size(), section.Size())
	}
	if err == nil {
		err = im.described(r, ob)
	}
	if errors.Is(err, squashfs.ErrMalformed) {
		return malformed("object %q: %v", ob.Name, err)
	}
	return err
}

// described compares a layer with what the manifest says of it, and looks for
// the published files in theirs.
func (im *Image) described(r *squashfs.Reader, ob manifest.Object) error {
	m, err := im.manifest()
	if err != nil {
		return err
	}
	bad := func(text string, a ...any) error {
		return fmt.Errorf("%w: %s", squashfs.ErrMalformed, fmt.Sprintf(text, a...))
	}
	switch l := ob.Layer; {
	case r.BlockSize() != l.BlockSize:
		return bad("blocks of %d bytes, the manifest says %d", r.BlockSize(), l.BlockSize)
	case r.Inodes() != l.Files:
		return bad("%d files, the manifest says %d", r.Inodes(), l.Files)
	case r.ModTime() != m.date:
		return bad("its time is %d, that of the image %d", r.ModTime(), m.date)
	case ob.Role != manifest.RoleHidden:
		return nil
	}
	for _, name := range m.PublishedFiles() {
		info, err := fs.Stat(r, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			return bad("published file %q: there is none", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// padding refuses a layer whose file system is followed by anything but the
// zeros up to the next 4096 bytes.
func padding(r io.ReaderAt, end, size int64) error {
	if size-end >= align {
		return fmt.Errorf("%w: %d bytes behind the file system", squashfs.ErrMalformed, size-end)
	}
	b := make([]byte, size-end)
	if _, err := r.ReadAt(b, end); err != nil && err != io.EOF {
		return err
	}
	if len(bytes.Trim(b, "\x00")) > 0 {
		return fmt.Errorf("%w: bytes behind the file system that are not zero", squashfs.ErrMalformed)
	}
	return nil
}

func (im *Image) checkSum(ctx context.Context, ob manifest.Object) error {
	d, err := im.bound(ob)
	if err != nil {
		return err
	}
	sum, _, err := stream.SHA256(ctx, im.Section(d), nil)
	if err != nil {
		return err
	}
	if manifest.DigestSum(sum) != ob.Digest {
		return &AlteredError{ob.Name, -1, "content differs from the digest that the manifest binds"}
	}
	return nil
}

func (im *Image) checkLayer(ctx context.Context, ob manifest.Object, o CheckOptions) error {
	t, err := im.tree(ob)
	if err != nil || o.OnRead {
		return err
	}
	rep := func(e progress.Event) {
		e.Task = "verify " + ob.Name
		o.Progress.Report(e)
	}
	if !o.Classic {
		return t.naming(verity.VerifyAll(ctx, t.section, t.Tree, o.Workers, rep))
	}
	h := sha256.New()
	if err := verity.VerifyCopy(ctx, h, t.section, t.Tree, o.Workers, rep); err != nil {
		return t.naming(err)
	}
	if manifest.DigestSum([32]byte(h.Sum(nil))) != ob.Digest {
		return &AlteredError{ob.Name, -1, "content agrees with its hash tree but differs from the digest that the manifest binds"}
	}
	return nil
}
