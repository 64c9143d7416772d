package diff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path"
	"strings"

	"repro/compare"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/stream"
	"repro/report"
)

// objects compares the small objects by the digests of the manifests, and
// signatures by their bytes.
func (d *differ) objects() error {
	a, b := small(d.a.manifest), small(d.b.manifest)
	for _, o := range a {
		other, ok := find(b, o.Name)
		switch {
		case !ok:
			d.object(report.DiffEntry{Name: o.Name, Change: report.DiffRemoved, SizeA: o.Size})
		case o.Digest != other.Digest:
			e := report.DiffEntry{Name: o.Name, Change: report.DiffChanged, SizeA: o.Size, SizeB: other.Size}
			if err := d.explainObject(&e); err != nil {
				return err
			}
			d.object(e)
		}
	}
	for _, o := range b {
		if _, ok := find(a, o.Name); !ok {
			d.object(report.DiffEntry{Name: o.Name, Change: report.DiffAdded, SizeB: o.Size})
		}
	}
	return d.signatures()
}

func (d *differ) object(e report.DiffEntry) { d.report.Objects = append(d.report.Objects, e) }

// small lists the objects that are neither layers nor their trees.
func small(m *manifest.Manifest) (out []manifest.Object) {
	for _, o := range m.Objects {
		if o.Layer == nil && o.Role != manifest.RoleTree {
			out = append(out, o)
		}
	}
	return out
}

func find(objects []manifest.Object, name string) (manifest.Object, bool) {
	for _, o := range objects {
		if o.Name == name {
			return o, true
		}
	}
	return manifest.Object{}, false
}

func (d *differ) explainObject(e *report.DiffEntry) error {
	var files [2]compare.File
	for i, s := range []*side{d.a, d.b} {
		r, err := s.Content(e.Name)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(io.LimitReader(r, manifest.MaxDocument+1))
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
		files[i] = fileOf(path.Base(e.Name), tree.NewFile(0o644, b))
	}
	return d.explain(e, files[0], files[1])
}

const signaturePrefix = "signature "

func isSignature(name string) bool { return strings.HasPrefix(name, signaturePrefix) }

// signatures compares the signature objects, in whatever order they stand.
func (d *differ) signatures() error {
	a, err := signaturesOf(d.ctx, d.a.Image)
	if err != nil {
		return err
	}
	b, err := signaturesOf(d.ctx, d.b.Image)
	if err != nil {
		return err
	}
	for _, s := range a {
		if !contains(b, s) {
			d.object(report.DiffEntry{Name: s.name(), Change: report.DiffRemoved, SizeA: s.size})
		}
	}
	for _, s := range b {
		if !contains(a, s) {
			d.object(report.DiffEntry{Name: s.name(), Change: report.DiffAdded, SizeB: s.size})
		}
	}
	return nil
}

// signature is a signature object.
type signature struct {
	id   uint32
	size int64
	sum  [sha256.Size]byte
}

func (s signature) name() string { return fmt.Sprintf("%s%d", signaturePrefix, s.id) }

func contains(all []signature, s signature) bool {
	for _, other := range all {
		if bytes.Equal(other.sum[:], s.sum[:]) {
			return true
		}
	}
	return false
}

func signaturesOf(ctx context.Context, im *format.Image) (out []signature, err error) {
	for _, o := range im.Objects() {
		if o.Type != format.DataSignature {
			continue
		}
		sum, _, err := stream.SHA256(ctx, im.Section(o), nil)
		if err != nil {
			return nil, fmt.Errorf("%s: object %d: %w", im.Name(), o.ID, err)
		}
		out = append(out, signature{o.ID, o.Size, sum})
	}
	return out, nil
}
