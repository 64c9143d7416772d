package registry

import (
	"fmt"
	"io"
	"sort"

	"repro/format"
	"repro/format/manifest"
	"repro/format/verity"
)

// spanSize is the most bytes that arrive before they are looked at.
const spanSize = verity.BlockSize

// span is a part of an image's file that is checked by itself: a block of a layer,
// by the layer's hash tree. What lies between has no hash of its own; the digest of
// the whole file vouches for it.
type span struct {
	start, end int64
	layer      *layerSpan // nil: between
}

// layerSpan is a layer in an image's file.
type layerSpan struct {
	start int64
	root  manifest.Digest                 // of its hash tree
	check func(off int64, b []byte) error // holds its blocks against that
}

// check says whether b is what the file has here.
func (s span) check(b []byte) error {
	if s.layer == nil {
		return nil
	}
	return s.layer.check(s.start-s.layer.start, b)
}

// imageSpans opens the image whose bytes r reads and returns its layers as spans,
// in order. Hash trees are read, and checked, as they are needed.
func imageSpans(r io.ReaderAt, s *stored, name string) ([]span, error) {
	im, err := format.New(r, s.file.Size, name)
	if err != nil {
		return nil, err
	}
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	end := int64(0)
	var spans []span
	for _, o := range m.Objects {
		if o.Layer == nil {
			continue
		}
		check, err := im.LayerCheck(o.Name)
		if err != nil {
			return nil, err
		}
		at := im.Objects()[o.ID-1].Offset
		if at < end {
			return nil, fmt.Errorf("%s: %w: layer %q lies within what is before it", name, format.ErrMalformed, o.Name)
		}
		end = at + o.Size
		spans = append(spans, span{at, end, &layerSpan{at, o.Layer.Root, check}})
	}
	return append(spans, span{s.file.Size, s.file.Size, nil}), nil
}

// spanAt returns what is checked next where all before an offset has come.
func spanAt(spans []span, off int64) span {
	next := spanFrom(spans, off)
	if off < next.start || next.layer == nil {
		return span{off, min(off+spanSize, next.start), nil}
	}
	within := (off - next.start) / spanSize * spanSize
	return span{next.start + within, min(next.start+within+spanSize, next.end), next.layer}
}

// spanFrom returns the layer in which an offset lies, or the next.
func spanFrom(spans []span, off int64) span {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].end > off })
	return spans[min(i, len(spans)-1)]
}
