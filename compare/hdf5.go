package compare

import (
	"context"
	"slices"
	"strings"

	"repro/internal/hdf5"
)

const kindHDF5 = "hdf5"

func init() { comparers[kindHDF5] = compareHDF5 }

// compareHDF5 compares what two HDF5 files hold, name by name (CMP-118). One
// data set of each is in memory at a time, or some of its rows.
func compareHDF5(ctx context.Context, j *job) error { return compareHDF5From(ctx, j, leastSlabs) }

// compareHDF5From reads data sets of at least so many bytes row by row.
func compareHDF5From(ctx context.Context, j *job, least int) error {
	if done, err := j.acrossNetCDF(ctx); done || err != nil {
		return err
	}
	var lists [2][]hdf5.Node
	var notes bool
	for i, of := range []side{published, produced} {
		in, err := j.files[i].open(of)
		if err != nil {
			return err
		}
		defer in.Close()
		at, size, err := in.anywhere()
		if err != nil {
			return err
		}
		f, err := hdf5.Open(at, size)
		if err == nil {
			lists[i], err = f.Nodes(ctx)
		}
		if err != nil {
			return outside(err, of, kindHDF5)
		}
		notes = notes || slices.ContainsFunc(lists[i], func(n hdf5.Node) bool { return n.Name == "/@_NCProperties" })
	}
	j.sameContent = "the same groups, data sets and attributes; only their packing, layout or times differ"
	c := &hdf5Pair{job: j, least: least}
	pub, new := lists[0], lists[1]
	if notes || extension(j.name) == ".nc" || extension(j.name) == ".nc4" {
		pub, new = withoutNotes(pub), withoutNotes(new)
	}
	return c.compare(ctx, pub, new)
}

// withoutNotes leaves out attributes that say how a NetCDF file was written.
func withoutNotes(nodes []hdf5.Node) []hdf5.Node {
	return slices.DeleteFunc(nodes, func(n hdf5.Node) bool {
		_, name, is := strings.Cut(n.Name, "@")
		return is && n.Sort == hdf5.Attribute && (slices.Contains(netcdfNotes, name) || name == "_NCProperties")
	})
}

type hdf5Pair struct {
	*job
	least int
}

// compare walks two lists in order of names.
func (c *hdf5Pair) compare(ctx context.Context, pub, new []hdf5.Node) error {
	for len(pub) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0 || len(pub) > 0 && pub[0].Name < new[0].Name:
			c.tally.brokenAt(clip(pub[0].Name), pub[0].Sort, "", "%s %q is not in the new file", pub[0].Sort, clip(pub[0].Name))
			pub = pub[1:]
		case len(pub) == 0 || new[0].Name < pub[0].Name:
			c.tally.brokenAt(clip(new[0].Name), "", new[0].Sort, "%s %q is not in the published file", new[0].Sort, clip(new[0].Name))
			new = new[1:]
		default:
			if err := c.node(ctx, &pub[0], &new[0]); err != nil {
				return err
			}
			pub, new = pub[1:], new[1:]
		}
	}
	return nil
}

func (c *hdf5Pair) node(ctx context.Context, p, n *hdf5.Node) error {
	if p.Sort != n.Sort || p.Text != n.Text {
		pub, new := strings.TrimSpace(p.Sort+" "+p.Text), strings.TrimSpace(n.Sort+" "+n.Text)
		c.tally.brokenAt(clip(p.Name), pub, new, "%s: published %s, new %s", clip(p.Name), clip(pub), clip(new))
		return nil
	}
	if done, err := c.slabs(ctx, p, n); done || err != nil {
		return err
	}
	old, err := p.Read(ctx)
	if err != nil {
		return outside(err, published, kindHDF5)
	}
	fresh, err := n.Read(ctx)
	if err != nil {
		return outside(err, produced, kindHDF5)
	}
	return c.compareArrays(ctx, old, fresh)
}
