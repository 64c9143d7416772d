package squashfs

import (
	"context"
	"fmt"
)

// inodeTables goes through the inodes by their numbers. Their table holds them
// in this order and nothing else, and the directory table their listings
// (SQ-8, SQ-14). What an inode says of itself beside its contents must be what
// the tree has: readers trust one or the other.
func (c *checker) inodeTables(ctx context.Context) error {
	inodes, err := c.stream("inode table", c.r.inodes)
	if err != nil {
		return err
	}
	dirs, err := c.stream("directory table", c.r.dirs)
	if err != nil {
		return err
	}
	var inodeAt, listAt int64
	for number := uint32(1); number <= c.r.super.Inodes; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.refs[number] == 0 {
			return malformed("inode %d has no name", number)
		}
		ref := c.refs[number] - 1
		if at := inodes.place(ref>>16, int(ref&0xffff)); at != inodeAt {
			return malformed("inode %d: at byte %d of the inode table, want %d", number, at, inodeAt)
		}
		in, err := c.r.inode(ref)
		if err != nil {
			return err
		}
		if in.kind == typeDir {
			if at := dirs.place(in.listing, in.within); at != listAt {
				return malformed("inode %d: listing at byte %d of the directory table, want %d", number, at, listAt)
			}
			listAt += in.length
		}
		size, err := c.one(in)
		if err != nil {
			return fmt.Errorf("inode %d: %w", number, err)
		}
		inodeAt += size
	}
	if inodeAt != inodes.size || listAt != dirs.size {
		return malformed("%d bytes behind the last inode, %d behind the last listing", inodes.size-inodeAt, dirs.size-listAt)
	}
	return nil
}

// one checks an inode by itself and returns how many bytes it takes.
func (c *checker) one(in *record) (size int64, err error) {
	if in.links != c.links[in.number] {
		return 0, malformed("%d links, the tree has %d", in.links, c.links[in.number])
	}
	if in.long && in.kind != typeDir && in.kind != typeFile && in.xattr == none32 {
		return 0, malformed("in the extended form without extended attributes")
	}
	if in.xattr != none32 {
		if uint64(in.xattr) >= c.r.xattrs.count {
			return 0, malformed("extended attributes %d of %d", in.xattr, c.r.xattrs.count)
		}
		c.sets[in.xattr] = true
	}
	c.owners[in.uid], c.owners[in.gid] = true, true
	switch in.kind {
	case typeDir:
		return c.directory(in)
	case typeFile:
		return c.file(in)
	case typeSymlink:
		size = 24 + int64(len(in.node.Target))
	case typeBlock, typeChar:
		size = 24
	default:
		size = 20
	}
	if in.long {
		size += 4
	}
	return size, nil
}

func (c *checker) directory(in *record) (int64, error) {
	if in.short {
		return 0, malformed("a directory's size is below %d", listExtra)
	}
	if in.number == c.r.super.Inodes && in.parent != in.number+1 {
		return 0, malformed("the root's parent is %d, want %d", in.parent, in.number+1)
	}
	if !in.long {
		return 32, nil
	}
	entries, err := in.readIndex()
	if err != nil {
		return 0, err
	}
	size := int64(40)
	for _, e := range entries {
		size += 12 + int64(len(e.name))
	}
	return size, nil
}
