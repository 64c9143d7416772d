package compare

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// How far to look for the line or row at which two files meet again, and how
// often to look in vain before the rest is compared line by line. Both only
// shape what a person is told: the verdict is decided by then.
const (
	lookAhead   = 16
	maxSearches = 200
	maxSearched = 64 << 10 // bytes of a line
)

// item is one line of text or one row of a table.
type item struct {
	n     int64  // from 1
	where string // of a fact; else empty
	text  []byte
	cells []span // of a row
}

type span struct {
	from, to int
	escaped  bool // holds doubled quotes or CR
}

func (s span) of(text []byte) []byte { return text[s.from:s.to] }

// reader reads items, each into memory that it may use again.
type reader interface {
	read(*item) error // io.EOF after the last
}

// queue looks ahead on a reader.
type queue struct {
	r     reader
	items []*item // read and not yet passed
	spare []*item
	err   error
}

// peek returns the i-th item from here, or nil at the end.
func (q *queue) peek(i int) (*item, error) {
	for len(q.items) <= i && q.err == nil {
		next := new(item)
		if n := len(q.spare); n > 0 {
			next, q.spare = q.spare[n-1], q.spare[:n-1]
		}
		if q.err = q.r.read(next); q.err == nil {
			q.items = append(q.items, next)
		}
	}
	if i < len(q.items) {
		return q.items[i], nil
	}
	if errors.Is(q.err, io.EOF) {
		return nil, nil
	}
	return nil, q.err
}

func (q *queue) pop(n int) {
	q.spare = append(q.spare, q.items[:n]...)
	q.items = append(q.items[:0], q.items[n:]...)
}

// pairing takes what an aligner finds.
type pairing interface {
	judge(pub, new *item) *pair
	both(pub, new *item, p *pair) // the same parts
	replaced(pub, new *item)      // other parts in one place
	dropped(pub *item)
	added(new *item)
}

// pair is what was found about two items, before it is counted.
type pair struct {
	sames       int64 // numbers with one text
	least, most int   // digits of those
	changes     []change
	texts       int   // of the changes, how many are not between numbers
	shape       bool  // the items have the same parts
	blanks      bool  // they differ in blanks or quoting that carry nothing
	masked      int64 // places hidden by the rule
	left        bool  // something that the rule does not hide is compared
}

// close reports whether two items may stand for each other: no text differs,
// and no number beyond doubt.
func (p *pair) close() bool {
	if !p.shape || p.texts > 0 {
		return false
	}
	for _, c := range p.changes {
		if c.what == differs {
			return false
		}
	}
	return true
}

// align walks two files side by side and hands out what belongs together.
func align(ctx context.Context, pub, new *queue, to pairing) error {
	for searches, steps := 0, 0; ; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p, err := pub.peek(0)
		if err != nil {
			return err
		}
		n, err := new.peek(0)
		if err != nil {
			return err
		}
		if p == nil || n == nil {
			return rest(ctx, pub, new, to)
		}
		found := to.judge(p, n)
		if bytes.Equal(p.text, n.text) || found.close() || searches >= maxSearches || len(p.text)+len(n.text) > maxSearched {
			together(p, n, found, to)
			pub.pop(1)
			new.pop(1)
			continue
		}
		searches++
		if err := meet(pub, new, to); err != nil {
			return err
		}
	}
}

// together counts two items at one place, one way or the other.
func together(p, n *item, found *pair, to pairing) {
	if found.shape {
		to.both(p, n, found)
		return
	}
	to.replaced(p, n)
}

// meet looks for the nearest place at which the files agree again, and hands
// out what lies before it.
func meet(pub, new *queue, to pairing) error {
	drop, add, err := nearest(pub, new, to)
	if err != nil {
		return err
	}
	for i := range min(drop, add) {
		p, n := pub.items[i], new.items[i]
		together(p, n, to.judge(p, n), to)
	}
	for i := add; i < drop; i++ {
		to.dropped(pub.items[i])
	}
	for i := drop; i < add; i++ {
		to.added(new.items[i])
	}
	pub.pop(drop)
	new.pop(add)
	return nil
}

func nearest(pub, new *queue, to pairing) (drop, add int, err error) {
	for k := 1; k <= lookAhead; k++ {
		for _, at := range [...][2]int{{k, k}, {k, 0}, {0, k}} {
			p, err := pub.peek(at[0])
			if err != nil {
				return 0, 0, err
			}
			n, err := new.peek(at[1])
			if err != nil {
				return 0, 0, err
			}
			if p == nil && n == nil && at[0] == at[1] {
				return 1, 1, nil // both end here
			}
			if p != nil && n != nil && to.judge(p, n).close() {
				return at[0], at[1], nil
			}
		}
	}
	return 1, 1, nil
}

// rest hands out what one file has after the other has ended.
func rest(ctx context.Context, pub, new *queue, to pairing) error {
	for steps := 0; ; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p, err := pub.peek(0)
		if err != nil {
			return err
		}
		n, err := new.peek(0)
		switch {
		case err != nil:
			return err
		case p != nil:
			to.dropped(p)
			pub.pop(1)
		case n != nil:
			to.added(n)
			new.pop(1)
		default:
			return nil
		}
	}
}
