package format

import (
	"context"
	"fmt"
	"io"
)

// Restore brings an image back to the canonical layout to which another
// program added signatures in its own way, as `apptainer sign` does. It works
// like [Update], except that edit is given the image as it was before anything
// was signed, in canonical layout, and the signatures found in the file. Bytes
// that are neither bound by the manifest nor among the signatures that edit
// returns are left out of the new file.
func Restore(ctx context.Context, name string, edit func(bare *Image, found []NewObject) ([]NewObject, error)) error {
	return update(ctx, name, func(im *Image) ([]NewObject, error) {
		bare, err := im.bare()
		if err != nil {
			return nil, err
		}
		found, err := im.Signatures()
		if err != nil {
			return nil, err
		}
		return edit(bare, found)
	})
}

// bare returns the image without signatures: the head that its manifest
// implies, then the bound objects from the file.
func (im *Image) bare() (*Image, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	p, err := newPlan(m, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	if p.end > im.size {
		return nil, fmt.Errorf("%s: %w", im.name, malformed("%d bytes, the manifest lists objects up to %d", im.size, p.end))
	}
	bare, err := New(headed{p.head(), im.r}, p.end, im.name)
	if err != nil {
		return nil, err
	}
	if problems := bare.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.name, &LayoutError{problems})
	}
	return bare, nil
}

// headed is a file whose first bytes are replaced.
type headed struct {
	head []byte
	r    io.ReaderAt
}

func (h headed) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(h.head)) {
		return h.r.ReadAt(b, off)
	}
	n := copy(b, h.head[off:])
	if n == len(b) {
		return n, nil
	}
	more, err := h.r.ReadAt(b[n:], off+int64(n))
	return n + more, err
}
