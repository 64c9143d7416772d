package squashfs

import (
	"fmt"
	"io"
	"sync"

	"repro/format/tree"
)

// What follows reads a file system as it is looked at, and refuses when a file
// is touched all that [Reader.Tree] refuses of it. That takes some memory: for
// each inode that was touched, where it stands and how deep.

var _ tree.Layer = (*Reader)(nil)

// RootRef returns the reference of the root.
func (r *Reader) RootRef() (uint64, error) {
	root, err := r.root()
	if err != nil {
		return 0, err
	}
	return root.ref, r.claims.root(root)
}

// File describes the file at a reference that this Reader gave out, its
// extended attributes and how to open it included.
func (r *Reader) File(ref uint64) (tree.File, error) {
	in, err := r.inode(ref)
	if err != nil {
		return tree.File{}, err
	}
	return r.file(in)
}

func (r *Reader) file(in *record) (tree.File, error) {
	n := &in.node
	if in.kind == typeFile {
		n.Open = func() (io.ReadCloser, error) { return r.openStream(in) }
	}
	var err error
	if n.Xattrs, err = r.xattrSet(in.xattr); err != nil {
		return tree.File{}, fmt.Errorf("inode %d: %w", in.number, err)
	}
	return tree.File{Node: n, Ref: in.ref, Number: in.number, Links: in.links}, nil
}

// Names lists the directory at a reference.
func (r *Reader) Names(dir uint64) ([]tree.Name, error) {
	in, err := r.inode(dir)
	if err != nil {
		return nil, err
	}
	if in.kind != typeDir {
		return nil, malformed("inode %d: not a directory", in.number)
	}
	return r.list(in)
}

// Enter describes the file of a name of the directory at a reference.
func (r *Reader) Enter(dir uint64, n tree.Name) (tree.File, error) {
	d, err := r.inode(dir)
	if err != nil {
		return tree.File{}, err
	}
	in, err := r.child(d, n)
	if err != nil {
		return tree.File{}, err
	}
	if err := r.claims.enter(d, in); err != nil {
		return tree.File{}, fmt.Errorf("%q: %w", n.Name, err)
	}
	return r.file(in)
}

// Files returns the highest number that an inode may have.
func (r *Reader) Files() uint64 { return uint64(r.super.Inodes) }

// HasXattrs is false if no file has extended attributes.
func (r *Reader) HasXattrs() bool { return r.xattrs.count > 0 }

const (
	claimPage  = 512 // inodes
	claimDepth = 48  // shift of a directory's depth, above its reference
)

// claims remembers where the inode of a number was seen, so that another with
// that number is refused; and how deep directories are, from 1.
type claims struct {
	mu    sync.Mutex
	pages map[uint32]*[claimPage]uint64
}

func (c *claims) slot(number uint32) *uint64 {
	page := c.pages[number/claimPage]
	if page == nil {
		if c.pages == nil {
			c.pages = map[uint32]*[claimPage]uint64{}
		}
		page = new([claimPage]uint64)
		c.pages[number/claimPage] = page
	}
	return &page[number%claimPage]
}

func (c *claims) root(in *record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.claim(in, 1)
}

// enter notes that in was found in directory dir, which was itself noted.
func (c *claims) enter(dir, in *record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	depth := uint64(1)
	if in.kind == typeDir {
		depth = *c.slot(dir.number)>>claimDepth + 1
		if depth > MaxDepth+1 {
			return malformed("more than %d directories deep", MaxDepth)
		}
	}
	return c.claim(in, depth)
}

func (c *claims) claim(in *record, depth uint64) error {
	claim := depth<<claimDepth | in.ref
	slot := c.slot(in.number)
	if *slot != 0 && *slot != claim {
		return malformed("inode %d stands in two places", in.number)
	}
	*slot = claim
	return nil
}
