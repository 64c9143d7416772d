// Package diff says what differs between two images: what they say of
// themselves, object by object, and layers file by file, with a diff that a
// person can read for files that changed.
//
// Layers that have the same content digest hold the same files, whatever codec
// they are stored with, and are not read. All else is read through the hash
// trees, so that an altered image is an error and never a difference.
package diff

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

// DefaultLimit is how many differences of one sort are listed.
const DefaultLimit = 200

// maxExplained bounds the changed files of a layer that are shown inside.
const maxExplained = 50

// Options of a comparison. The zero value is ready.
type Options struct {
	Limit    int // values, and files of each layer, that are listed; 0: DefaultLimit
	Progress progress.Func
}

// Images compares two open images, which may be foreign: of those, and of an
// image compared to one, only the primary system partition, which is the
// environment, is compared. SPEC.md, DIF-1.
func Images(ctx context.Context, a, b *format.Image, o Options) (*report.Diff, error) {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	d := &differ{ctx: ctx, o: o}
	var err error
	if d.a, err = newSide(a); err != nil {
		return nil, err
	}
	if d.b, err = newSide(b); err != nil {
		return nil, err
	}
	d.report = &report.Diff{Version: report.Version, A: d.a.about, B: d.b.about}
	if d.a.manifest == nil || d.b.manifest == nil {
		err = d.environments()
	} else {
		err = d.images()
	}
	if err != nil {
		return nil, err
	}
	d.conclude()
	return d.report, nil
}

// side is one of the two images.
type side struct {
	*format.Image
	about    report.DiffImage
	manifest *manifest.Manifest // nil: foreign
}

func newSide(im *format.Image) (*side, error) {
	s := &side{Image: im, about: report.DiffImage{Image: im.Name(), Size: im.Size()}}
	m, err := im.Manifest()
	if errors.Is(err, format.ErrForeign) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if problems := im.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.Name(), &format.LayoutError{Problems: problems})
	}
	s.manifest = m
	s.about.ContentID, err = im.ContentID()
	return s, err
}

type differ struct {
	ctx    context.Context
	o      Options
	a, b   *side
	report *report.Diff
}

func (d *differ) images() error {
	if err := d.values(); err != nil {
		return err
	}
	if err := d.objects(); err != nil {
		return err
	}
	return d.layers()
}

// conclude finds the verdict. SPEC.md, DIF-1.
func (d *differ) conclude() {
	r := d.report
	var parts, aside []string
	if n := int64(len(r.Values)) + r.Omitted; n > 0 {
		parts = append(parts, count(n, "value"))
	}
	signatures := false
	for _, e := range r.Objects {
		if isSignature(e.Name) {
			signatures = true
		} else {
			parts = append(parts, e.Name)
		}
	}
	if signatures {
		aside = append(aside, "signatures")
	}
	stored := false
	for _, l := range r.Layers {
		if l.Change == report.DiffStored {
			stored = true
		} else {
			parts = append(parts, "layer "+l.Name)
		}
	}
	if stored {
		aside = append(aside, "how layers are stored")
	}
	switch {
	case len(parts) > 0:
		r.Verdict, r.Reason = report.Differs, "these differ: "+strings.Join(parts, ", ")
	case len(aside) > 0:
		r.Verdict, r.Reason = report.SameContent, "the same content; only these differ: "+strings.Join(aside, " and ")
	case d.a.manifest == nil || d.b.manifest == nil:
		r.Verdict, r.Reason = report.SameContent, "the environments hold the same files; nothing else of another program's file is compared"
	case d.a.about.ContentID != d.b.about.ContentID:
		r.Verdict, r.Reason = report.SameContent, "the same content, in files that are laid out otherwise"
	default:
		r.Verdict, r.Reason = report.Identical, "nothing differs"
	}
}

func count(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
