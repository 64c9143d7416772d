package squashfs

import (
	"fmt"
	"unsafe"

	"repro/format/tree"
)

// list reads the entries of a directory, which are in byte order of names.
func (r *Reader) list(dir *record) ([]tree.Name, error) {
	return r.listings.get(place{r, dir.ref}, func() ([]tree.Name, int64, error) {
		list, weight, err := r.readList(dir)
		if err == nil {
			err = distinctDirectories(list)
		}
		if err != nil {
			err = fmt.Errorf("listing of inode %d: %w", dir.number, err)
		}
		return list, weight, err
	})
}

// distinctDirectories refuses a directory that has two names.
func distinctDirectories(list []tree.Name) error {
	seen := map[uint32]bool{}
	for _, e := range list {
		if !e.Type.IsDir() {
			continue
		}
		if seen[e.Number] {
			return malformed("%q: inode %d stands in two places", e.Name, e.Number)
		}
		seen[e.Number] = true
	}
	return nil
}

func (r *Reader) readList(dir *record) (list []tree.Name, weight int64, err error) {
	if dir.length == 0 {
		return nil, 0, nil
	}
	c, err := r.cursorAt(r.dirs, dir.listing, dir.within)
	if err != nil {
		return nil, 0, err
	}
	var runs []runStart
	for left := dir.length; left > 0; {
		var used int64
		begins, first := c.position(), len(list)
		if list, used, err = c.readRun(list, left); err != nil {
			return nil, 0, err
		}
		if dir.indexed > 0 {
			runs = append(runs, runStart{at: dir.length - left, start: begins.at - c.start, offset: begins.offset, name: list[first].Name})
		}
		if len(list) > MaxNames {
			return nil, 0, malformed("more than %d names", MaxNames)
		}
		left -= used
	}
	if err := dir.checkIndex(runs); err != nil {
		return nil, 0, err
	}
	return list, dir.length + int64(len(list))*int64(unsafe.Sizeof(tree.Name{})), nil
}

// readRun appends the entries below one header, which take at most left bytes.
func (c *cursor) readRun(list []tree.Name, left int64) ([]tree.Name, int64, error) {
	if left < listHeaderSize {
		return nil, 0, malformed("%d bytes left for a header", left)
	}
	var head [listHeaderSize]byte
	if err := c.read(head[:]); err != nil {
		return nil, 0, err
	}
	count := le.Uint32(head[:])
	if count >= listRun {
		return nil, 0, malformed("%d entries below one header: at most %d", uint64(count)+1, listRun)
	}
	used := int64(listHeaderSize)
	for range count + 1 {
		e, n, err := c.readEntry(head[:])
		if err != nil {
			return nil, 0, err
		}
		if used += n; used > left {
			return nil, 0, malformed("entry %q reaches beyond the listing", e.Name)
		}
		if len(list) > 0 && list[len(list)-1].Name >= e.Name {
			return nil, 0, malformed("%q stands behind %q", e.Name, list[len(list)-1].Name)
		}
		list = append(list, e)
	}
	return list, used, nil
}

func (c *cursor) readEntry(head []byte) (tree.Name, int64, error) {
	b, err := c.next(listEntrySize)
	if err != nil {
		return tree.Name{}, 0, err
	}
	size, kind := int(le.Uint16(b[6:]))+1, le.Uint16(b[4:])
	e := tree.Name{
		Ref:    uint64(le.Uint32(head[4:]))<<16 | uint64(le.Uint16(b)),
		Number: le.Uint32(head[8:]) + uint32(int32(int16(le.Uint16(b[2:])))),
	}
	if size > MaxName {
		return e, 0, malformed("name of %d bytes", size)
	}
	name, err := c.next(size)
	if err != nil {
		return e, 0, err
	}
	e.Name = string(name)
	if err := checkName(e.Name); err != nil {
		return e, 0, malformed("entry %q: %v", e.Name, err)
	}
	if kind < typeDir || kind > typeSocket {
		return e, 0, malformed("entry %q: type %d", e.Name, kind)
	}
	e.Type = modeOf[kind]
	return e, int64(listEntrySize + size), nil
}

// child reads the inode that an entry of a directory refers to.
func (r *Reader) child(dir *record, e tree.Name) (*record, error) {
	in, err := r.inode(e.Ref)
	if err != nil {
		return nil, err
	}
	switch {
	case modeOf[in.kind] != e.Type || in.number != e.Number:
		return nil, malformed("%q: entry says number %d, type %v; inode says %d, %v", e.Name, e.Number, e.Type, in.number, modeOf[in.kind])
	case in.kind != typeDir:
	case in.ref == r.super.Root:
		return nil, malformed("%q: the root stands in itself", e.Name)
	case in.parent != dir.number:
		return nil, malformed("%q: stands in directory %d, its inode says %d", e.Name, dir.number, in.parent)
	}
	return in, nil
}
