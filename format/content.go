package format

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"repro/format/manifest"
	"repro/internal/stream"
)

// Content returns the bytes of the object called name as they are in the
// image. Those of a layer are checked as they are read; those of any other
// object that the manifest binds are checked when all are read, which then
// ends with [*AlteredError] in place of io.EOF. Signatures, the manifest and
// the objects of a foreign file are not bound by anything. A name that the
// image does not have, or has more than once, gives [fs.ErrNotExist] or
// [ErrMalformed].
func (im *Image) Content(name string) (io.Reader, error) {
	var found []Object
	for _, o := range im.objects {
		if o.Name == name {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("%s: object %q: %w", im.name, name, fs.ErrNotExist)
	case len(found) > 1:
		return nil, fmt.Errorf("%s: %w", im.name, malformed("object %q: %d objects have this name", name, len(found)))
	}
	m, err := im.Manifest()
	if errors.Is(err, ErrForeign) {
		return im.Section(found[0]), nil
	}
	if err != nil {
		return nil, err
	}
	for _, o := range m.Objects {
		switch {
		case o.Name == name && o.Layer != nil:
			return im.LayerBytes(name)
		case o.Name == name:
			return im.boundContent(o)
		}
	}
	return im.Section(found[0]), nil
}

func (im *Image) boundContent(o manifest.Object) (io.Reader, error) {
	d, err := im.bound(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	return stream.Check(im.Section(d), func(sum [sha256.Size]byte) error {
		if manifest.DigestSum(sum) != o.Digest {
			return &AlteredError{o.Name, -1, "content differs from the digest that the manifest binds"}
		}
		return nil
	}), nil
}
