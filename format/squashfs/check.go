package squashfs

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Check reads all that names and describes files, and none of their contents:
// every listing with its index, every inode, and the export table. What it
// accepts has one meaning for every reader that keeps to the format: Linux,
// which looks names up by the index and keeps files apart by their inode's
// number, finds the files that a listing shows. It takes a few bytes of memory
// for each file. An error wraps [ErrMalformed] unless reading failed.
func (r *Reader) Check(ctx context.Context) error {
	c := checker{r: r, refs: make([]uint64, r.super.Inodes+1)}
	root, err := r.root()
	if err != nil {
		return err
	}
	defer r.loadAhead()()
	if err := c.inode(ctx, nil, root, 0); err != nil {
		return err
	}
	return c.exports()
}

// IsSquashfs reports whether what r begins with is marked as a squashfs file
// system.
func IsSquashfs(r io.ReaderAt) bool {
	var b [4]byte
	_, err := r.ReadAt(b[:], 0)
	return err == nil && bytes.Equal(b[:], []byte("hsqs"))
}

type checker struct {
	r     *Reader
	refs  []uint64 // where the inode of each number stands, and one
	names int
}

func (c *checker) inode(ctx context.Context, at *way, in *record, depth int) error {
	if met := c.refs[in.number]; met != 0 {
		if in.kind == typeDir || met != in.ref+1 {
			return malformed("%q: inode %d stands in two places", at.String(), in.number)
		}
		return nil
	}
	c.refs[in.number] = in.ref + 1
	if in.kind != typeDir {
		return nil
	}
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
		if err := c.inode(ctx, &way{at, e.Name}, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// exports holds the export table, by which file servers find inodes by their
// number, against the inodes.
func (c *checker) exports() error {
	s := &c.r.super
	if s.ExportTable == none64 {
		return nil
	}
	start, err := c.r.tableStart("export table", s.ExportTable, uint64(s.Inodes), 8, c.r.size)
	if err != nil {
		return err
	}
	x := index{region: region{start, int64(s.ExportTable)}, at: int64(s.ExportTable), count: uint64(s.Inodes), width: 8}
	for number := uint64(1); number <= x.count; number++ {
		if c.refs[number] == 0 {
			continue // of no name
		}
		b, err := c.r.record(x, number-1)
		if err != nil {
			return fmt.Errorf("export table: %w", err)
		}
		if ref := le.Uint64(b); ref != c.refs[number]-1 {
			return malformed("export table: inode %d is at %d:%d, the table says %d:%d", number, (c.refs[number]-1)>>16, (c.refs[number]-1)&0xffff, ref>>16, ref&0xffff)
		}
	}
	return nil
}
