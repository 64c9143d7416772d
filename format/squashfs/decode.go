package squashfs

import (
	"fmt"

	"repro/format/tree"
	"repro/internal/codec"
)

// decompress decompresses src into dst. A frame that asks for more memory than
// Linux has for a file system of this block size is refused (SQ-6).
func (r *Reader) decompress(dst, src []byte) (int, error) {
	most := max(int64(r.super.BlockSize), metadataSize)
	if h, _ := codec.ReadHead(r.super.algorithm(), src); h.Window > most {
		return 0, malformed("a window of %d bytes, at most %d are allowed", h.Window, most)
	}
	n, err := codec.Decode(r.super.algorithm(), dst, src)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return n, nil
}

// record is an inode as it stands in the inode table. Its node unread entries,
// extended attributes and Open.
type record struct {
	ref    uint64
	kind   uint16 // basic type
	long   bool   // in the extended form
	number uint32
	uid    uint16 // place in the id table
	gid    uint16
	links  uint32
	xattr  uint32
	node   tree.Node

	// Of regular files.
	start    uint64 // of the first block
	fragment uint32
	offset   uint32 // in the fragment
	holes    uint64 // bytes that holes stand for, by its own word
	list     cursor // of the sizes of blocks

	// Of directories.
	listing uint64 // its first metadata block in the directory table
	within  int    // offset in that metadata block
	length  int64  // bytes of entries
	short   bool   // its size is too small to count "." and ".."
	parent  uint32
	indexed uint16 // entries of the index
	index   cursor // of these
}

// inode reads the inode at a reference.
func (r *Reader) inode(ref uint64) (*record, error) {
	in, err := r.readInode(ref)
	if err != nil {
		return nil, fmt.Errorf("inode at %d:%d: %w", ref>>16, ref&0xffff, err)
	}
	return in, nil
}

func (r *Reader) readInode(ref uint64) (*record, error) {
	c, err := r.cursorAt(r.inodes, ref>>16, int(ref&0xffff))
	if err != nil {
		return nil, err
	}
	b, err := c.next(16)
	if err != nil {
		return nil, err
	}
	kind, mode := le.Uint16(b), le.Uint16(b[2:])
	uid, gid := le.Uint16(b[4:]), le.Uint16(b[6:])
	in := &record{ref: ref, number: le.Uint32(b[12:]), uid: uid, gid: gid, links: 1, xattr: none32}
	switch {
	case kind < 1 || kind > 2*extended:
		return nil, malformed("type %d", kind)
	case mode > 0o7777:
		return nil, malformed("mode %o", mode)
	case int(uid) >= len(r.ids) || int(gid) >= len(r.ids):
		return nil, malformed("owner %d:%d of %d ids", uid, gid, len(r.ids))
	case in.number == 0 || in.number > r.super.Inodes:
		return nil, malformed("number %d of %d", in.number, r.super.Inodes)
	}
	in.kind, in.long = (kind-1)%extended+1, kind > extended
	in.node = tree.Node{
		Mode:    modeOf[in.kind] | fileMode(mode),
		UID:     r.ids[uid],
		GID:     r.ids[gid],
		ModTime: int64(le.Uint32(b[8:])),
	}
	return in, in.decode(kind, c)
}

// decode reads what follows the header.
func (in *record) decode(kind uint16, c cursor) error {
	switch kind {
	case typeDir:
		return in.decodeDir(c)
	case typeDir + extended:
		return in.decodeExtendedDir(c)
	case typeFile:
		return in.decodeFile(c)
	case typeFile + extended:
		return in.decodeExtendedFile(c)
	}
	b, err := c.next(4)
	if err != nil {
		return err
	}
	in.links = le.Uint32(b)
	switch in.kind {
	case typeSymlink:
		if err = in.decodeTarget(&c); err != nil {
			return err
		}
	case typeBlock, typeChar:
		if b, err = c.next(4); err != nil {
			return err
		}
		in.node.Device = le.Uint32(b)
	}
	if kind > extended {
		if b, err = c.next(4); err != nil {
			return err
		}
		in.xattr = le.Uint32(b)
	}
	return nil
}

func (in *record) decodeTarget(c *cursor) error {
	b, err := c.next(4)
	if err != nil {
		return err
	}
	size := le.Uint32(b)
	if size == 0 || size > MaxTarget {
		return malformed("link target of %d bytes", size)
	}
	if b, err = c.next(int(size)); err != nil {
		return err
	}
	for _, ch := range b {
		if ch == 0 {
			return malformed("NUL in a link target")
		}
	}
	in.node.Target = string(b)
	return nil
}

func (in *record) decodeDir(c cursor) error {
	b, err := c.next(16)
	if err != nil {
		return err
	}
	in.listing = uint64(le.Uint32(b))
	in.links = le.Uint32(b[4:])
	in.within = int(le.Uint16(b[10:]))
	in.parent = le.Uint32(b[12:])
	return in.setLength(uint32(le.Uint16(b[8:])))
}

func (in *record) decodeExtendedDir(c cursor) error {
	b, err := c.next(24)
	if err != nil {
		return err
	}
	in.links = le.Uint32(b)
	in.listing = uint64(le.Uint32(b[8:]))
	in.parent = le.Uint32(b[12:])
	in.indexed, in.index = le.Uint16(b[16:]), c
	in.within = int(le.Uint16(b[18:]))
	in.xattr = le.Uint32(b[20:])
	return in.setLength(le.Uint32(b[4:]))
}

func (in *record) setLength(size uint32) error {
	if size > MaxListing {
		return malformed("listing of %d bytes: at most %d", size, MaxListing)
	}
	in.length, in.short = max(int64(size)-listExtra, 0), size < listExtra
	return nil
}

func (in *record) decodeFile(c cursor) error {
	b, err := c.next(16)
	if err != nil {
		return err
	}
	in.start = uint64(le.Uint32(b))
	in.fragment = le.Uint32(b[4:])
	in.offset = le.Uint32(b[8:])
	return in.setSize(uint64(le.Uint32(b[12:])), c)
}

func (in *record) decodeExtendedFile(c cursor) error {
	b, err := c.next(40)
	if err != nil {
		return err
	}
	in.start = le.Uint64(b)
	in.holes = le.Uint64(b[16:])
	in.links = le.Uint32(b[24:])
	in.fragment = le.Uint32(b[28:])
	in.offset = le.Uint32(b[32:])
	in.xattr = le.Uint32(b[36:])
	return in.setSize(le.Uint64(b[8:]), c)
}

func (in *record) setSize(size uint64, list cursor) error {
	if size/uint64(list.r.super.BlockSize) > MaxBlocks {
		return malformed("file of %d bytes: more than %d blocks", size, MaxBlocks)
	}
	if in.fragment != none32 && in.fragment >= list.r.super.Fragments {
		return malformed("fragment %d of %d", in.fragment, list.r.super.Fragments)
	}
	in.node.Size = int64(size)
	in.list = list
	return nil
}
