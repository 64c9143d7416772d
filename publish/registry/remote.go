package registry

import (
	"context"
	"errors"
	"fmt"

	"repro/format"
	"repro/format/manifest"
)

// Remote is an image that is read where it lies, in a registry. Nothing of it is on
// the disk, and only what is looked at is asked for.
type Remote struct {
	*format.Image
	Digest   manifest.Digest // of its manifest in the registry
	Attached []Attachment

	bytes *ranges
}

// Sizes of what is asked for at once.
const (
	lookChunk = 128 << 10
	readChunk = 4 << 20
)

// Open opens the image that the repository was connected for. All says that it will
// be read as a whole. Its content id is the one that its manifest in the registry
// names, if that does; so what is read through the image is checked as in a file,
// and bound to the manifest's digest. The context is that of all reads.
func (r *Repository) Open(ctx context.Context, all bool) (*Remote, error) {
	s, err := r.manifest(ctx)
	if err != nil {
		return nil, err
	}
	chunk := int64(lookChunk)
	if all {
		chunk = readChunk
	}
	m := &Remote{Digest: s.digest, bytes: newRanges(ctx, r, s, chunk)}
	if m.Image, err = format.New(m.bytes, s.file.Size, r.ref.String()); err == nil {
		err = sameContent(m.Image, s, r)
	}
	if errors.Is(err, format.ErrForeign) && s.contentID == "" {
		err = nil // another program's SIF file: shown as far as it goes
	}
	if err != nil {
		return nil, m.Explain(err)
	}
	m.Attached, err = r.attachments(ctx, s)
	return m, err
}

// Explain returns why the registry could not be read, if that is behind err: what
// reads an image may take the end of a connection for a fault of the image.
func (m *Remote) Explain(err error) error {
	if failed := m.bytes.failed(); err != nil && failed != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w", failed)
	}
	return err
}

// Received returns how many bytes of the image's file were asked for.
func (m *Remote) Received() int64 {
	return m.bytes.read.Load()
}
