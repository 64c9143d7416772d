package diff

import (
	"fmt"

	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/report"
)

// layers compares the layers of the same names.
func (d *differ) layers() error {
	var last int
	for _, o := range d.a.manifest.Objects {
		if o.Layer == nil {
			continue
		}
		other, ok := find(d.b.manifest.Objects, o.Name)
		if !ok {
			d.layer(report.DiffLayer{Name: o.Name, Change: report.DiffRemoved, Removed: o.Layer.Files})
			continue
		}
		if int(other.ID) < last {
			d.layer(report.DiffLayer{Name: o.Name, Change: report.DiffChanged, What: "the layers lie over each other in another order"})
		}
		last = int(other.ID)
		if err := d.both(o, other); err != nil {
			return err
		}
	}
	for _, o := range d.b.manifest.Objects {
		if o.Layer == nil {
			continue
		}
		if _, ok := find(d.a.manifest.Objects, o.Name); !ok {
			d.layer(report.DiffLayer{Name: o.Name, Change: report.DiffAdded, Added: o.Layer.Files})
		}
	}
	return nil
}

func (d *differ) layer(l report.DiffLayer) { d.report.Layers = append(d.report.Layers, l) }

// both compares a layer that both images have.
func (d *differ) both(a, b manifest.Object) error {
	if a.Layer.Content == b.Layer.Content {
		if a.Digest != b.Digest {
			d.layer(report.DiffLayer{Name: a.Name, Change: report.DiffStored, What: stored(a, b)})
		}
		return nil
	}
	ra, err := d.a.Layer(a.Name)
	if err != nil {
		return err
	}
	rb, err := d.b.Layer(b.Name)
	if err != nil {
		return err
	}
	return d.readers(a.Name, ra, rb)
}

// stored says how one content is stored in two ways.
func stored(a, b manifest.Object) string {
	switch {
	case a.Layer.Codec != b.Layer.Codec:
		return fmt.Sprintf("codec %s, then %s", a.Layer.Codec, b.Layer.Codec)
	case a.Layer.BlockSize != b.Layer.BlockSize:
		return fmt.Sprintf("blocks of %d bytes, then of %d", a.Layer.BlockSize, b.Layer.BlockSize)
	}
	return "the same codec wrote other bytes"
}

// environments compares the primary system partitions, where one of the two
// files has nothing else that can be compared.
func (d *differ) environments() error {
	a, err := d.a.Primary()
	if err != nil {
		return err
	}
	b, err := d.b.Primary()
	if err != nil {
		return err
	}
	return d.readers("environment", a, b)
}

func (d *differ) readers(name string, a, b *squashfs.Reader) error {
	ta, err := a.Tree()
	if err != nil {
		return fmt.Errorf("%s: layer %q: %w", d.a.Name(), name, err)
	}
	tb, err := b.Tree()
	if err != nil {
		return fmt.Errorf("%s: layer %q: %w", d.b.Name(), name, err)
	}
	l, err := d.trees(name, ta, tb)
	if err != nil {
		return err
	}
	if l.Added+l.Removed+l.Changed > 0 {
		d.layer(l)
	}
	return nil
}

// trees compares two trees file by file.
func (d *differ) trees(name string, a, b *tree.Node) (report.DiffLayer, error) {
	l := report.DiffLayer{Name: name, Change: report.DiffChanged}
	pairs := walk(a, b)
	if err := d.contents(name, pairs); err != nil {
		return l, err
	}
	explained := 0
	for i := range pairs {
		p := &pairs[i]
		e := p.entry()
		switch e.Change {
		case "":
			continue
		case report.DiffAdded:
			l.Added++
		case report.DiffRemoved:
			l.Removed++
		default:
			l.Changed++
		}
		if len(l.Files) >= d.o.Limit {
			l.Omitted++
			continue
		}
		if p.content && explained < maxExplained {
			explained++
			if err := d.explain(&e, fileOf(p.base(), p.a), fileOf(p.base(), p.b)); err != nil {
				return l, fmt.Errorf("layer %q: %q: %w", name, p.path, err)
			}
		}
		l.Files = append(l.Files, e)
	}
	return l, nil
}
