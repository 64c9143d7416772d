// Package npy reads arrays as numpy.save writes them (NEP 1), versions 1 to 3.
// Records yield an array for each field.
package npy

import (
	"encoding/binary"
	"fmt"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Magic is how a file begins.
const Magic = "\x93NUMPY"

// Limits on headers.
const (
	maxHeader = 1 << 16 // bytes
	maxFields = 4096    // of records
	maxDepth  = 16      // records within each other
)

// Read reads a file: its array, without a name, or those of its fields, named
// ".FIELD". The arrays may refer to b.
func Read(b []byte) ([]ndarray.Array, error) {
	if len(b) < 12 || string(b[:len(Magic)]) != Magic {
		return nil, badfile.Damaged("it does not begin as one")
	}
	size, from := int(binary.LittleEndian.Uint16(b[8:])), 10
	if b[6] > 1 {
		size, from = int(binary.LittleEndian.Uint32(b[8:])), 12
	}
	if b[6] < 1 || b[6] > 3 || size > maxHeader || from+size > len(b) {
		return nil, badfile.Damaged("its header is damaged")
	}
	h, err := readHeader(string(b[from : from+size]))
	if err != nil {
		return nil, err
	}
	whole := ndarray.Array{Shape: h.shape, Size: h.typed.size, ColumnMajor: h.columnMajor, Data: b[from+size:]}
	if err := whole.Check(); err != nil {
		return nil, err
	}
	g := &gatherer{}
	if err := g.add(whole, &h.typed); err != nil {
		return nil, err
	}
	return g.out, nil
}

// dtype is what an element is: of one class, or fields.
type dtype struct {
	code   string // as numpy writes it: "<f8"
	size   int
	class  ndarray.Class
	order  binary.ByteOrder
	fields []field
	shape  []int // of the subarray that a field holds
}

type field struct {
	name   string
	offset int
	typed  dtype
}

// gatherer makes an array of each field.
type gatherer struct {
	out   []ndarray.Array
	bytes int
}

func (g *gatherer) add(a ndarray.Array, d *dtype) error {
	if g.bytes += len(a.Data); g.bytes > 2*ndarray.MaxData {
		return badfile.TooLarge("fields of more than %d bytes", 2*ndarray.MaxData)
	}
	if len(g.out) > maxFields {
		return badfile.TooLarge("more than %d fields", maxFields)
	}
	for _, f := range d.fields {
		part := a
		part.Name += "." + f.name
		part.Size = f.typed.size
		for _, n := range f.typed.shape {
			part.Size *= n
		}
		part.Data = make([]byte, 0, a.Count()*part.Size)
		for i := range a.Count() {
			element := a.At(i)
			part.Data = append(part.Data, element[f.offset:f.offset+part.Size]...)
		}
		part.ColumnMajor = false
		part.Shape = append(append([]int{}, a.Shape...), f.typed.shape...)
		part.Size = f.typed.size
		if len(part.Shape) > ndarray.MaxAxes {
			return badfile.TooLarge("more than %d axes", ndarray.MaxAxes)
		}
		if err := g.add(part, &f.typed); err != nil {
			return err
		}
	}
	if d.fields != nil {
		return nil
	}
	a.Class, a.Order = d.class, d.order
	switch d.code[1] {
	case 'S', 'U':
		texts(&a, d)
	case 'b':
		a.Type = "bool"
	case 'M', 'm':
		a.Type = d.code[1:]
	}
	g.out = append(g.out, a)
	return nil
}

// texts makes text of elements of a fixed size, which zeros fill up.
func texts(a *ndarray.Array, d *dtype) {
	for i := range a.Count() {
		b := a.At(i)
		if d.code[1] == 'S' {
			a.Texts = append(a.Texts, strings.TrimRight(string(b), "\x00"))
			continue
		}
		var s strings.Builder
		for ; len(b) >= 4; b = b[4:] {
			if c := d.order.Uint32(b); c > 0x10ffff {
				fmt.Fprintf(&s, "\\U%08x", c)
			} else {
				s.WriteRune(rune(c))
			}
		}
		a.Texts = append(a.Texts, strings.TrimRight(s.String(), "\x00"))
	}
	a.Class, a.Size, a.Data, a.ColumnMajor = ndarray.Text, 0, nil, false
}
