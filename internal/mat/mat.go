// Package mat reads the variables of MATLAB files of versions 4 and 5, as the
// MAT-File Format (The MathWorks) describes them. Version 7.3 is HDF5. Fields are named a.f, or a(k).f, cells
// a{k}; a sparse matrix is three arrays.
package mat

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// The types of data elements and the classes of arrays in MATLAB's MAT-File
// Format, version 5.
const (
	miMatrix     = 14
	miCompressed = 15

	mxCell   = 1
	mxStruct = 2
	mxChar   = 4
	mxSparse = 5
	mxDouble = 6
	mxSingle = 7
	mxInt8   = 8
	mxUint64 = 15

	logicalFlag = 0x0200

	maxDepth   = 16
	maxNumbers = 8 << 20 // of one file, however small they are stored
)

type reader struct {
	order binary.ByteOrder
	left  int // bytes that may yet be unpacked
	count int // numbers taken
	out   []ndarray.Array
}

// Read reads the variables of a file. The arrays may refer to b.
func Read(b []byte) ([]ndarray.Array, error) {
	m := &reader{order: binary.LittleEndian, left: ndarray.MaxData}
	if isVersion4(b) {
		err := m.readVersion4(b)
		return m.out, err
	}
	if len(b) < 128 || string(b[126:128]) != "IM" && string(b[126:128]) != "MI" {
		return nil, badfile.Damaged("it does not begin as one")
	}
	if string(b[126:128]) == "MI" {
		m.order = binary.BigEndian
	}
	if v := m.order.Uint16(b[124:]); v != 0x0100 {
		return nil, badfile.Unread("it is of version %#x", v)
	}
	for rest := b[128:]; len(rest) > 0; {
		kind, data, after, err := m.element(rest, false)
		if err != nil {
			return nil, err
		}
		if kind == miCompressed {
			if kind, data, err = m.unpack(data); err != nil {
				return nil, err
			}
		}
		if kind != miMatrix {
			return nil, badfile.Damaged("an element of type %d where a variable should be", kind)
		}
		if err := m.matrix("", data, 0); err != nil {
			return nil, err
		}
		rest = after
	}
	return m.out, nil
}

// element cuts the next data element off. Elements within a variable are
// padded to eight bytes.
func (m *reader) element(b []byte, padded bool) (kind int, data, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, badfile.Damaged("it ends too early")
	}
	word := m.order.Uint32(b)
	if word>>16 != 0 { // small
		size := int(word >> 16)
		if size > 4 {
			return 0, nil, nil, badfile.Damaged("a small element of %d bytes", size)
		}
		return int(word & 0xffff), b[4 : 4+size], b[8:], nil
	}
	size := uint64(m.order.Uint32(b[4:]))
	if size > uint64(len(b)-8) {
		return 0, nil, nil, badfile.Damaged("it ends too early")
	}
	end := 8 + int(size)
	next := end
	if padded || word != miCompressed {
		next = min(len(b), (end+7)&^7)
	}
	return int(word), b[8:end], b[next:], nil
}

func (m *reader) unpack(b []byte) (int, []byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return 0, nil, badfile.Damaged("%s", badfile.Cause(err))
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(m.left)+1))
	if err != nil {
		return 0, nil, badfile.Damaged("%s", badfile.Cause(err))
	}
	if m.left -= len(out); m.left < 0 {
		return 0, nil, badfile.TooLarge("it holds more than %d bytes", ndarray.MaxData)
	}
	kind, data, _, err := m.element(out, true)
	return kind, data, err
}

