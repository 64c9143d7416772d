package squashfs

import (
	"fmt"
	"unsafe"
)

// entry is one name in a directory.
type entry struct {
	name   string
	ref    uint64
	kind   uint16
	number uint32
}

// list reads the entries of a directory, which are in byte order of names.
func (r *Reader) list(dir *record) ([]entry, error) {
	list, err := r.listings.get(dir.ref, func() ([]entry, int64, error) {
		list, weight, err := r.readList(dir)
		if err != nil {
			err = fmt.Errorf("listing of inode %d: %w", dir.number, err)
		}
		return list, weight, err
	})
	return list, err
}

func (r *Reader) readList(dir *record) (list []entry, weight int64, err error) {
	if dir.length == 0 {
		return nil, 0, nil
	}
	c, err := r.cursorAt(r.dirs, dir.listing, dir.within)
	if err != nil {
		return nil, 0, err
	}
	for left := dir.length; left > 0; {
		var used int64
		if list, used, err = c.readRun(list, left); err != nil {
			return nil, 0, err
		}
		left -= used
		weight += used + int64(unsafe.Sizeof(entry{}))
	}
	return list, weight, nil
}

// readRun appends the entries below one header, which take at most left bytes.
func (c *cursor) readRun(list []entry, left int64) ([]entry, int64, error) {
	if left < listHeaderSize {
		return nil, 0, malformed("%d bytes left for a header", left)
	}
	head, err := c.next(listHeaderSize)
	if err != nil {
		return nil, 0, err
	}
	count := le.Uint32(head)
	if count >= listRun {
		return nil, 0, malformed("%d entries below one header: at most %d", uint64(count)+1, listRun)
	}
	used := int64(listHeaderSize)
	for range count + 1 {
		e, n, err := c.readEntry(head)
		if err != nil {
			return nil, 0, err
		}
		if used += n; used > left {
			return nil, 0, malformed("entry %q reaches beyond the listing", e.name)
		}
		if len(list) > 0 && list[len(list)-1].name >= e.name {
			return nil, 0, malformed("%q stands behind %q", e.name, list[len(list)-1].name)
		}
		list = append(list, e)
	}
	return list, used, nil
}

func (c *cursor) readEntry(head []byte) (entry, int64, error) {
	b, err := c.next(listEntrySize)
	if err != nil {
		return entry{}, 0, err
	}
	size := int(le.Uint16(b[6:])) + 1
	if size > MaxName {
		return entry{}, 0, malformed("name of %d bytes", size)
	}
	name, err := c.next(size)
	if err != nil {
		return entry{}, 0, err
	}
	e := entry{
		name:   string(name),
		ref:    uint64(le.Uint32(head[4:]))<<16 | uint64(le.Uint16(b)),
		kind:   le.Uint16(b[4:]),
		number: le.Uint32(head[8:]) + uint32(int32(int16(le.Uint16(b[2:])))),
	}
	if err := checkName(e.name); err != nil {
		return entry{}, 0, malformed("entry %q: %v", e.name, err)
	}
	return e, int64(listEntrySize + size), nil
}

// entryInode reads the inode that an entry refers to.
func (r *Reader) entryInode(e entry) (*record, error) {
	in, err := r.inode(e.ref)
	if err != nil {
		return nil, err
	}
	if in.kind != e.kind || in.number != e.number {
		return nil, malformed("%q: entry says number %d, type %d; inode says %d, %d", e.name, e.number, e.kind, in.number, in.kind)
	}
	return in, nil
}
