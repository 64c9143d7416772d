package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/stream"
)

// Pushed says what is in a registry after a push.
type Pushed struct {
	Version   int             `json:"version"`
	Reference string          `json:"reference"` // pinned to the digest
	Digest    manifest.Digest `json:"digest"`    // of the manifest
	ContentID manifest.Digest `json:"contentId"`
	File      manifest.Digest `json:"file"` // of the image's file
	Size      int64           `json:"size"` // of the same
	Sent      int64           `json:"sent"` // bytes of blobs; 0: all was there
	Attached  []Attached      `json:"attached"`
}

// Push sends an image and what is attached to it. An image that is not whole is
// not sent. Blobs that are in the repository are not sent again. The manifest, and
// so the tag, comes last: a push that was cut off leaves the tag as it was.
// SPEC.md, REG-3.
func (r *Repository) Push(ctx context.Context, im *format.Image, attachments []Attachment) (*Pushed, error) {
	file, err := wholeImage(ctx, im)
	if err != nil {
		return nil, err
	}
	raw, err := r.newManifest(ctx, im, file)
	if err != nil {
		return nil, err
	}
	s, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	out := &Pushed{
		Version: 1, Reference: r.ref.Pinned(string(s.digest)).String(), Digest: s.digest,
		ContentID: manifest.Digest(s.contentID), File: file, Size: im.Size(), Attached: []Attached{},
	}
	if out.Sent, err = r.putFile(ctx, im, s.parts); err != nil {
		return nil, err
	}
	n, err := r.putBytes(ctx, emptyConfig)
	if out.Sent += n; err != nil {
		return nil, err
	}
	name := r.ref.identifier()
	if r.ref.digest() != "" {
		name = string(s.digest)
	}
	if _, err := r.putManifest(ctx, raw, manifestIn, name); err != nil {
		return nil, err
	}
	r.remember(s.parts...)
	for _, a := range attachments {
		done, n, err := r.attach(ctx, s, a)
		if err != nil {
			return nil, err
		}
		out.Sent += n
		out.Attached = append(out.Attached, *done)
	}
	return out, nil
}

// newManifest is the manifest of an image in the form that was asked for.
func (r *Repository) newManifest(ctx context.Context, im *format.Image, file manifest.Digest) ([]byte, error) {
	if !r.o.Split {
		return imageManifest(im, file)
	}
	parts, err := pieces(ctx, im)
	if err != nil {
		return nil, err
	}
	return splitManifest(im, file, parts)
}

// putBytes sends a small blob.
func (r *Repository) putBytes(ctx context.Context, b []byte) (sent int64, err error) {
	return r.put(ctx, bytes.NewReader(b), int64(len(b)), manifest.DigestOf(b), "")
}

// wholeImage checks an image and returns the digest of its file.
func wholeImage(ctx context.Context, im *format.Image) (manifest.Digest, error) {
	var sum [sha256.Size]byte
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := im.Check(ctx, format.CheckOptions{})
		return err
	})
	g.Go(func() (err error) {
		sum, _, err = stream.SHA256(ctx, io.NewSectionReader(im.Bytes(), 0, im.Size()), nil)
		return err
	})
	err := g.Wait()
	return manifest.DigestSum(sum), err
}
