package format

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"repro/internal/atomicfile"
)

// NewObject is a signature or an attestation, the only objects that are added
// to an image.
type NewObject struct {
	// Attestation leaves the object without a link. Programs for SIF files
	// ignore it then; whatever is linked to the image's group they must
	// understand and hold the key of.
	Attestation bool

	Hash   HashType // 0: SHA-256
	Entity [20]byte // the signer's OpenPGP fingerprint, or zeros
	Data   []byte   // at most maxSignature bytes
}

// Append adds a signature to the image called name: see [Update].
func Append(ctx context.Context, name string, o NewObject) error {
	return Update(ctx, name, func(im *Image) ([]NewObject, error) {
		old, err := im.Signatures()
		return append(old, o), err
	})
}

// Update replaces the signatures of the image called name by those that edit
// returns. The image that edit is given is locked against other calls of
// Update until the new one is in its place. The file is replaced as a whole or
// not at all; a file that is not an image in canonical layout is refused with
// [ErrMalformed] or [ErrForeign].
func Update(ctx context.Context, name string, edit func(*Image) ([]NewObject, error)) error {
	return update(ctx, name, func(im *Image) ([]NewObject, error) {
		if problems := im.Layout(); len(problems) > 0 {
			return nil, fmt.Errorf("%s: %w", name, &LayoutError{problems})
		}
		return edit(im)
	})
}

// update is Update for files that may be in any layout.
func update(ctx context.Context, name string, edit func(*Image) ([]NewObject, error)) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(ctx, target)
	if err != nil {
		return err
	}
	defer unlock()
	im, f, err := openFile(target)
	if err != nil {
		return err
	}
	defer im.Close()
	im.name = name
	m, err := im.manifest()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w, err := im.begin(m, f, target)
	if err != nil {
		return about(name, err)
	}
	defer w.new.Close()
	signatures, err := edit(im)
	if err != nil {
		return err
	}
	if err := w.finish(ctx, signatures); err != nil {
		return about(name, err)
	}
	return nil
}

// rewriting is an image that gets other signatures.
type rewriting struct {
	m     *storedManifest
	bound int64 // bytes up to the end of the last bound object
	old   *os.File
	new   *atomicfile.File
	tee   *tee // nil if the old content is in new already
}

// begin starts the new file. From now on whatever is read of im is copied to
// it, unless the filesystem could share it.
func (im *Image) begin(m *storedManifest, old *os.File, target string) (*rewriting, error) {
	p, err := newPlan(m, nil)
	if err != nil {
		return nil, err
	}
	w := &rewriting{m: m, bound: p.end, old: old}
	if w.new, err = atomicfile.Create(target, 0o600); err != nil {
		return nil, err
	}
	shared, err := w.new.CloneHead(old, w.bound)
	if err != nil {
		w.new.Close()
		return nil, err
	}
	if !shared {
		w.tee = &tee{src: old, dst: w.new}
		im.r = w.tee
	}
	return w, nil
}

// finish writes the given signatures and puts the new file in the old one's
// place.
func (w *rewriting) finish(ctx context.Context, signatures []NewObject) error {
	p, err := w.plan(signatures)
	if err != nil {
		return err
	}
	fi, err := w.old.Stat()
	if err != nil {
		return err
	}
	if w.tee != nil {
		if err := w.tee.finish(ctx, w.bound); err != nil {
			return err
		}
		if err := w.new.Truncate(w.bound); err != nil { // old signatures were read too
			return err
		}
	}
	for i, s := range signatures {
		if _, err := w.new.WriteAt(s.Data, p.objects[1+len(w.m.Objects)+i].Offset); err != nil {
			return err
		}
	}
	if _, err := w.new.WriteAt(p.head(), 0); err != nil {
		return err
	}
	if err := w.new.Take(fi); err != nil {
		return err
	}
	if err := selfCheck(w.new); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.old.Close() // Windows does not rename over a file that is open
	return w.new.Commit()
}

// plan lays out the image with the given signatures.
func (w *rewriting) plan(signatures []NewObject) (*plan, error) {
	var slots []signatureSlot
	for i := range signatures {
		s := &signatures[i]
		if s.Hash == 0 {
			s.Hash = HashSHA256
		}
		if n := len(s.Data); n == 0 || n > maxSignature {
			return nil, fmt.Errorf("signature of %d bytes, at most %d are allowed", n, maxSignature)
		}
		slots = append(slots, signatureSlot{s.Attestation, s.Hash, s.Entity, int64(len(s.Data))})
	}
	if n := capacity - 1 - len(w.m.Objects); len(slots) > n {
		return nil, fmt.Errorf("%d signatures: the image has room for %d", len(slots), n)
	}
	return newPlan(w.m, slots)
}

// Signatures returns the signatures and attestations of the image in slot
// order. Objects above [maxSignature] bytes give [ErrMalformed].
func (im *Image) Signatures() ([]NewObject, error) {
	var out []NewObject
	for _, o := range im.objects {
		hash, entity, ok := o.Signature()
		if !ok {
			continue
		}
		if o.Size > maxSignature {
			return nil, fmt.Errorf("%s: %w", im.name, malformed("object %d: signature of %d bytes, at most %d are allowed", o.ID, o.Size, maxSignature))
		}
		data := make([]byte, o.Size)
		if _, err := io.ReadFull(im.Section(o), data); err != nil {
			return nil, fmt.Errorf("%s: object %d: %w", im.name, o.ID, err)
		}
		out = append(out, NewObject{Attestation: o.Link == 0 && !o.LinkIsGroup, Hash: hash, Entity: entity, Data: data})
	}
	return out, nil
}
