package oci

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/internal/stream"
)

// apply reads the layers and lays them over each other. A layer that occurs
// twice is read once. SPEC.md, ENV-4.
func (s *Source) apply(ctx context.Context, st store, im *image, p progress.Func) error {
	read := map[manifest.Digest]opened{}
	root := tree.NewDir()
	for i, l := range im.layers {
		p.Report(progress.Event{Task: "read layers", Done: int64(i), Total: int64(len(im.layers))})
		o, ok := read[l.diffID]
		if !ok {
			var err error
			if o, err = s.layer(ctx, st, l); err != nil {
				return fmt.Errorf("layer %d (%s): %w", i+1, l.name, err)
			}
			read[l.diffID] = o
		}
		t, err := tree.FromTar(o, o.size, tree.TarOptions{Whiteouts: true, Lower: root})
		if err != nil {
			return fmt.Errorf("layer %d (%s): %w: %w", i+1, l.name, ErrMalformed, err)
		}
		root = tree.Union(root, t)
	}
	p.Report(progress.Event{Task: "read layers", Done: int64(len(im.layers)), Total: int64(len(im.layers))})
	s.Tree = root
	return nil
}

// opened is a layer's uncompressed tar stream.
type opened struct {
	io.ReaderAt
	size int64
}

// layer verifies a layer and returns its tar stream, which lies in the store
// or in a nameless temporary file.
func (s *Source) layer(ctx context.Context, st store, l layer) (opened, error) {
	f, err := st.open(l.name)
	if err != nil {
		return opened{}, err
	}
	s.closers = append(s.closers, f.Close)
	if l.size >= 0 && f.Size() != l.size {
		return opened{}, malformed("%d bytes, %d are stated", f.Size(), l.size)
	}
	stored, plain := sha256.New(), sha256.New()
	in := io.TeeReader(f, stored)
	spool, err := uncompressed(ctx, in, f.Size(), plain)
	if err != nil {
		return opened{}, err
	}
	if spool != nil {
		s.closers = append(s.closers, spool.Close)
	}
	if _, err := io.Copy(io.Discard, stream.Until(ctx, in)); err != nil { // what follows the compressed stream
		return opened{}, err
	}
	digest := manifest.DigestSum([32]byte(stored.Sum(nil)))
	if l.digest != "" && digest != l.digest {
		return opened{}, malformed("content differs from its digest")
	}
	o := opened{f, f.Size()}
	if spool != nil {
		digest = manifest.DigestSum([32]byte(plain.Sum(nil)))
		info, err := spool.Stat()
		if err != nil {
			return opened{}, err
		}
		o = opened{spool, info.Size()}
	}
	if digest != l.diffID {
		return opened{}, malformed("uncompressed content differs from the digest in the configuration")
	}
	return o, nil
}