// matrix adds one variable, or a part of one, by its name.
func (m *reader) matrix(name string, b []byte, depth int) error {
	if len(b) == 0 {
		m.out = append(m.out, ndarray.Array{Name: name, Class: ndarray.Float, Size: 8, Shape: []int{0, 0}, Order: m.order})
		return nil
	}
	if depth > maxDepth || len(m.out) > ndarray.MaxList {
		return badfile.TooLarge("variables lie too deep in each other, or are too many")
	}
	_, flags, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	_, dims, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	_, own, b, err := m.element(b, true)
	if err != nil || len(flags) < 8 || len(dims)%4 != 0 {
		return badfile.Damaged("the head of a variable is damaged")
	}
	if depth == 0 {
		name = string(own)
	}
	a := ndarray.Array{Name: name, Order: binary.LittleEndian, ColumnMajor: true}
	for ; len(dims) > 0; dims = dims[4:] {
		a.Shape = append(a.Shape, int(int32(m.order.Uint32(dims))))
	}
	if n := a.Count(); n < 0 || n > ndarray.MaxData/8 || len(a.Shape) > ndarray.MaxAxes {
		return badfile.Damaged("%q has a shape of %v", badfile.Shorten(name), a.Shape)
	}
	if err := m.spend(a.Count()); err != nil {
		return err
	}
	head := m.order.Uint32(flags)
	if head&logicalFlag != 0 {
		a.Type = "logical"
	}
	switch class := int(head & 0xff); {
	case class == mxCell:
		return m.cells(&a, b, depth)
	case class == mxStruct:
		return m.fields(&a, b, depth)
	case class == mxSparse:
		return m.sparse(&a, b, head&0x0800 != 0)
	case class == mxChar || class >= mxDouble && class <= mxUint64:
		return m.numbers(&a, class, b, head&0x0800 != 0)
	default:
		return badfile.Unread("%q is an object or a function", badfile.Shorten(name))
	}
}

// spend counts numbers that are to be taken.
func (m *reader) spend(count int) error {
	if m.count += count; m.count > maxNumbers {
		return badfile.TooLarge("it holds more than %d numbers", maxNumbers)
	}
	return nil
}

func (m *reader) part(name string, b []byte, depth int) ([]byte, error) {
	kind, data, rest, err := m.element(b, true)
	if err != nil {
		return nil, err
	}
	if kind != miMatrix {
		return nil, badfile.Damaged("an element of type %d where a variable should be", kind)
	}
	return rest, m.matrix(name, data, depth+1)
}

func (m *reader) cells(a *ndarray.Array, b []byte, depth int) (err error) {
	m.out = append(m.out, ndarray.Array{Name: a.Name, Class: ndarray.Bytes, Size: 1, Shape: append([]int{0}, a.Shape...)})
	for i := range a.Count() {
		if b, err = m.part(fmt.Sprintf("%s{%d}", a.Name, i+1), b, depth); err != nil {
			return err
		}
	}
	return nil
}

