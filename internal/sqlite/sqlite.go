// Package sqlite reads the tables of SQLite databases from their file format
// ("Database File Format", sqlite.org/fileformat2.html), version 3. Nothing of
// the file is run: no SQL, no triggers, no views.
package sqlite

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"

	"repro/internal/badfile"
)

// Limits on one file.
const (
	maxTables  = 4096
	maxColumns = 2000
	maxRows    = 4 << 20 // of all tables
	maxPayload = 16 << 20
	maxDepth   = 32
	maxValues  = 256 << 20 // bytes of all values
)

const magic = "SQLite format 3\x00"

// The kinds of pages of b-trees.
const (
	innerIndex = 2
	innerTable = 5
	leafIndex  = 10
	leafTable  = 13
)

// file is a database in memory.
type file struct {
	b        []byte
	page     int // bytes
	usable   int // of them
	decode   func([]byte) string
	seen     map[uint32]bool
	rows     int
	values   int
	version  uint32
	identity uint32
}

func open(b []byte) (*file, error) {
	if len(b) < 100 || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, badfile.Damaged("it does not begin as one")
	}
	f := &file{b: b, page: int(binary.BigEndian.Uint16(b[16:])), seen: map[uint32]bool{}}
	if f.page == 1 {
		f.page = 1 << 16
	}
	if f.page < 512 || f.page&(f.page-1) != 0 || f.page-int(b[20]) < 480 || len(b) < f.page {
		return nil, badfile.Damaged("pages of %d bytes", f.page)
	}
	f.usable = f.page - int(b[20])
	f.version, f.identity = binary.BigEndian.Uint32(b[60:]), binary.BigEndian.Uint32(b[68:])
	switch encoding := binary.BigEndian.Uint32(b[56:]); encoding {
	case 0, 1:
		f.decode = func(b []byte) string { return string(b) }
	case 2:
		f.decode = func(b []byte) string { return wide(b, binary.LittleEndian) }
	case 3:
		f.decode = func(b []byte) string { return wide(b, binary.BigEndian) }
	default:
		return nil, badfile.Damaged("text of the encoding %d", encoding)
	}
	return f, nil
}

func wide(b []byte, order binary.ByteOrder) string {
	var units []uint16
	for ; len(b) > 1; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// at is a page, counted from 1, and where its b-tree begins in it.
func (f *file) at(page uint32) ([]byte, int, error) {
	if page == 0 || uint64(page)*uint64(f.page) > uint64(len(f.b)) {
		return nil, 0, badfile.Damaged("there is no page %d", page)
	}
	from := 0
	if page == 1 {
		from = 100
	}
	return f.b[(int(page)-1)*f.page : int(page)*f.page], from, nil
}

// varint takes a number of one to nine bytes.
func varint(b []byte) (v uint64, rest []byte, err error) {
	for i := range 9 {
		if i == len(b) {
			break
		}
		if i == 8 {
			return v<<8 | uint64(b[i]), b[9:], nil
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, b[i+1:], nil
		}
	}
	return 0, nil, badfile.Damaged("a number that does not end")
}

// walk hands out the records of a b-tree in order: their rowids, which those of
// an index have not, and their bytes.
func (f *file) walk(page uint32, depth int, each func(rowid int64, record []byte) error) error {
	if depth > maxDepth || f.seen[page] {
		return badfile.Damaged("page %d stands in two places, or too deep", page)
	}
	f.seen[page] = true
	b, from, err := f.at(page)
	if err != nil {
		return err
	}
	kind := b[from]
	head := 8
	if kind == innerIndex || kind == innerTable {
		head = 12
	}
	cells := int(binary.BigEndian.Uint16(b[from+3:]))
	if kind != innerIndex && kind != innerTable && kind != leafIndex && kind != leafTable || from+head+2*cells > f.usable {
		return badfile.Damaged("page %d is none of a tree", page)
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(b[from+head+2*i:]))
		if at < from+head || at >= f.usable {
			return badfile.Damaged("page %d has a cell outside of it", page)
		}
		if err := f.cell(kind, b[at:f.usable], depth, each); err != nil {
			return err
		}
	}
	if head == 12 {
		return f.walk(binary.BigEndian.Uint32(b[from+8:]), depth+1, each)
	}
	return nil
}

// cell reads one cell of a page, and what lies before it in the tree.
func (f *file) cell(kind byte, b []byte, depth int, each func(int64, []byte) error) error {
	if kind == innerIndex || kind == innerTable {
		if len(b) < 4 {
			return badfile.Damaged("a cell ends too early")
		}
		if err := f.walk(binary.BigEndian.Uint32(b), depth+1, each); err != nil || kind == innerTable {
			return err
		}
		b = b[4:]
	}
	size, b, err := varint(b)
	if err != nil {
		return err
	}
	rowid := uint64(0)
	if kind == leafTable {
		if rowid, b, err = varint(b); err != nil {
			return err
		}
	}
	if size > maxPayload {
		return badfile.TooLarge("a record of %d bytes", size)
	}
	if f.rows++; f.rows > maxRows {
		return badfile.TooLarge("more than %d rows", maxRows)
	}
	record, err := f.payload(b, int(size), kind == leafTable)
	if err != nil {
		return err
	}
	return each(int64(rowid), record)
}

// payload joins a record that may go on in pages of its own.
func (f *file) payload(b []byte, size int, table bool) ([]byte, error) {
	most := (f.usable-12)*64/255 - 23
	if table {
		most = f.usable - 35
	}
	if size <= most {
		if size > len(b) {
			return nil, badfile.Damaged("a record ends too early")
		}
		return b[:size], nil
	}
	least := (f.usable-12)*32/255 - 23
	here := least + (size-least)%(f.usable-4)
	if here > most {
		here = least
	}
	if here+4 > len(b) {
		return nil, badfile.Damaged("a record ends too early")
	}
	if f.values += size; f.values > maxValues {
		return nil, badfile.TooLarge("more than %d bytes of values", maxValues)
	}
	out := append(make([]byte, 0, min(size, len(f.b))), b[:here]...)
	for next := binary.BigEndian.Uint32(b[here:]); len(out) < size; {
		p, _, err := f.at(next)
		if err != nil {
			return nil, err
		}
		if f.seen[next] {
			return nil, badfile.Damaged("page %d stands in two places", next)
		}
		f.seen[next] = true
		next = binary.BigEndian.Uint32(p)
		out = append(out, p[4:min(f.usable, 4+size-len(out))]...)
	}
	return out, nil
}
