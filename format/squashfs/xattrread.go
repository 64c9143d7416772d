package squashfs

import (
	"bytes"
	"fmt"
)

const (
	fragmentSize    = 16
	xattrRecordSize = 16
)

// xattrIndex is where the extended attributes stand.
type xattrIndex struct {
	sets region // names and values
	index
}

// openXattrs reads the header of the extended attributes, which end at end,
// and returns where they begin.
func (r *Reader) openXattrs(end int64) (int64, error) {
	at := r.super.XattrTable
	if at < superblockSize || at > uint64(end) || end-int64(at) < 16 {
		return 0, malformed("extended attributes at %d: outside of %d bytes", at, end)
	}
	var b [16]byte
	if _, err := r.src.ReadAt(b[:], int64(at)); err != nil {
		return 0, err
	}
	sets, count := le.Uint64(b[:]), uint64(le.Uint32(b[8:]))
	if count == 0 {
		return int64(at), nil
	}
	start, err := r.tableStart("extended attributes", at+16, count, xattrRecordSize, end)
	if err != nil {
		return 0, err
	}
	if sets < superblockSize || sets > uint64(start) {
		return 0, malformed("extended attributes: names at %d, their table at %d", sets, start)
	}
	r.xattrs = xattrIndex{
		sets:  region{int64(sets), start},
		index: index{region: region{start, int64(at)}, at: int64(at) + 16, count: count, width: xattrRecordSize},
	}
	return int64(sets), nil
}

// xattrSet returns the set of extended attributes at a place of the table.
func (r *Reader) xattrSet(place uint32) (map[string][]byte, error) {
	if place == none32 {
		return nil, nil
	}
	b, err := r.record(r.xattrs.index, uint64(place))
	if err != nil {
		return nil, fmt.Errorf("extended attributes: %w", err)
	}
	ref, count := le.Uint64(b), le.Uint32(b[8:])
	c, err := r.cursorAt(r.xattrs.sets, ref>>16, int(ref&0xffff))
	if err != nil {
		return nil, err
	}
	set := map[string][]byte{}
	total := 0
	for range count {
		name, value, err := c.xattr()
		if err != nil {
			return nil, fmt.Errorf("extended attributes: %w", err)
		}
		if total += len(name) + len(value); total > MaxXattrBytes {
			return nil, malformed("more than %d bytes of extended attributes", MaxXattrBytes)
		}
		if _, ok := set[name]; ok {
			return nil, malformed("extended attribute %q twice", name)
		}
		set[name] = value
	}
	return set, nil
}

// xattr reads one name and its value.
func (c *cursor) xattr() (string, []byte, error) {
	b, err := c.next(4)
	if err != nil {
		return "", nil, err
	}
	kind, size := le.Uint16(b), int(le.Uint16(b[2:]))
	prefix := int(kind &^ xattrOutOfLine)
	if prefix >= len(xattrPrefixes) || size == 0 || size > MaxXattrName {
		return "", nil, malformed("name of type %d with %d bytes", kind, size)
	}
	name, err := c.next(size)
	if err != nil {
		return "", nil, err
	}
	if bytes.IndexByte(name, 0) >= 0 { // where Linux takes it to end
		return "", nil, malformed("name of type %d with a NUL", kind)
	}
	value, err := c.xattrValue()
	if err == nil && kind&xattrOutOfLine != 0 {
		if len(value) != 8 {
			return "", nil, malformed("reference to a value of %d bytes", len(value))
		}
		ref := le.Uint64(value)
		var there cursor
		if there, err = c.r.cursorAt(c.region, ref>>16, int(ref&0xffff)); err == nil {
			value, err = there.xattrValue()
		}
	}
	return xattrPrefixes[prefix] + string(name), value, err
}

func (c *cursor) xattrValue() ([]byte, error) {
	b, err := c.next(4)
	if err != nil {
		return nil, err
	}
	size := le.Uint32(b)
	if size > MaxXattrValue {
		return nil, malformed("value of %d bytes", size)
	}
	value, err := c.next(int(size))
	return bytes.Clone(value), err // what is kept of it is not the whole metadata block
}
