// Package dbase reads tables of dBASE III and later (.dbf), and the geometry of
// shapefiles (.shp; "ESRI Shapefile Technical Description", 1998).
package dbase

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

const (
	headSize  = 32 // bytes of a table's head, and of what describes a field
	maxFields = 2048
)

type field struct {
	name     string
	kind     byte
	size, at int
}

// ReadTable reads a table: an array for each field, and which rows are marked as
// deleted. When the table was changed last carries nothing.
func ReadTable(b []byte) ([]ndarray.Array, error) {
	if len(b) < headSize+1 || b[0]&7 != 3 && b[0] != 0x30 && b[0] != 0x04 && b[0] != 0x8c {
		return nil, badfile.Damaged("it does not begin as one")
	}
	rows, from, width := uint64(binary.LittleEndian.Uint32(b[4:])), int(binary.LittleEndian.Uint16(b[8:])), int(binary.LittleEndian.Uint16(b[10:]))
	if from < headSize || from > len(b) || width < 1 || rows > uint64(len(b)-from)/uint64(width) {
		return nil, badfile.Damaged("it has not the rows that it says")
	}
	fields, err := readFields(b[headSize:from], width)
	if err != nil {
		return nil, err
	}
	data := b[from:]
	var out []ndarray.Array
	for _, f := range fields {
		arrays, err := f.read(data, int(rows), width)
		if err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	deleted := ndarray.Array{Name: "deleted rows", Class: ndarray.Bytes, Size: 1, Shape: []int{int(rows)}, Order: binary.LittleEndian}
	any := false
	for row := range int(rows) {
		mark := data[row*width]
		any = any || mark == '*'
		deleted.Data = append(deleted.Data, mark)
	}
	if any {
		out = append(out, deleted)
	}
	return out, nil
}

func readFields(b []byte, width int) ([]field, error) {
	var out []field
	at := 1
	for ; len(b) >= headSize && b[0] != '\r'; b = b[headSize:] {
		if len(out) == maxFields {
			return nil, badfile.TooLarge("more than %d fields", maxFields)
		}
		name, _, _ := bytes.Cut(b[:11], []byte{0})
		f := field{name: latin1(bytes.TrimRight(name, " ")), kind: b[11], size: int(b[16]), at: at}
		if f.kind == 'C' {
			f.size += int(b[17]) << 8
		}
		if at += f.size; at > width {
			return nil, badfile.Damaged("its fields are wider than its rows")
		}
		out = append(out, f)
	}
	if len(b) == 0 || b[0] != '\r' {
		return nil, badfile.Damaged("its fields do not end")
	}
	return out, nil
}

func latin1(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// read reads one field of all rows.
func (f *field) read(data []byte, rows, width int) ([]ndarray.Array, error) {
	c := ndarray.NewColumn(f.name, ndarray.Text, 0, map[byte]string{'L': "logical", 'D': "date"}[f.kind])
	switch f.kind {
	case 'N', 'F':
		c = ndarray.NewColumn(f.name, ndarray.Float, 8, "")
	case 'C', 'L', 'D':
	case 'I':
		c = ndarray.NewColumn(f.name, ndarray.Int, 4, "")
	case 'O', 'B':
		c = ndarray.NewColumn(f.name, ndarray.Float, 8, "")
	default: // memos lie in another file
		return nil, badfile.Unread("the field %q is of type %q", badfile.Shorten(f.name), f.kind)
	}
	for row := range rows {
		value := data[row*width+f.at:][:f.size]
		text := strings.TrimRight(latin1(value), " \x00")
		switch {
		case f.kind == 'I' && f.size == 4:
			c.Int(int64(int32(binary.LittleEndian.Uint32(value))))
		case (f.kind == 'O' || f.kind == 'B') && f.size == 8:
			c.Float(math.Float64frombits(binary.LittleEndian.Uint64(value)))
		case f.kind == 'I' || f.kind == 'O' || f.kind == 'B':
			return nil, badfile.Unread("the field %q has %d bytes", badfile.Shorten(f.name), f.size)
		case f.kind == 'C' || f.kind == 'L':
			c.Text(text)
		case strings.Trim(text, " *") == "":
			c.Missing('N')
		case f.kind == 'D':
			c.Text(text)
		default:
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				return nil, badfile.Damaged("%q is no number", badfile.Shorten(text))
			}
			c.Float(v)
		}
		if row%1024 == 0 {
			if err := c.Full(); err != nil {
				return nil, err
			}
		}
	}
	return c.Arrays(), nil
}
