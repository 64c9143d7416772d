package compare

import (
	"context"

	"repro/internal/ndarray"
)

// filePart is one part of a file that is read when it is compared, so that no more
// than one of each file is in memory: a column of a table, a sheet.
type filePart struct {
	name string
	read func(context.Context) ([]ndarray.Array, error)
}

// compareParts compares parts name by name; several of one name in their order.
func (j *job) compareParts(ctx context.Context, kind, what string, pub, new []filePart) error {
	places := map[string][]int{}
	for i, n := range new {
		places[n.name] = append(places[n.name], i)
	}
	for _, p := range pub {
		left := places[p.name]
		if len(left) == 0 {
			j.tally.brokenAt(clip(p.name), p.name, "", "the %s %q is not in the new file", what, clip(p.name))
			continue
		}
		n := new[left[0]]
		places[p.name] = left[1:]
		old, err := p.read(ctx)
		if err != nil {
			return outside(err, published, kind)
		}
		fresh, err := n.read(ctx)
		if err != nil {
			return outside(err, produced, kind)
		}
		if err := j.compareArrays(ctx, old, fresh); err != nil {
			return err
		}
	}
	for _, n := range new {
		if len(places[n.name]) > 0 {
			places[n.name] = places[n.name][1:]
			j.tally.brokenAt(clip(n.name), "", n.name, "the %s %q is not in the published file", what, clip(n.name))
		}
	}
	return nil
}
