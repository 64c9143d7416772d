package compare

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// The types of data elements and the classes of arrays in MATLAB's MAT-File
// Format, version 5.
const (
	matMatrix     = 14
	matCompressed = 15

	matCell   = 1
	matStruct = 2
	matChar   = 4
	matSparse = 5
	matDouble = 6
	matSingle = 7
	matInt8   = 8
	matUint64 = 15

	maxMatDepth   = 16
	maxMatNumbers = 8 << 20 // of one file, however small they are stored
)

// compareMAT compares the variables of two MATLAB files of version 5 (CMP-117).
func compareMAT(ctx context.Context, j *job) error {
	var lists [2][]array
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxArrays/2)
		if err != nil {
			return err
		}
		if lists[i], err = readMAT(b, of); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	j.sameContent = "the same variables; only their order, packing or the file's header differs"
	return j.compareArrays(ctx, lists[0], lists[1])
}

type matReader struct {
	of    side
	order binary.ByteOrder
	left  int // bytes that may yet be unpacked
	count int // numbers taken
	out   []array
}

func readMAT(b []byte, of side) ([]array, error) {
	m := &matReader{of: of, order: binary.LittleEndian, left: maxArrays}
	if len(b) < 128 || string(b[126:128]) != "IM" && string(b[126:128]) != "MI" {
		return nil, malformed(of, KindMAT, "it does not begin as one")
	}
	if string(b[126:128]) == "MI" {
		m.order = binary.BigEndian
	}
	if v := m.order.Uint16(b[124:]); v != 0x0100 {
		return nil, &undecided{fmt.Sprintf("the %s file is of version %#x, which is not read", of, v)}
	}
	for rest := b[128:]; len(rest) > 0; {
		kind, data, after, err := m.element(rest, false)
		if err != nil {
			return nil, err
		}
		if kind == matCompressed {
			if kind, data, err = m.unpack(data); err != nil {
				return nil, err
			}
		}
		if kind != matMatrix {
			return nil, malformed(of, KindMAT, "an element of type %d where a variable should be", kind)
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
func (m *matReader) element(b []byte, padded bool) (kind int, data, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, malformed(m.of, KindMAT, "it ends too early")
	}
	word := m.order.Uint32(b)
	if word>>16 != 0 { // small
		size := int(word >> 16)
		if size > 4 {
			return 0, nil, nil, malformed(m.of, KindMAT, "a small element of %d bytes", size)
		}
		return int(word & 0xffff), b[4 : 4+size], b[8:], nil
	}
	size := uint64(m.order.Uint32(b[4:]))
	if size > uint64(len(b)-8) {
		return 0, nil, nil, malformed(m.of, KindMAT, "it ends too early")
	}
	end := 8 + int(size)
	next := end
	if padded || word != matCompressed {
		next = min(len(b), (end+7)&^7)
	}
	return int(word), b[8:end], b[next:], nil
}

func (m *matReader) unpack(b []byte) (int, []byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return 0, nil, malformed(m.of, KindMAT, "%s", reason(err))
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(m.left)+1))
	if err != nil {
		return 0, nil, malformed(m.of, KindMAT, "%s", reason(err))
	}
	if m.left -= len(out); m.left < 0 {
		return 0, nil, tooLarge(m.of, "it holds more than %d bytes", maxArrays)
	}
	kind, data, _, err := m.element(out, true)
	return kind, data, err
}

