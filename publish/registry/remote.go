package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"repro/format"
	"repro/format/manifest"
)

// Remote is an image that is read where it lies, in a registry. Only what is looked
// at is asked for. The caller must call Close.
type Remote struct {
	*format.Image
	Digest   manifest.Digest // of its manifest in the registry
	Attached []Attachment

	bytes *ranges
	close func()
}

// Sizes of what is asked for at once.
const (
	lookChunk = 128 << 10
	readChunk = 4 << 20
)

// Open opens the image that the repository was connected for. All says that it will
// be read as a whole, and once. Its content id is the one that its manifest in the
// registry names, if that does; so what is read through the image is checked as in a
// file, and bound to the manifest's digest. The context is that of all reads.
func (r *Repository) Open(ctx context.Context, all bool) (*Remote, error) {
	s, err := r.manifest(ctx)
	if err != nil {
		return nil, err
	}
	m := &Remote{Digest: s.digest, close: func() {}}
	if all {
		m.bytes = newRanges(ctx, r, s, readChunk)
		err = m.open(m.bytes, s, r)
	} else {
		m.bytes = newRanges(ctx, r, s, lookChunk)
		err = m.openLayered(ctx, s, r)
	}
	if err == nil {
		m.Attached, err = r.attachments(ctx, s)
	}
	if err != nil {
		m.close()
		return nil, m.Explain(err)
	}
	return m, nil
}

func (m *Remote) open(bytes io.ReaderAt, s *stored, r *Repository) (err error) {
	if m.Image, err = format.New(bytes, s.file.Size, r.named.String()); err == nil {
		err = sameContent(m.Image, s, r)
	}
	if errors.Is(err, format.ErrForeign) && s.contentID == "" {
		return nil // another program's SIF file: shown as far as it goes
	}
	return err
}

func (m *Remote) openLayered(ctx context.Context, s *stored, r *Repository) error {
	l, err := newLayered(ctx, r, s, m.bytes)
	if errors.Is(err, format.ErrForeign) {
		return m.open(m.bytes, s, r)
	}
	if err != nil {
		return err
	}
	m.close = l.close
	return m.open(l, s, r)
}

// Close ends all that belongs to the image. Nobody may read it any more.
func (m *Remote) Close() error {
	m.close()
	return m.Image.Close()
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
func (m *Remote) Received() int64 { return m.bytes.read.Load() }
