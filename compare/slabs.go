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

// slabs compares two data sets a few rows at a time, if both can be read so
// and the rule needs no more of them at once.
func (c *hdf5Pair) slabs(ctx context.Context, p, n *hdf5.Node) (done bool, err error) {
	if c.rule.norm != nil || c.rule.Signs != "" {
		return false, nil
	}
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
	return true, c.slabBySlab(ctx, old, fresh, step*max(1, slabBytes/old.Row/step))
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

func (c *hdf5Pair) slabBySlab(ctx context.Context, old, fresh *hdf5.Slabs, rows int) error {
	c.tally.binary = true
	e := &elements{j: c.job, pub: &old.Array, new: &fresh.Array}
	c.tally.largest = nil
	defer func() { c.tally.counts = notCounting }()
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
		e.from, c.tally.counts = from*each, e.counting()
		if err := e.part(ctx, e.from, to*each); err != nil {
			return err
		}
	}
	c.watch.more(e.unshown)
	return nil
}
