package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/stream"
)

// Media types of an image whose file is several blobs. SPEC.md, REG-9.
const (
	splitType = "application/vnd.repro.split.v1"
	pieceType = "application/vnd.repro.piece.v1"

	fileAnnotation = "repro.file" // digest of the whole

	maxPieces = 4096
)

// cuts returns where an image's file is cut: where a layer begins, and behind the
// hash tree of the last.
func cuts(im *format.Image) ([]int64, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	belongs := map[uint32]bool{} // to a layer: it, and its hash tree
	begins := map[uint32]bool{}
	for _, o := range m.Objects {
		if o.Layer != nil {
			begins[o.ID], belongs[o.ID], belongs[o.ID+1] = true, true, true
		}
	}
	objects := slices.Clone(im.Objects())
	slices.SortFunc(objects, func(a, b format.Object) int { return int(min(1, max(-1, a.Offset-b.Offset))) })
	all, within := []int64{0}, false
	for _, o := range objects {
		if begins[o.ID] || within && !belongs[o.ID] {
			all = append(all, o.Offset)
		}
		within = belongs[o.ID]
	}
	return append(all, im.Size()), nil
}

// pieces describes the blobs that an image's file is cut into.
func pieces(ctx context.Context, im *format.Image) ([]descriptor, error) {
	at, err := cuts(im)
	if err != nil {
		return nil, err
	}
	if len(at) > maxPieces {
		return nil, fmt.Errorf("%s: %d pieces, at most %d are allowed", im.Name(), len(at)-1, maxPieces)
	}
	out := make([]descriptor, len(at)-1)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(connections)
	for i := range out {
		g.Go(func() error {
			size := at[i+1] - at[i]
			sum, _, err := stream.SHA256(ctx, io.NewSectionReader(im.Bytes(), at[i], size), nil)
			out[i] = descriptor{MediaType: pieceType, Digest: manifest.DigestSum(sum), Size: size}
			return err
		})
	}
	return out, g.Wait()
}

// splitManifest is the manifest of an image whose file, with the given digest, is cut
// into parts: a function of the file alone. SPEC.md, REG-9.
func splitManifest(im *format.Image, file manifest.Digest, parts []descriptor) ([]byte, error) {
	about, err := annotationsOf(im)
	if err != nil {
		return nil, err
	}
	about[fileAnnotation] = string(file)
	return json.Marshal(document{
		SchemaVersion: 2, MediaType: manifestIn, ArtifactType: splitType,
		Config: describe(emptyType, emptyConfig), Layers: parts, Annotations: about,
	})
}

// parseSplit reads of a split image's manifest what its file is.
func parseSplit(d document) (file descriptor, err error) {
	if len(d.Layers) == 0 || len(d.Layers) > maxPieces {
		return file, fmt.Errorf("%w: %d pieces, want 1 to %d", format.ErrMalformed, len(d.Layers), maxPieces)
	}
	file.Digest = manifest.Digest(d.Annotations[fileAnnotation])
	for i, p := range d.Layers {
		if p.MediaType != pieceType {
			return file, fmt.Errorf("%w: piece %d: type %.80q, want %s", format.ErrMalformed, i+1, p.MediaType, pieceType)
		}
		if err := checkDigest(p.Digest); err != nil {
			return file, fmt.Errorf("piece %d: %w", i+1, err)
		}
		if p.Size <= 0 || p.Size > maxImage-file.Size {
			return file, fmt.Errorf("%w: piece %d: states %d bytes", format.ErrMalformed, i+1, p.Size)
		}
		file.Size += p.Size
	}
	return file, checkDigest(file.Digest)
}

// putFile sends the blobs that an image's file is, several at once.
func (r *Repository) putFile(ctx context.Context, im *format.Image, parts []descriptor) (sent int64, err error) {
	all := make([]int64, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(connections)
	at := int64(0)
	for i, p := range parts {
		blob, name := io.NewSectionReader(im.Bytes(), at, p.Size), im.Name()
		if len(parts) > 1 {
			name = fmt.Sprintf("%s, piece %d of %d", name, i+1, len(parts))
		}
		g.Go(func() (err error) {
			all[i], err = r.put(ctx, blob, p.Size, p.Digest, name)
			return err
		})
		at += p.Size
	}
	err = g.Wait()
	for _, n := range all {
		sent += n
	}
	return sent, err
}
