package format

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"repro/internal/atomicfile"
)

// tee copies what is read of a file to another one, so that an image is
// checked and copied in one pass. It may be shared by goroutines.
type tee struct {
	src io.ReaderAt
	dst *atomicfile.File

	mu   sync.Mutex
	done []span // written to dst, in order, apart from each other
}

// span is a range of bytes in a file.
type span struct{ from, to int64 }

// ReadAt is that of the source. An error in writing is one in reading: who
// reads must not go on.
func (t *tee) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.src.ReadAt(p, off)
	if n == 0 {
		return n, err
	}
	for _, s := range t.missing(off, off+int64(n)) {
		if _, err := t.dst.WriteAt(p[s.from-off:s.to-off], s.from); err != nil {
			return 0, err
		}
		t.note(s)
	}
	return n, err
}

// missing returns what of a range has not been written. Bytes that are read
// again are not written again: what was checked first is what is kept.
func (t *tee) missing(from, to int64) (out []span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := slices.BinarySearchFunc(t.done, from, func(s span, at int64) int { return cmp.Compare(s.to, at) })
	for ; i < len(t.done) && t.done[i].from < to; i++ {
		if from < t.done[i].from {
			out = append(out, span{from, t.done[i].from})
		}
		from = max(from, t.done[i].to)
	}
	if from < to {
		out = append(out, span{from, to})
	}
	return out
}

// note adds s to what is done, and joins it with its neighbours.
func (t *tee) note(s span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := slices.BinarySearchFunc(t.done, s.from, func(d span, at int64) int { return cmp.Compare(d.to, at) })
	j := i
	for ; j < len(t.done) && t.done[j].from <= s.to; j++ {
		s = span{min(s.from, t.done[j].from), max(s.to, t.done[j].to)}
	}
	t.done = slices.Replace(t.done, i, j, s)
}

// finish copies what of the first n bytes nobody has read.
func (t *tee) finish(ctx context.Context, n int64) error {
	b := make([]byte, 1<<20)
	for _, s := range t.missing(0, n) {
		for s.from < s.to {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := b[:min(int64(len(b)), s.to-s.from)]
			if got, err := t.ReadAt(part, s.from); got < len(part) {
				return fmt.Errorf("copy byte %d: %w", s.from, cmp.Or(err, io.ErrUnexpectedEOF))
			}
			s.from += int64(len(part))
		}
	}
	return nil
}
