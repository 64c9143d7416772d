package verity

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"repro/internal/progress"
)

// chunk is how much a worker reads and checks at a time.
const chunk = 16 * BlockSize

// VerifyAll reads the whole file r once, on workers cores (0: all), and checks
// every block against t. The error is a [*CorruptError] that names the first
// block in the file that does not match. It holds 2 MiB a worker.
func VerifyAll(ctx context.Context, r io.ReaderAt, t *Tree, workers int, p progress.Func) error {
	return VerifyCopy(ctx, nil, r, t, workers, p)
}

// VerifyCopy is [VerifyAll] that also hands the file's bytes to w in order, so
// that a digest of another kind can be taken in the same pass. Bytes reach w
// whether they match or not: only a nil error makes them good.
func VerifyCopy(ctx context.Context, w io.Writer, r io.ReaderAt, t *Tree, workers int, p progress.Func) error {
	if err := ctx.Err(); err != nil { // a file of one chunk may be done before anyone looks
		return err
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	chunks := (t.size + chunk - 1) / chunk
	workers = int(max(1, min(int64(workers), chunks)))
	v := &verifier{t: t, r: r, chunks: chunks, hand: w != nil, report: p}
	for range 2 * workers {
		v.ring = append(v.ring, make(chan []byte, 1))
	}
	v.free = make(chan []byte, len(v.ring))
	for range v.ring {
		v.free <- nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		g.Go(func() error { return v.work(ctx) })
	}
	if w != nil {
		g.Go(func() error { return v.drain(ctx, w) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return v.verdict()
}

// verifier shares one file out to workers, chunk by chunk in ascending order.
// A worker takes a buffer before it takes a chunk, so that with n buffers the
// chunks under way are n consecutive ones and each has a place of its own in
// the ring.
type verifier struct {
	t      *Tree
	r      io.ReaderAt
	chunks int64
	hand   bool // every chunk goes on to drain
	report progress.Func

	free chan []byte
	ring []chan []byte
	next atomic.Int64
	done atomic.Int64

	mu  sync.Mutex
	bad *CorruptError // the first in the file so far
}

func (v *verifier) work(ctx context.Context) error {
	for {
		var b []byte
		select {
		case b = <-v.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		i := v.next.Add(1) - 1
		if i >= v.chunks {
			v.free <- b
			return nil
		}
		if b == nil {
			b = make([]byte, chunk)
		}
		b = b[:min(chunk, v.t.size-i*chunk)]
		if err := v.chunk(i, b); err != nil {
			return err
		}
		done := v.done.Add(int64(len(b)))
		v.report.Report(progress.Event{Task: "verify", Done: done, Total: v.t.size, Bytes: true})
		if v.hand {
			v.ring[i%int64(len(v.ring))] <- b
		} else {
			v.free <- b[:chunk:chunk]
		}
	}
}

// chunk reads chunk i into b and checks it. A block that does not match ends
// the handing out of chunks; those before it are under way already, so the
// first bad block of the file is found whatever the workers' order.
func (v *verifier) chunk(i int64, b []byte) error {
	if err := readFull(v.r, b, i*chunk); err != nil {
		return err
	}
	for off := 0; off < len(b); off += BlockSize {
		nr := i*(chunk/BlockSize) + int64(off/BlockSize)
		err := v.t.check(nr, b[off:min(off+BlockSize, len(b))])
		if bad := (*CorruptError)(nil); errors.As(err, &bad) {
			v.found(bad)
			if !v.hand {
				v.next.Store(v.chunks)
			}
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) found(bad *CorruptError) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bad == nil || bad.Tree && !v.bad.Tree || bad.Tree == v.bad.Tree && bad.Offset < v.bad.Offset {
		v.bad = bad
	}
}

func (v *verifier) verdict() error {
	if v.bad != nil {
		return v.bad
	}
	return nil
}

// drain hands the chunks to w in order.
func (v *verifier) drain(ctx context.Context, w io.Writer) error {
	for i := range v.chunks {
		select {
		case b := <-v.ring[i%int64(len(v.ring))]:
			if _, err := w.Write(b); err != nil {
				return err
			}
			v.free <- b[:chunk:chunk]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
