package squashfs

import (
	"bytes"
	"fmt"
	"slices"
)

// options checks the flags and the compressor's options, which squashfs-tools
// obey and Linux does not, and returns where they end (SQ-2, SQ-3).
func (c *checker) options() (int64, error) {
	s := &c.r.super
	flags := uint16(flagAlwaysFragment | flagDeduplicated | flagExportable | flagOptions)
	if s.Fragments == 0 {
		flags |= flagNoFragments
	}
	if s.XattrTable == none64 {
		flags |= flagNoXattrs
	}
	if s.Flags != flags {
		return 0, malformed("flags %#04x, want %#04x", s.Flags, flags)
	}
	size, ok := optionsSize[s.algorithm()]
	if !ok {
		return 0, malformed("compressed by %v: a layer is by zstd or gzip", s.algorithm())
	}
	b := make([]byte, 2+size)
	if _, err := c.r.src.ReadAt(b, superblockSize); err != nil {
		return 0, err
	}
	if le.Uint16(b) != metadataRaw|uint16(size) || size > 4 && !bytes.Equal(b[6:], []byte{15, 0, 0, 0}) {
		return 0, malformed("compressor's options % x", b)
	}
	return superblockSize + int64(len(b)), nil
}

// lookupTables checks that the tables behind the directory table stand one
// behind the other and are filled by their records (SQ-1, SQ-16).
func (c *checker) lookupTables() error {
	s, at := &c.r.super, c.r.dirs.end
	if s.Fragments == 0 && s.FragmentTable != none64 || s.ExportTable == none64 {
		return malformed("a fragment table without fragments, or no export table")
	}
	export, err := c.exportTable()
	if err != nil {
		return err
	}
	if s.Fragments > 0 {
		if at, err = c.table("fragment table", c.r.fragments, at); err != nil {
			return err
		}
	}
	if at, err = c.table("export table", export, at); err != nil {
		return err
	}
	if err := c.exports(export); err != nil {
		return err
	}
	if at, err = c.table("id table", c.r.idTable, at); err != nil {
		return err
	}
	if i := slices.Index(c.owners, false); i >= 0 {
		return malformed("id table: nobody has id %d", i)
	}
	ids := slices.Sorted(slices.Values(c.r.ids))
	if len(slices.Compact(ids)) != len(c.r.ids) {
		return malformed("id table: an id stands twice")
	}
	if s.XattrTable != none64 {
		if at, err = c.xattrs(at); err != nil {
			return err
		}
	}
	if at != c.r.size {
		return malformed("%d bytes behind the last table", c.r.size-at)
	}
	return nil
}

// exportTable finds the export table, by which file servers find inodes.
func (c *checker) exportTable() (index, error) {
	s := &c.r.super
	start, err := c.r.tableStart("export table", s.ExportTable, uint64(s.Inodes), 8, c.r.size)
	return index{region: region{start, int64(s.ExportTable)}, at: int64(s.ExportTable), count: uint64(s.Inodes), width: 8}, err
}

// exports holds the export table, whose list is in order, against the inodes.
func (c *checker) exports(x index) error {
	cur, err := c.r.cursorAt(x.region, 0, 0)
	if err != nil {
		return err
	}
	for number := uint64(1); number <= x.count; number++ {
		b, err := cur.next(x.width)
		if err != nil {
			return fmt.Errorf("export table: %w", err)
		}
		if ref := le.Uint64(b); ref != c.refs[number]-1 {
			return malformed("export table: inode %d is at %d:%d, the table says %d:%d", number, (c.refs[number]-1)>>16, (c.refs[number]-1)&0xffff, ref>>16, ref&0xffff)
		}
	}
	return nil
}

// xattrs checks the extended attributes, which begin at the place at: the sets
// stand one behind the other in the order of their table, each is of a file,
// and their names are in order (SQ-17). It returns where their list ends.
func (c *checker) xattrs(at int64) (int64, error) {
	x := c.r.xattrs
	if x.count == 0 || x.sets.start != at {
		return 0, malformed("extended attributes: %d sets at %d, what stands before ends at %d", x.count, x.sets.start, at)
	}
	e, err := c.stream("extended attributes", x.sets)
	if err != nil {
		return 0, err
	}
	filled := int64(0)
	for i := range x.count {
		if !c.sets[uint32(i)] {
			return 0, malformed("extended attributes %d: no file has them", i)
		}
		b, err := c.r.record(x.index, i)
		if err != nil {
			return 0, fmt.Errorf("extended attributes: %w", err)
		}
		ref, count, size := le.Uint64(b), le.Uint32(b[8:]), le.Uint32(b[12:])
		if count == 0 || e.place(ref>>16, int(ref&0xffff)) != filled {
			return 0, malformed("extended attributes %d: %d names, not behind those before", i, count)
		}
		used, told, err := c.set(ref, count)
		if err != nil {
			return 0, fmt.Errorf("extended attributes %d: %w", i, err)
		}
		if told != int64(size) {
			return 0, malformed("extended attributes %d: size %d, want %d", i, size, told)
		}
		filled += used
	}
	if filled != e.size {
		return 0, malformed("extended attributes: %d bytes behind the last", e.size-filled)
	}
	end, err := c.table("extended attributes", index{region: x.region, at: x.at, count: x.count, width: x.width}, x.sets.end)
	if err != nil {
		return 0, err
	}
	var unused [4]byte
	if _, err := c.r.src.ReadAt(unused[:], x.at-4); err != nil {
		return 0, err
	}
	if unused != [4]byte{} {
		return 0, malformed("extended attributes: % x in unused bytes", unused)
	}
	return end, nil
}

// set reads one set and returns how many bytes it takes, and its size as the
// table of sets states it.
func (c *checker) set(ref uint64, count uint32) (used, told int64, err error) {
	cur, err := c.r.cursorAt(c.r.xattrs.sets, ref>>16, int(ref&0xffff))
	if err != nil {
		return 0, 0, err
	}
	last := ""
	for range count {
		peek := cur
		b, err := peek.next(4)
		if err != nil {
			return 0, 0, err
		}
		kind, short := le.Uint16(b), int64(le.Uint16(b[2:]))
		name, value, err := cur.xattr()
		switch {
		case err != nil:
			return 0, 0, err
		case kind&xattrOutOfLine != 0:
			return 0, 0, malformed("%q: its value stands elsewhere", name)
		case name <= last:
			return 0, 0, malformed("%q stands behind %q", name, last)
		}
		last = name
		used += 4 + short + 4 + int64(len(value))
		if told += int64(len(name)+len(value)) + 1; told > MaxXattrBytes {
			return 0, 0, malformed("more than %d bytes", MaxXattrBytes)
		}
	}
	return used, told, nil
}
