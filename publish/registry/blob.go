package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"repro/format"
	"repro/format/manifest"
	"repro/publish/stranger"
)

// errNoRanges says that a registry sends only whole blobs.
var errNoRanges = stranger.Refuse("the registry does not send parts of a blob")

// get asks for the bytes of a blob from one to before another.
func (r *Repository) get(ctx context.Context, d descriptor, from, to int64) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(stranger.Large(ctx), http.MethodGet, r.address("blobs", string(d.Digest)), nil)
	if err != nil {
		return nil, err
	}
	part := from > 0 || to < d.Size
	if part {
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	}
	answer, err := r.do(q, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusPartialContent {
		if !part || rightRange(answer.Header.Get("Content-Range"), from, d.Size) {
			return answer.Body, nil
		}
		answer.Body.Close()
		return nil, stranger.Refuse(fmt.Sprintf("asked for bytes %d-%d of %d, the registry sends %.60q", from, to-1, d.Size, answer.Header.Get("Content-Range")))
	}
	if size := answer.ContentLength; size >= 0 && size != d.Size {
		answer.Body.Close()
		return nil, stranger.Refuse(fmt.Sprintf("the manifest states %d bytes, the registry has %d", d.Size, size))
	}
	if part { // of what may be large: passing over the rest is not worth it
		answer.Body.Close()
		return nil, errNoRanges
	}
	return answer.Body, nil
}

// rightRange says whether a Content-Range begins where it was asked to, in a blob
// of that size. A registry may say that it does not know the size.
func rightRange(text string, from, size int64) bool {
	rest, ok := strings.CutPrefix(text, fmt.Sprintf("bytes %d-", from))
	_, total, slash := strings.Cut(rest, "/")
	return ok && slash && (total == "*" || total == strconv.FormatInt(size, 10))
}

// small reads a whole blob of a few bytes and checks its digest.
func (r *Repository) small(ctx context.Context, d descriptor, most int64) (b []byte, err error) {
	if err := checkDigest(d.Digest); err != nil {
		return nil, err
	}
	if d.Size < 0 || d.Size > most {
		return nil, fmt.Errorf("%w: states %d bytes, at most %d are read", format.ErrMalformed, d.Size, most)
	}
	err = retry(ctx, r.o.pause, func() (bool, error) {
		in, err := r.get(ctx, d, 0, d.Size)
		if err != nil {
			return false, err
		}
		defer in.Close()
		b, err = io.ReadAll(io.LimitReader(in, d.Size+1))
		return false, err
	})
	if err == nil && manifest.DigestOf(b) != d.Digest {
		err = fmt.Errorf("%w: what the registry sends is not what its digest names", format.ErrAltered)
	}
	return b, err
}

// read asks for the bytes of an image's file from one to before another, as far as
// they lie in one blob: end says how far that is. SPEC.md, REG-9.
func (r *Repository) read(ctx context.Context, s *stored, from, to int64) (in io.ReadCloser, end int64, err error) {
	start := int64(0)
	for _, p := range s.parts {
		if from < start+p.Size {
			end = min(to, start+p.Size)
			in, err = r.get(ctx, p, from-start, end-start)
			return in, end, err
		}
		start += p.Size
	}
	return nil, 0, io.ErrUnexpectedEOF
}

// fill fills b with the file's bytes from an offset on, and asks again for what is
// missing if that was cut off. Got says how much has come, and may refuse it: then
// all from there on comes again.
func (r *Repository) fill(ctx context.Context, s *stored, b []byte, off int64, got func(n int) (kept int, err error)) error {
	have := 0
	err := retry(ctx, r.o.pause, func() (bool, error) {
		before := have
		for have < len(b) {
			in, end, err := r.read(ctx, s, off+int64(have), off+int64(len(b)))
			if err != nil {
				return have > before, err
			}
			have, err = fillFrom(in, b[:end-off], have, got)
			in.Close()
			if err != nil {
				return have > before, err
			}
		}
		return true, nil
	})
	return r.failure("blob "+s.file.Digest.Short(), err)
}

// fillFrom reads what b lacks, in pieces that got is told of.
func fillFrom(in io.Reader, b []byte, have int, got func(n int) (int, error)) (int, error) {
	for at := have; at < len(b); {
		n, err := io.ReadFull(in, b[at:min(at+spanSize, len(b))])
		at += n
		kept, refused := got(at)
		have = kept
		if refused != nil {
			return have, refused
		}
		if err != nil {
			return have, unexpected(err)
		}
	}
	return have, nil
}

// unexpected is err, where an end is one too early.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ranges reads an image's file in place. What it reads is unchecked: whoever reads
// an image checks it. Goroutines may share it.
type ranges struct {
	chunks
	read atomic.Int64 // bytes had from the registry

	mu  sync.Mutex
	err error // the last that did not pass
}

func newRanges(ctx context.Context, r *Repository, s *stored, chunk int64) *ranges {
	g := &ranges{chunks: chunks{size: s.file.Size, chunk: chunk, keep: keptChunks}}
	g.fetch = func(nr int64, b []byte) error {
		return g.note(r.fill(ctx, s, b, nr*chunk, g.count()))
	}
	return g
}

// keptChunks bounds the memory of a ranges.
const keptChunks = 16

// count counts what comes of one request, and takes it.
func (g *ranges) count() func(n int) (int, error) {
	counted := 0
	return func(n int) (int, error) {
		g.read.Add(int64(max(0, n-counted)))
		counted = n // less than before, where some of it was refused
		return n, nil
	}
}

// note keeps an error for [ranges.failed].
func (g *ranges) note(err error) error {
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.err = err
	}
	return err
}

// failed returns why something could not be read. What reads an image may take that
// for a fault of the image.
func (g *ranges) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}