// matrix adds one variable, or a part of one, by its name.
func (m *matReader) matrix(name string, b []byte, depth int) error {
	if len(b) == 0 {
		m.out = append(m.out, array{name: name, sort: floats, size: 8, shape: []int{0, 0}, order: m.order})
		return nil
	}
	if depth > maxMatDepth || len(m.out) > maxArrayCount {
		return tooLarge(m.of, "variables lie too deep in each other, or are too many")
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
		return malformed(m.of, KindMAT, "the head of a variable is damaged")
	}
	if depth == 0 {
		name = string(own)
	}
	a := array{name: name, order: binary.LittleEndian, columnMajor: true}
	for ; len(dims) > 0; dims = dims[4:] {
		a.shape = append(a.shape, int(int32(m.order.Uint32(dims))))
	}
	if n := a.count(); n < 0 || n > maxArrays/8 || len(a.shape) > maxAxes {
		return malformed(m.of, KindMAT, "%q has a shape of %v", clip(name), a.shape)
	}
	if err := m.spend(a.count()); err != nil {
		return err
	}
	head := m.order.Uint32(flags)
	switch class := int(head & 0xff); {
	case class == matCell:
		return m.cells(&a, b, depth)
	case class == matStruct:
		return m.fields(&a, b, depth)
	case class == matSparse:
		return m.sparse(&a, b, head&0x0800 != 0)
	case class == matChar || class >= matDouble && class <= matUint64:
		return m.numbers(&a, class, b, head&0x0800 != 0)
	default:
		return &undecided{fmt.Sprintf("the %s file holds %q, an object or a function", m.of, clip(name))}
	}
}

// spend counts numbers that are to be taken.
func (m *matReader) spend(count int) error {
	if m.count += count; m.count > maxMatNumbers {
		return tooLarge(m.of, "it holds more than %d numbers", maxMatNumbers)
	}
	return nil
}

func (m *matReader) part(name string, b []byte, depth int) ([]byte, error) {
	kind, data, rest, err := m.element(b, true)
	if err != nil {
		return nil, err
	}
	if kind != matMatrix {
		return nil, malformed(m.of, KindMAT, "an element of type %d where a variable should be", kind)
	}
	return rest, m.matrix(name, data, depth+1)
}

func (m *matReader) cells(a *array, b []byte, depth int) (err error) {
	m.out = append(m.out, array{name: a.name, sort: opaque, size: 1, shape: append([]int{0}, a.shape...)})
	for i := range a.count() {
		if b, err = m.part(fmt.Sprintf("%s{%d}", a.name, i+1), b, depth); err != nil {
			return err
		}
	}
	return nil
}

