package arrow

import (
	"encoding/binary"

	"repro/internal/badfile"
)

// flat is a table of a FlatBuffer (flatbuffers.dev/internals): fields are found
// through a table of their places.
type flat struct {
	b      []byte
	at     int // of the table
	fields []byte
}

var errFlat = badfile.Damaged("its metadata point outside of themselves")

func u16(b []byte, at int) int {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(b[at:]))
}

func u32(b []byte, at int) (int, bool) {
	if at < 0 || at+4 > len(b) {
		return 0, false
	}
	return int(binary.LittleEndian.Uint32(b[at:])), true
}

// root is the table that a buffer holds.
func root(b []byte) (flat, error) {
	at, ok := u32(b, 0)
	if !ok {
		return flat{}, errFlat
	}
	return table(b, at)
}

func table(b []byte, at int) (flat, error) {
	back, ok := u32(b, at)
	if !ok {
		return flat{}, errFlat
	}
	places := at - int(int32(back))
	size := u16(b, places)
	if places < 0 || size < 4 || places+size > len(b) {
		return flat{}, errFlat
	}
	return flat{b: b, at: at, fields: b[places+4 : places+size]}, nil
}

// place is where a field is; 0 if it is left out.
func (f flat) place(field int) int {
	if off := u16(f.fields, 2*field); off > 0 {
		return f.at + off
	}
	return 0
}

// number is a field of some bytes, little-endian, without its sign.
func (f flat) number(field, size int, missing int64) int64 {
	at := f.place(field)
	if at == 0 || at+size > len(f.b) {
		return missing
	}
	var v uint64
	for i := range size {
		v |= uint64(f.b[at+i]) << (8 * i)
	}
	return int64(v<<(64-8*size)) >> (64 - 8*size)
}

// inner is a table that a field refers to; ok is false if it is left out.
func (f flat) inner(field int) (out flat, ok bool, err error) {
	at := f.place(field)
	if at == 0 {
		return flat{}, false, nil
	}
	off, ok := u32(f.b, at)
	if !ok {
		return flat{}, false, errFlat
	}
	out, err = table(f.b, at+off)
	return out, err == nil, err
}

// vector is where the elements of a field lie, and how many there are.
func (f flat) vector(field, size int) (at, n int, err error) {
	place := f.place(field)
	if place == 0 {
		return 0, 0, nil
	}
	off, ok := u32(f.b, place)
	if !ok {
		return 0, 0, errFlat
	}
	n, ok = u32(f.b, place+off)
	if at = place + off + 4; !ok || n > (len(f.b)-at)/size {
		return 0, 0, errFlat
	}
	return at, n, nil
}

func (f flat) text(field int) (string, error) {
	at, n, err := f.vector(field, 1)
	if err != nil {
		return "", err
	}
	return string(f.b[at : at+n]), nil
}

// tables are the tables of a vector.
func (f flat) tables(field int) ([]flat, error) {
	at, n, err := f.vector(field, 4)
	if err != nil || n > maxFields {
		return nil, errFlat
	}
	out := make([]flat, n)
	for i := range n {
		off, ok := u32(f.b, at+4*i)
		if !ok {
			return nil, errFlat
		}
		if out[i], err = table(f.b, at+4*i+off); err != nil {
			return nil, err
		}
	}
	return out, nil
}
