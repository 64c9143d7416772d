package sbom

import (
	"encoding/binary"
	"fmt"
)

// sqlite reads tables of an SQLite 3 file (https://www.sqlite.org/fileformat.html)
// without indexes, writes or queries. Pages are visited once each at most, so
// that a damaged file cannot lead in circles.
type sqlite struct {
	b      []byte
	page   int // bytes
	usable int
	seen   map[uint32]bool
}

// Kinds of pages of a table.
const (
	interiorTable = 0x05
	leafTable     = 0x0d
	fileHeader    = 100
)

func openSQLite(b []byte) (*sqlite, error) {
	if len(b) < fileHeader || string(b[:16]) != "SQLite format 3\x00" {
		return nil, fmt.Errorf("%w: not SQLite 3", errDatabase)
	}
	s := &sqlite{b: b, page: int(binary.BigEndian.Uint16(b[16:]))}
	if s.page == 1 {
		s.page = 1 << 16
	}
	s.usable = s.page - int(b[20])
	if s.page < 512 || s.page&(s.page-1) != 0 || s.usable < 480 {
		return nil, fmt.Errorf("%w: pages of %d bytes", errDatabase, s.page)
	}
	return s, nil
}

// rows calls yield with the columns of each row of a table, as stored. Numbers
// come as their big-endian bytes.
func (s *sqlite) rows(table string, yield func([][]byte) error) error {
	root := uint32(0)
	s.seen = map[uint32]bool{}
	err := s.walk(1, func(c [][]byte) error {
		if len(c) > 3 && string(c[0]) == "table" && string(c[1]) == table {
			for _, x := range c[3] {
				root = root<<8 | uint32(x)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return fmt.Errorf("%w: no table %s", errDatabase, table)
	}
	s.seen = map[uint32]bool{}
	return s.walk(root, yield)
}

// pageAt returns page nr, which begins at 1.
func (s *sqlite) pageAt(nr uint32) ([]byte, error) {
	start := (int64(nr) - 1) * int64(s.page)
	if nr == 0 || s.seen[nr] || start+int64(s.page) > int64(len(s.b)) {
		return nil, errDatabase
	}
	s.seen[nr] = true
	return s.b[start:][:s.page], nil
}

func (s *sqlite) walk(nr uint32, yield func([][]byte) error) error {
	p, err := s.pageAt(nr)
	if err != nil {
		return err
	}
	head := 0
	if nr == 1 {
		head = fileHeader
	}
	cells := int(binary.BigEndian.Uint16(p[head+3:]))
	first := head + 8
	if p[head] == interiorTable {
		first = head + 12
	}
	if first+2*cells > len(p) {
		return errDatabase
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(p[first+2*i:]))
		if at+4 > len(p) {
			return errDatabase
		}
		switch p[head] {
		case interiorTable:
			err = s.walk(binary.BigEndian.Uint32(p[at:]), yield)
		case leafTable:
			err = s.cell(p[at:], yield)
		default:
			err = errDatabase
		}
		if err != nil {
			return err
		}
	}
	if p[head] == interiorTable {
		return s.walk(binary.BigEndian.Uint32(p[head+8:]), yield)
	}
	return nil
}

// cell reads a row from a leaf and the pages that it flows over into.
func (s *sqlite) cell(b []byte, yield func([][]byte) error) error {
	size, n := varint(b)
	_, m := varint(b[n:])
	if n == 0 || m == 0 || size > uint64(len(s.b)) {
		return errDatabase
	}
	b = b[n+m:]
	local, most := int(size), s.usable-35
	if local > most {
		least := (s.usable-12)*32/255 - 23
		local = least + (int(size)-least)%(s.usable-4)
		if local > most {
			local = least
		}
	}
	if local > len(b) || local < int(size) && local+4 > len(b) {
		return errDatabase
	}
	payload := b[:local:local]
	if local < int(size) {
		for next := binary.BigEndian.Uint32(b[local:]); len(payload) < int(size); {
			p, err := s.pageAt(next)
			if err != nil {
				return err
			}
			next = binary.BigEndian.Uint32(p)
			payload = append(payload, p[4:][:min(s.usable-4, int(size)-len(payload))]...)
		}
	}
	return record(payload, yield)
}

// record splits a row into its columns.
func record(b []byte, yield func([][]byte) error) error {
	size, n := varint(b)
	if n == 0 || size > uint64(len(b)) || size < uint64(n) {
		return errDatabase
	}
	types, data := b[n:size], b[size:]
	var columns [][]byte
	for len(types) > 0 {
		t, n := varint(types)
		if n == 0 {
			return errDatabase
		}
		types = types[n:]
		length := uint64(0)
		switch {
		case t >= 12:
			length = (t - 12) / 2
		case t >= 8: // the constants 0 and 1
		default:
			length = [...]uint64{0, 1, 2, 3, 4, 6, 8, 8}[t]
		}
		if length > uint64(len(data)) {
			return errDatabase
		}
		columns = append(columns, data[:length])
		data = data[length:]
	}
	return yield(columns)
}

// varint reads a big-endian number of one to nine bytes; n is 0 if b ends in it.
func varint(b []byte) (v uint64, n int) {
	for i := range min(9, len(b)) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
