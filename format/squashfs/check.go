package squashfs

import (
	"context"
	"fmt"
)

// Check refuses a file system that two readers could understand in two ways,
// or that holds anything beside what its listings lead to. It reads all that
// names and describes files, and of their contents the sizes only: what it
// accepts is written as [Write] does, to the byte of each table, so that every
// reader that keeps to the format finds the same files (SQ-41 to SQ-46). It
// takes some tens of bytes of memory for each file. An error wraps
// [ErrMalformed] unless reading failed.
func (r *Reader) Check(ctx context.Context) error {
	c := checker{
		r: r, refs: make([]uint64, r.super.Inodes+1), links: make([]uint32, r.super.Inodes+1),
		owners: make([]bool, len(r.ids)), sets: make([]bool, r.xattrs.count),
	}
	begin, err := c.options()
	if err != nil {
		return err
	}
	root, err := r.root()
	if err != nil {
		return err
	}
	defer r.loadAhead()()
	if err := c.inode(ctx, nil, root, 0); err != nil {
		return err
	}
	if err := c.inodeTables(ctx); err != nil {
		return err
	}
	if err := c.lookupTables(); err != nil {
		return err
	}
	return c.dataArea(begin)
}

type checker struct {
	r      *Reader
	refs   []uint64 // where the inode of each number stands, and one
	links  []uint32 // how many names it has; of directories also those below that name it
	names  int
	owners []bool // which ids are used
	sets   []bool // which extended attributes are
	data   []stored
	ends   []end
}

func (c *checker) inode(ctx context.Context, at *way, in *record, depth int) error {
	if met := c.refs[in.number]; met != 0 {
		if in.kind == typeDir || met != in.ref+1 {
			return malformed("%q: inode %d stands in two places", at.String(), in.number)
		}
		c.links[in.number]++
		return nil
	}
	c.refs[in.number] = in.ref + 1
	if c.links[in.number] = 1; in.kind != typeDir {
		return nil
	}
	c.links[in.number] = 2
	if depth == MaxDepth {
		return malformed("%q: more than %d directories deep", at.String(), MaxDepth)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	list, _, err := c.r.readList(in)
	if err != nil {
		return fmt.Errorf("%q: listing: %w", at.String(), err)
	}
	if c.names += len(list); c.names > MaxNames {
		return malformed("more than %d names", MaxNames)
	}
	for _, e := range list {
		child, err := c.r.child(in, e)
		if err != nil {
			return fmt.Errorf("%q: %w", at.String(), err)
		}
		if child.kind == typeDir {
			c.links[in.number]++
		}
		if err := c.inode(ctx, &way{at, e.Name}, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}