func (m *matReader) fields(a *array, b []byte, depth int) error {
	_, length, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	_, names, b, err := m.element(b, true)
	if err != nil {
		return err
	}
	if len(length) < 4 || m.order.Uint32(length) == 0 || m.order.Uint32(length) > 1024 {
		return malformed(m.of, KindMAT, "the fields of %q are damaged", clip(a.name))
	}
	size := int(m.order.Uint32(length))
	m.out = append(m.out, array{name: a.name, sort: opaque, size: 1, shape: append([]int{0}, a.shape...)})
	for i := range a.count() {
		for at := 0; at+size <= len(names); at += size {
			field, _, _ := strings.Cut(string(names[at:at+size]), "\x00")
			name := a.name + "." + field
			if a.count() > 1 {
				name = fmt.Sprintf("%s(%d).%s", a.name, i+1, field)
			}
			if b, err = m.part(name, b, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// sparse adds the rows, columns and values of a sparse matrix as three arrays.
func (m *matReader) sparse(a *array, b []byte, isComplex bool) error {
	m.out = append(m.out, array{name: a.name, sort: opaque, size: 1, shape: append([]int{0}, a.shape...)})
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
		n := array{name: a.name + " " + part, sort: floats, size: 8, order: binary.LittleEndian}
		values, ok := m.values(kind, data)
		if !ok {
			return malformed(m.of, KindMAT, "%q is of a type that is not known", clip(a.name))
		}
		n.shape = []int{len(values)}
		for _, v := range values {
			n.data = binary.LittleEndian.AppendUint64(n.data, math.Float64bits(v))
		}
		m.out = append(m.out, n)
		b = rest
	}
	return nil
}

// numbers adds an array. Its numbers may be stored in a smaller type than its
// class.
func (m *matReader) numbers(a *array, class int, b []byte, isComplex bool) error {
	var parts [][]float64
	var whole []uint64
	for range 1 + map[bool]int{true: 1}[isComplex] {
		kind, data, rest, err := m.element(b, true)
		if err != nil {
			return err
		}
		if t := matTypes[kind]; t.size == 0 || len(data)/t.size != a.count() {
			return malformed(m.of, KindMAT, "%q has not the numbers for its shape", clip(a.name))
		}
		if class >= matInt8 {
			whole, _ = m.integers(kind, data)
		}
		values, ok := m.values(kind, data)
		if !ok || len(values) != a.count() || class >= matInt8 && len(whole) != a.count() {
			return malformed(m.of, KindMAT, "%q has not the numbers for its shape", clip(a.name))
		}
		parts, b = append(parts, values), rest
	}
	switch {
	case class == matChar:
		a.sort, a.size = opaque, 4
		for _, v := range parts[0] {
			a.data = binary.LittleEndian.AppendUint32(a.data, uint32(v))
		}
	case class >= matInt8 && isComplex:
		return &undecided{fmt.Sprintf("the %s file holds complex integers", m.of)}
	case class >= matInt8:
		a.sort, a.size = []sort{signed, unsigned}[class%2], 1<<((class-matInt8)/2)
		for _, v := range whole {
			a.data = append(a.data, binary.LittleEndian.AppendUint64(nil, v)[:a.size]...)
		}
	default:
		m.floats(a, class, parts)
	}
	m.out = append(m.out, *a)
	return nil
}

func (m *matReader) floats(a *array, class int, parts [][]float64) {
	a.sort, a.size = floats, 8
	if class == matSingle {
		a.size = 4
	}
	for i := range parts[0] {
		for _, p := range parts {
			if class == matSingle {
				a.data = binary.LittleEndian.AppendUint32(a.data, math.Float32bits(float32(p[i])))
			} else {
				a.data = binary.LittleEndian.AppendUint64(a.data, math.Float64bits(p[i]))
			}
		}
	}
	if len(parts) == 2 {
		a.sort, a.size = complexs, 2*a.size
	}
}

// matTypes are the types in which numbers are stored.
var matTypes = map[int]array{
	1: {sort: signed, size: 1}, 2: {sort: unsigned, size: 1}, 3: {sort: signed, size: 2}, 4: {sort: unsigned, size: 2},
	5: {sort: signed, size: 4}, 6: {sort: unsigned, size: 4}, 7: {sort: floats, size: 4}, 9: {sort: floats, size: 8},
	12: {sort: signed, size: 8}, 13: {sort: unsigned, size: 8}, 16: {sort: unsigned, size: 1}, 17: {sort: unsigned, size: 2}, 18: {sort: unsigned, size: 4},
}

// integers reads whole numbers, sign extended to 64 bits.
func (m *matReader) integers(kind int, b []byte) ([]uint64, bool) {
	t, ok := matTypes[kind]
	if !ok || t.sort == floats {
		return nil, false
	}
	var out []uint64
	for ; len(b) >= t.size; b = b[t.size:] {
		var v uint64
		for i := range t.size {
			at := i
			if m.order == binary.ByteOrder(binary.BigEndian) {
				at = t.size - 1 - i
			}
			v |= uint64(b[at]) << (8 * i)
		}
		if shift := 64 - 8*t.size; t.sort == signed {
			v = uint64(int64(v<<shift) >> shift)
		}
		out = append(out, v)
	}
	return out, true
}

func (m *matReader) values(kind int, b []byte) ([]float64, bool) {
	t, ok := matTypes[kind]
	if !ok {
		return nil, false
	}
	var out []float64
	if t.sort == floats {
		t.order = m.order
		for ; len(b) >= t.size; b = b[t.size:] {
			out = t.values(b[:t.size], out)
		}
		return out, true
	}
	whole, _ := m.integers(kind, b)
	for _, v := range whole {
		if t.sort == signed {
			out = append(out, float64(int64(v)))
		} else {
			out = append(out, float64(v))
		}
	}
	return out, true
}
