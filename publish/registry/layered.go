package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"sync/atomic"

	"repro/format"
	"repro/internal/blockcache"
)

// Sizes of what is read of a layer. Programs start by reading little in many places,
// and go on by reading large files: then the next chunks are asked for along with one.
const (
	layerChunk = 2 * spanSize
	layerKeep  = 64 // chunks in memory, of each layer: 8 MiB
	layerAhead = 16 // chunks at once: 2 MiB

	layerFolder = "layers"
	layerTag    = "repro layer 1"
)

// layered reads an image's file in place. Blocks of layers are held against the
// layer's hash tree before anybody sees them, those that come wrong come again, and
// right ones are kept on the disk for the next time: under the layer's root hash, so
// that images share what they have in common. What lies between layers is read
// through ranges. SPEC.md, REG-10.
type layered struct {
	raw    *ranges
	spans  []span
	layers map[*layerSpan]*chunks
	cache  *blockcache.Cache // nil: nothing is kept
	room   atomic.Int64      // bytes that may still be kept: the cache makes room when it is closed
}

// newLayered opens the image whose bytes raw reads.
func newLayered(ctx context.Context, r *Repository, s *stored, raw *ranges) (*layered, error) {
	spans, err := imageSpans(raw, s, r.ref.String())
	if err != nil {
		return nil, err
	}
	l := &layered{raw: raw, spans: spans, layers: map[*layerSpan]*chunks{}}
	l.room.Store(blockcache.DefaultMax)
	if r.o.Cache != "" {
		l.cache, _ = blockcache.Open(filepath.Join(r.o.Cache, layerFolder), blockcache.DefaultMax) // it costs time to be without
	}
	for _, each := range spans {
		if each.layer != nil {
			l.layers[each.layer] = l.layer(ctx, r, s, each)
		}
	}
	return l, nil
}

// layer reads one layer.
func (l *layered) layer(ctx context.Context, r *Repository, s *stored, in span) *chunks {
	c := &chunks{size: in.end - in.start, chunk: layerChunk, keep: layerKeep, ahead: layerAhead}
	check := in.layer.check
	c.fetch = func(nr int64, b []byte) error {
		off, checked, count := nr*layerChunk, 0, l.raw.count()
		err := r.fill(ctx, s, b, in.start+off, func(n int) (int, error) {
			_, _ = count(n)
			whole := n // as far as blocks are whole
			if n < len(b) {
				whole = n / spanSize * spanSize
			}
			if err := check(off+int64(checked), b[checked:whole]); err != nil {
				if errors.Is(err, format.ErrAltered) {
					l.raw.forget() // it may be the hash tree that came wrong
				}
				return checked, cmp.Or(l.raw.failed(), err)
			}
			checked = whole
			return n, nil
		})
		if l.raw.note(err) == nil {
			l.put(in.layer, nr, b)
		}
		return err
	}
	c.local = func(nr int64, b []byte) bool {
		if l.cache == nil {
			return false
		}
		kept, ok := l.cache.Get(layerKey(in.layer, nr), b)
		return ok && len(kept) == len(b) && check(nr*layerChunk, kept) == nil
	}
	return c
}

// put keeps the chunks from nr on.
func (l *layered) put(of *layerSpan, nr int64, b []byte) {
	if l.cache == nil || l.room.Add(int64(-len(b))) < 0 {
		return
	}
	for ; len(b) > 0; nr++ {
		n := min(layerChunk, len(b))
		l.cache.Put(layerKey(of, nr), b[:n])
		b = b[n:]
	}
}

// layerKey names a chunk of a layer in the cache.
func layerKey(of *layerSpan, nr int64) [32]byte {
	b := append([]byte(layerTag), of.root...)
	return sha256.Sum256(binary.LittleEndian.AppendUint64(b, uint64(nr)))
}

// ReadAt implements io.ReaderAt.
func (l *layered) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		at := off + int64(n)
		next := spanFrom(l.spans, at)
		switch {
		case next.layer != nil && at >= next.start:
			m, err = l.layers[next.layer].ReadAt(p[n:min(int64(len(p)), int64(n)+next.end-at)], at-next.start)
		case at < next.start:
			m, err = l.raw.ReadAt(p[n:min(int64(len(p)), int64(n)+next.start-at)], at)
		default:
			return n, io.EOF
		}
		n += m
	}
	return n, err
}

// close makes room in the cache.
func (l *layered) close() {
	if l.cache != nil {
		_ = l.cache.Close() // less is kept then, and what was read is as good as ever
	}
}
