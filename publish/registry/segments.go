package registry

import (
	"cmp"
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"repro/format"
)

const (
	// connections is how many requests for blobs are under way at once, in either
	// direction.
	connections = 4

	// segmentSize is about how much of a file one request brings. As many as there are
	// connections are in memory, and a few more.
	segmentSize = 8 << 20
)

// segment is a part of a file that one connection brings. It ends where a span does.
type segment struct {
	from int64
	b    []byte
	done chan struct{} // closed when b holds it, checked
}

// segments brings all of the file that is missing, by several connections at once.
// Each checks what it brings; one goroutine writes it, in order, so that the file is
// at any time a start of what it will be. SPEC.md, REG-6.
func (p *pull) segments(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	p.spare = make(chan []byte, 2*connections)
	ordered, work := make(chan *segment, connections), make(chan *segment)
	g.Go(func() error {
		defer close(ordered)
		defer close(work)
		return p.divide(ctx, ordered, work)
	})
	for range connections {
		g.Go(func() error {
			for s := range work {
				if err := p.bring(ctx, s); err != nil {
					return err
				}
				close(s.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for s := range ordered {
			select {
			case <-s.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := p.keep(s.b); err != nil {
				return err
			}
			select {
			case p.spare <- s.b[:cap(s.b)]:
			default:
			}
		}
		return nil
	})
	return g.Wait()
}

// divide makes segments of what is missing, and hands each on twice.
func (p *pull) divide(ctx context.Context, to ...chan<- *segment) error {
	for from := p.have; from < p.s.file.Size; {
		end := p.s.file.Size
		if from+segmentSize < end {
			end = spanAt(p.spans, from+segmentSize-1).end
		}
		s := &segment{from: from, b: p.buffer()[:end-from], done: make(chan struct{})}
		for _, c := range to {
			select {
			case c <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		from = end
	}
	return nil
}

// buffer returns room for a segment, used before if possible.
func (p *pull) buffer() []byte {
	select {
	case b := <-p.spare:
		return b
	default:
		return make([]byte, segmentSize+spanSize)
	}
}

// bring fills a segment. A block that came wrong comes again.
func (p *pull) bring(ctx context.Context, s *segment) error {
	checked, counted := 0, 0
	return p.r.fill(ctx, p.s, s.b, s.from, func(n int) (int, error) {
		if n > counted {
			p.received.Add(int64(n - counted))
		}
		counted = n
		for checked < n {
			next := spanAt(p.spans, s.from+int64(checked))
			end := int(next.end - s.from)
			if end > n {
				break
			}
			if err := next.check(s.b[checked:end]); err != nil {
				counted = checked
				if errors.Is(err, format.ErrAltered) {
					p.remote.forget() // it may be the hash tree that came wrong
				}
				return checked, cmp.Or(p.remote.failed(), err)
			}
			checked = end
		}
		return n, nil
	})
}
