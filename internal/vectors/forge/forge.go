// Package forge makes images that say what their forger wants and are whole in
// all their digests, as whoever has a key could sign them. Only vectors and
// tests use it.
package forge

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"repro/format"
	"repro/format/manifest"
	"repro/format/verity"
)

// Layer returns the unsigned image with the layer called name changed, and its
// hash tree, its digests, the manifest and the UUID made to fit. The layer keeps
// its size.
func Layer(image []byte, name string, change func(layer []byte)) ([]byte, error) {
	return edit(image, func(im *format.Image, b []byte, m *manifest.Manifest) error {
		for i := range m.Objects {
			o := &m.Objects[i]
			if o.Name != name || o.Layer == nil {
				continue
			}
			place := func(id uint32) []byte {
				d := im.Objects()[id-1]
				return b[d.Offset:][:d.Size]
			}
			layer, stored := place(o.ID), place(o.ID+1)
			change(layer)
			w := verity.NewWriter()
			if _, err := w.Write(layer); err != nil {
				return err
			}
			tree, root, err := w.Finish()
			if err != nil {
				return err
			}
			copy(stored, tree)
			o.Digest, o.Layer.Root = manifest.DigestOf(layer), manifest.DigestSum(root)
			m.Objects[i+1].Digest = manifest.DigestOf(stored)
			return nil
		}
		return fmt.Errorf("no layer %q", name)
	})
}

// Manifest returns the unsigned image with another manifest, which must not be
// longer than there is room for, and the UUID made to fit.
func Manifest(image []byte, change func(*manifest.Manifest)) ([]byte, error) {
	return edit(image, func(_ *format.Image, _ []byte, m *manifest.Manifest) error {
		change(m)
		return nil
	})
}

func edit(image []byte, change func(*format.Image, []byte, *manifest.Manifest) error) ([]byte, error) {
	b := bytes.Clone(image)
	im, err := format.New(bytes.NewReader(image), int64(len(image)), "image")
	if err != nil {
		return nil, err
	}
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	if err := change(im, b, m); err != nil {
		return nil, err
	}
	doc, err := manifest.Marshal(m)
	if err != nil {
		return nil, err
	}
	o := im.Objects()[0]
	stored := b[o.Offset:][:o.Size]
	if len(doc) >= len(stored) {
		return nil, fmt.Errorf("manifest of %d bytes, there is room for %d", len(doc), len(stored)-1)
	}
	copy(stored, bytes.Repeat([]byte(" "), len(stored)-1))
	copy(stored, doc)
	h := sha256.New() // IMG-5
	h.Write([]byte("repro image 1\x00"))
	h.Write(stored)
	id := b[48:64]
	copy(id, h.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return b, nil
}
