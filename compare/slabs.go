package compare

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"repro/internal/hdf5"
	"repro/internal/ndarray"
)

// Of large data sets, in bytes.
const (
	leastSlabs = 4 << 20 // those that are smaller are read at once
	slabBytes  = 8 << 20 // about how much of each is in memory at a time
)

// slabs compares two data sets a few rows at a time, if both can be read so;
// twice, if the rule speaks of all of their numbers.
func (c *hdf5Pair) slabs(ctx context.Context, p, n *hdf5.Node) (done bool, err error) {
	old, err := p.Slabs(ctx, c.least)
	if err != nil {
		return false, outside(err, published, kindHDF5)
	}
	if old == nil {
		return false, nil
	}
	fresh, err := n.Slabs(ctx, c.least)
	if err != nil {
		return false, outside(err, produced, kindHDF5)
	}
	if fresh == nil || !alikeArrays(&old.Array, &fresh.Array) {
		return false, nil
	}
	step := old.Step / divisor(old.Step, fresh.Step) * fresh.Step
	if step > 4*slabBytes/max(1, old.Row) {
		return false, nil
	}
	if err := old.Start(); err != nil {
		return false, outside(err, published, kindHDF5)
	}
	if err := fresh.Start(); err != nil {
		return false, outside(err, produced, kindHDF5)
	}
	rows := step * max(1, slabBytes/old.Row/step)
	e := &elements{j: c.job, pub: &old.Array, new: &fresh.Array}
	if e.measures() {
		if err := c.measure(ctx, p, n, e, rows); err != nil {
			return true, err
		}
	}
	return true, c.slabBySlab(ctx, old, fresh, e, rows)
}

// measure reads all rows once before they are compared.
func (c *hdf5Pair) measure(ctx context.Context, p, n *hdf5.Node, e *elements, rows int) error {
	old, err := p.Slabs(ctx, c.least)
	if err != nil {
		return outside(err, published, kindHDF5)
	}
	fresh, err := n.Slabs(ctx, c.least)
	if err != nil {
		return outside(err, produced, kindHDF5)
	}
	m := e.measuring()
	err = eachSlab(ctx, old, fresh, rows, func(from, to int) error {
		m.part(&old.Array, &fresh.Array, from, to)
		return nil
	})
	m.finish()
	return err
}

// divisor is the greatest common divisor.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func alikeArrays(p, n *ndarray.Array) bool {
	return p.Name == n.Name && p.Type == n.Type && p.Class == n.Class && p.Size == n.Size && slices.Equal(p.Shape, n.Shape)
}

func (c *hdf5Pair) slabBySlab(ctx context.Context, old, fresh *hdf5.Slabs, e *elements, rows int) error {
	c.tally.binary = true
	c.tally.largest = e.largest
	defer func() { c.tally.counts = notCounting }()
	err := eachSlab(ctx, old, fresh, rows, func(from, to int) error {
		e.from, c.tally.counts = from, e.counting()
		return e.part(ctx, from, to)
	})
	if err == nil {
		c.watch.more(e.unshown)
	}
	return err
}

// eachSlab reads so many rows at a time of both, and calls visit with the
// elements that they are.
func eachSlab(ctx context.Context, old, fresh *hdf5.Slabs, rows int, visit func(from, to int) error) error {
	each := old.Row / old.Array.Size
	all := old.Array.Shape[0]
	for from := 0; from < all; from += rows {
		to := min(all, from+rows)
		var failed [2]error
		var both sync.WaitGroup
		for i, s := range []*hdf5.Slabs{old, fresh} {
			both.Go(func() { s.Array.Data, failed[i] = s.Read(ctx, from, to, s.Array.Data) })
		}
		both.Wait()
		for i, of := range []side{published, produced} {
			if failed[i] != nil {
				return cmp.Or(ctx.Err(), outside(failed[i], of, kindHDF5))
			}
		}
		if err := visit(from*each, to*each); err != nil {
			return err
		}
	}
	return nil
}
