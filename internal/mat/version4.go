package mat

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// stored4 is how version 4 stores numbers, by the second decimal digit of a
// matrix's type.
var stored4 = []ndarray.Array{
	{Class: ndarray.Float, Size: 8}, {Class: ndarray.Float, Size: 4}, {Class: ndarray.Int, Size: 4},
	{Class: ndarray.Int, Size: 2}, {Class: ndarray.Uint, Size: 2}, {Class: ndarray.Uint, Size: 1},
}

// The matrices of version 4, by the last decimal digit of their type.
const (
	full4   = 0
	text4   = 1
	sparse4 = 2
)

const head4 = 20 // bytes of a matrix before its name

// matrix4 is the head of a matrix of version 4.
type matrix4 struct {
	kind      uint32 // full4, text4 or sparse4
	stored    ndarray.Array
	rows      int
	columns   int
	imaginary bool
	name      int // bytes
}

// isVersion4 reports whether a file begins with the head of a matrix of version
// 4, which has no mark of its own.
func isVersion4(b []byte) bool {
	_, err := readHead4(b)
	return err == nil
}

func readHead4(b []byte) (*matrix4, error) {
	if len(b) < head4 {
		return nil, badfile.Damaged("it ends too early")
	}
	for machine, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		typed := order.Uint32(b)
		stored := int(typed / 10 % 10)
		if typed/100 != uint32(10*machine) || stored >= len(stored4) || typed%10 > sparse4 {
			continue
		}
		m := &matrix4{kind: typed % 10, stored: stored4[stored]}
		m.stored.Order = order
		rows, columns, imaginary, name := order.Uint32(b[4:]), order.Uint32(b[8:]), order.Uint32(b[12:]), order.Uint32(b[16:])
		if rows > ndarray.MaxData || columns > ndarray.MaxData || imaginary > 1 || name == 0 || name > 1<<16 {
			continue
		}
		m.rows, m.columns, m.imaginary, m.name = int(rows), int(columns), imaginary == 1, int(name)
		return m, nil
	}
	return nil, badfile.Damaged("the head of a matrix is damaged")
}

// readVersion4 reads the matrices of a file of version 4: all are of doubles,
// however they are stored.
func (r *reader) readVersion4(b []byte) error {
	for len(b) > 0 {
		m, err := readHead4(b)
		if err != nil {
			return err
		}
		if len(r.out) >= ndarray.MaxList {
			return badfile.TooLarge("more than %d variables", ndarray.MaxList)
		}
		b = b[head4:]
		parts := 1
		if m.imaginary {
			parts = 2
		}
		size := m.rows * m.columns * m.stored.Size
		if m.name > len(b) || size*parts > len(b)-m.name {
			return badfile.Damaged("a matrix lies beyond the end of the file")
		}
		name, _, _ := strings.Cut(string(b[:m.name]), "\x00")
		b = b[m.name:]
		if err := r.spend(m.rows * m.columns * parts); err != nil {
			return err
		}
		if err := r.add4(m, name, b[:size*parts]); err != nil {
			return err
		}
		b = b[size*parts:]
	}
	return nil
}

func (r *reader) add4(m *matrix4, name string, b []byte) error {
	values := m.values(b)
	a := ndarray.Array{Name: name, Class: ndarray.Float, Size: 8, Order: binary.LittleEndian, Shape: []int{m.rows, m.columns}, ColumnMajor: true}
	half := m.rows * m.columns
	switch {
	case m.kind == text4:
		a.Class, a.Size = ndarray.Bytes, 4
		for _, v := range values {
			if !(v >= 0 && v <= math.MaxUint32) || v != math.Trunc(v) || m.imaginary {
				return badfile.Damaged("%q is text of what is no character", badfile.Shorten(name))
			}
			a.Data = binary.LittleEndian.AppendUint32(a.Data, uint32(v))
		}
	case m.imaginary:
		a.Class, a.Size = ndarray.Complex, 16
		for i, v := range values[:half] {
			a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(v))
			a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(values[half+i]))
		}
	default:
		for _, v := range values {
			a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(v))
		}
	}
	if m.kind == sparse4 { // rows, columns and values, which stand in columns
		a.Type = "sparse"
	}
	r.out = append(r.out, a)
	return nil
}

func (m *matrix4) values(b []byte) []float64 {
	out := make([]float64, 0, len(b)/m.stored.Size)
	for size := m.stored.Size; len(b) >= size; b = b[size:] {
		if m.stored.Class == ndarray.Float {
			out = m.stored.Floats(b[:size], out)
			continue
		}
		v, err := strconv.ParseFloat(m.stored.Integer(b[:size]), 64)
		if err != nil {
			v = math.NaN() // it is a whole number of 32 bits
		}
		out = append(out, v)
	}
	return out
}