func (m *reader) fields(a *ndarray.Array, b []byte, depth int) error {
	_, length, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	_, names, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	if len(length) < 4 || m.order.Uint32(length) == 0 || m.order.Uint32(length) > 1024 {
		return badfile.Damaged("the fields of %q are damaged", badfile.Shorten(a.Name))
	}
	size := int(m.order.Uint32(length))
	m.out = append(m.out, ndarray.Array{Name: a.Name, Class: ndarray.Bytes, Size: 1, Shape: append([]int{0}, a.Shape...)})
	for i := range a.Count() {
		for at := 0; at+size <= len(names); at += size {
			field, _, _ := strings.Cut(string(names[at:at+size]), "\x00")
			name := a.Name + "." + field
			if a.Count() > 1 {
				name = fmt.Sprintf("%s(%d).%s", a.Name, i+1, field)
			}
			if b, err = m.part(name, b, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// sparse adds the rows, columns and values of a sparse matrix as three arrays.
func (m *reader) sparse(a *ndarray.Array, b []byte, isComplex bool) error {
	m.out = append(m.out, ndarray.Array{Name: a.Name, Class: ndarray.Bytes, Size: 1, Shape: append([]int{0}, a.Shape...)})
	for _, part := range []string{"rows", "columns", "values", "imaginary"} {
		if part == "imaginary" && !isComplex {
			return nil
		}
		kind, data, rest, err := m.element(b, true)
		if err != nil {
			return err
		}
		if err := m.spend(len(data)); err != nil {
			return err
		}
		n := ndarray.Array{Name: a.Name + " " + part, Class: ndarray.Float, Size: 8, Order: binary.LittleEndian}
		values, ok := m.values(kind, data)
		if !ok {
			return badfile.Damaged("%q is of a type that is not known", badfile.Shorten(a.Name))
		}
		n.Shape = []int{len(values)}
		for _, v := range values {
			n.Data = binary.LittleEndian.AppendUint64(n.Data, math.Float64bits(v))
		}
		m.out = append(m.out, n)
		b = rest
	}
	return nil
}

// numbers adds an array. Its numbers may be stored in a smaller type than its
// class.
func (m *reader) numbers(a *ndarray.Array, class int, b []byte, isComplex bool) error {
	var parts [][]float64
	var whole []uint64
	for range 1 + map[bool]int{true: 1}[isComplex] {
		kind, data, rest, err := m.element(b, true)
		if err != nil {
			return err
		}
		if t := stored[kind]; t.Size == 0 || len(data)/t.Size != a.Count() {
			return badfile.Damaged("%q has not the numbers for its shape", badfile.Shorten(a.Name))
		}
		if class >= mxInt8 {
			whole = m.integers(kind, data)
		}
		values, ok := m.values(kind, data)
		if !ok || len(values) != a.Count() || class >= mxInt8 && len(whole) != a.Count() {
			return badfile.Damaged("%q has not the numbers for its shape", badfile.Shorten(a.Name))
		}
		parts, b = append(parts, values), rest
	}
	switch {
	case class == mxChar:
		a.Class, a.Size = ndarray.Bytes, 4
		for _, v := range parts[0] {
			a.Data = binary.LittleEndian.AppendUint32(a.Data, uint32(v))
		}
	case class >= mxInt8 && isComplex:
		return badfile.Unread("%q is of complex integers", badfile.Shorten(a.Name))
	case class >= mxInt8:
		a.Class, a.Size = []ndarray.Class{ndarray.Int, ndarray.Uint}[class%2], 1<<((class-mxInt8)/2)
		for _, v := range whole {
			a.Data = append(a.Data, binary.LittleEndian.AppendUint64(nil, v)[:a.Size]...)
		}
	default:
		m.floats(a, class, parts)
	}
	m.out = append(m.out, *a)
	return nil
}

func (m *reader) floats(a *ndarray.Array, class int, parts [][]float64) {
	a.Class, a.Size = ndarray.Float, 8
	if class == mxSingle {
		a.Size = 4
	}
	for i := range parts[0] {
		for _, p := range parts {
			if class == mxSingle {
				a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(p[i])))
			} else {
				a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(p[i]))
			}
		}
	}
	if len(parts) == 2 {
		a.Class, a.Size = ndarray.Complex, 2*a.Size
	}
}

// stored are the types in which numbers are stored.
var stored = map[int]ndarray.Array{
	1: {Class: ndarray.Int, Size: 1}, 2: {Class: ndarray.Uint, Size: 1}, 3: {Class: ndarray.Int, Size: 2}, 4: {Class: ndarray.Uint, Size: 2},
	5: {Class: ndarray.Int, Size: 4}, 6: {Class: ndarray.Uint, Size: 4}, 7: {Class: ndarray.Float, Size: 4}, 9: {Class: ndarray.Float, Size: 8},
	12: {Class: ndarray.Int, Size: 8}, 13: {Class: ndarray.Uint, Size: 8}, 16: {Class: ndarray.Uint, Size: 1}, 17: {Class: ndarray.Uint, Size: 2}, 18: {Class: ndarray.Uint, Size: 4},
}

// integers reads whole numbers, sign extended to 64 bits; none where kind is not
// one of theirs.
func (m *reader) integers(kind int, b []byte) []uint64 {
	t, ok := stored[kind]
	if !ok || t.Class == ndarray.Float {
		return nil
	}
	var out []uint64
	for ; len(b) >= t.Size; b = b[t.Size:] {
		var v uint64
		for i := range t.Size {
			at := i
			if m.order == binary.ByteOrder(binary.BigEndian) {
				at = t.Size - 1 - i
			}
			v |= uint64(b[at]) << (8 * i)
		}
		if shift := 64 - 8*t.Size; t.Class == ndarray.Int {
			v = uint64(int64(v<<shift) >> shift)
		}
		out = append(out, v)
	}
	return out
}

func (m *reader) values(kind int, b []byte) ([]float64, bool) {
	t, ok := stored[kind]
	if !ok {
		return nil, false
	}
	var out []float64
	if t.Class == ndarray.Float {
		t.Order = m.order
		for ; len(b) >= t.Size; b = b[t.Size:] {
			out = t.Floats(b[:t.Size], out)
		}
		return out, true
	}
	whole := m.integers(kind, b)
	for _, v := range whole {
		if t.Class == ndarray.Int {
			out = append(out, float64(int64(v)))
		} else {
			out = append(out, float64(v))
		}
	}
	return out, true
}
