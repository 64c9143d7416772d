package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"repro/format"
	"repro/format/manifest"
)

// errNoRanges says that a registry sends only whole blobs.
var errNoRanges = errors.New("the registry does not send parts of a blob")

// get asks for the bytes of a blob from one to before another. A registry may
// answer with all of it: then the first of them are passed over.
func (r *Repository) get(ctx context.Context, d descriptor, from, to int64) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(context.WithValue(ctx, isBlob{}, true), http.MethodGet, r.address("blobs", string(d.Digest)), nil)
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
		if want := fmt.Sprintf("bytes %d-", from); part && !strings.HasPrefix(answer.Header.Get("Content-Range"), want) {
			answer.Body.Close()
			return nil, &refusedError{fmt.Sprintf("asked for %s, the registry sends %.60q", want, answer.Header.Get("Content-Range"))}
		}
		return answer.Body, nil
	}
	if size := answer.ContentLength; size >= 0 && size != d.Size {
		answer.Body.Close()
		return nil, &refusedError{fmt.Sprintf("the manifest states %d bytes, the registry has %d", d.Size, size)}
	}
	if from > 0 {
		if to < d.Size { // a small part of what may be large: not worth it
			answer.Body.Close()
			return nil, &refusedError{errNoRanges.Error()}
		}
		if _, err := io.CopyN(io.Discard, answer.Body, from); err != nil {
			answer.Body.Close()
			return nil, err
		}
	}
	return answer.Body, nil
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

// ranges reads a blob in place, in chunks that it keeps for a while. What it reads
// is unchecked: whoever reads an image checks it. Goroutines may share it.
type ranges struct {
	r     *Repository
	ctx   context.Context // of all reads, as io.ReaderAt knows none
	blob  descriptor
	chunk int64

	mu   sync.Mutex
	kept map[int64]*part
	age  []int64 // numbers of those kept, the one asked for last at the end
	read int64   // bytes had from the registry
	err  error   // the last that was not passed
}

type part struct {
	load sync.Once
	b    []byte
	err  error
}

// keptChunks bounds the memory of a ranges.
const keptChunks = 16

func newRanges(ctx context.Context, r *Repository, blob descriptor, chunk int64) *ranges {
	return &ranges{r: r, ctx: ctx, blob: blob, chunk: chunk, kept: map[int64]*part{}}
}

// ReadAt implements io.ReaderAt.
func (g *ranges) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("read before the start")
	}
	for n < len(p) {
		at := off + int64(n)
		if at >= g.blob.Size {
			return n, io.EOF
		}
		nr := at / g.chunk
		c := g.take(nr)
		c.load.Do(func() { c.b, c.err = g.fetch(nr) })
		if c.err != nil {
			g.drop(nr, c)
			return n, c.err
		}
		n += copy(p[n:], c.b[at-nr*g.chunk:])
	}
	return n, nil
}

func (g *ranges) take(nr int64) *part {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.age {
		if other == nr {
			g.age = append(append(g.age[:i:i], g.age[i+1:]...), nr)
			return g.kept[nr]
		}
	}
	if len(g.age) == keptChunks {
		delete(g.kept, g.age[0])
		g.age = g.age[1:]
	}
	c := &part{}
	g.kept[nr], g.age = c, append(g.age, nr)
	return c
}

// drop has the next who wants a chunk ask for it again.
func (g *ranges) drop(nr int64, c *part) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept[nr] == c {
		g.kept[nr] = &part{}
	}
}

// fetch asks for a chunk, for what is missing of it if it was cut off.
func (g *ranges) fetch(nr int64) ([]byte, error) {
	from := nr * g.chunk
	b := make([]byte, min(g.chunk, g.blob.Size-from))
	have := 0
	err := retry(g.ctx, g.r.o.pause, func() (bool, error) {
		in, err := g.r.get(g.ctx, g.blob, from+int64(have), from+int64(len(b)))
		if err != nil {
			return false, err
		}
		defer in.Close()
		n, err := io.ReadFull(in, b[have:])
		have += n
		return n > 0, unexpected(err)
	})
	err = g.r.failure("blob "+g.blob.Digest.Short(), err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read += int64(have)
	if err != nil {
		g.err = err
	}
	return b, err
}

// failed returns why something could not be read. What reads an image may take that
// for a fault of the image.
func (g *ranges) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// unexpected is err, where an end is one too early.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// forget has all be asked for again.
func (g *ranges) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.kept)
	g.age = nil
}
