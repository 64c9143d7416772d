// Package ndarray holds arrays as readers of outside formats find them: the
// bytes of their elements, and what these mean. It says nothing of whether two
// arrays are the same.
package ndarray

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// Limits on arrays.
const (
	MaxData = 96 << 20 // bytes of one array, or of all of a file that is read at once
	MaxAxes = 32
	MaxList = 1 << 16 // arrays of one file
)

// Class is what elements are.
type Class uint8

// The classes. Only elements of Text have no size.
const (
	Float   Class = iota // IEEE 754, 2, 4 or 8 bytes
	Int                  // two's complement, 1 to 8 bytes
	Uint                 // 1 to 8 bytes
	Complex              // two floats
	Bytes                // no number: truth values, text of a fixed size
	Text                 // text of any length, held in Texts
)

func (c Class) String() string {
	return [...]string{"float", "int", "uint", "complex", "bytes", "text"}[c]
}

// Array is elements of one class in a shape.
type Array struct {
	Name        string
	Class       Class
	Size        int   // bytes of an element
	Shape       []int // nil: a single element
	ColumnMajor bool  // the first axis runs fastest
	Order       binary.ByteOrder
	Data        []byte
	Texts       []string // of the class Text, instead of Data
	Type        string   // what else elements are, in words; "" for plain numbers
}

// Count is the number of elements; -1 if there can't be so many.
func (a *Array) Count() int {
	n := 1
	for _, d := range a.Shape {
		if d < 0 || d > 0 && n > MaxData/d {
			return -1
		}
		n *= d
	}
	return n
}

// Check refuses an array that has not the bytes for its shape, and cuts off
// bytes beyond it.
func (a *Array) Check() error {
	n := a.Count()
	if len(a.Shape) > MaxAxes || n < 0 || a.Size <= 0 || n > len(a.Data)/a.Size {
		return badfile.Damaged("array %q of shape %v is larger than its bytes", badfile.Shorten(a.Name), a.Shape)
	}
	a.Data = a.Data[:n*a.Size]
	return nil
}

// Describe is the class and shape in words: "float64 [2 3]".
func (a *Array) Describe() string {
	if a.Class == Text {
		return fmt.Sprintf("text %v", a.Shape)
	}
	return fmt.Sprintf("%s%d %v", a.Class, 8*a.Size, a.Shape)
}

// At is the element with an index in the order in which the last axis runs
// fastest.
func (a *Array) At(i int) []byte {
	if a.ColumnMajor && len(a.Shape) > 1 {
		place, stride := 0, len(a.Data)/a.Size
		for axis := len(a.Shape) - 1; axis >= 0; axis-- {
			stride /= a.Shape[axis]
			place += i % a.Shape[axis] * stride
			i /= a.Shape[axis]
		}
		i = place
	}
	return a.Data[i*a.Size : (i+1)*a.Size]
}

// Index is the place of the element with an index, from 0: "[1,0]".
func (a *Array) Index(i int) string {
	index := make([]string, len(a.Shape))
	for axis := len(a.Shape) - 1; axis >= 0; axis-- {
		index[axis] = strconv.Itoa(i % a.Shape[axis])
		i /= a.Shape[axis]
	}
	return "[" + strings.Join(index, ",") + "]"
}

// Floats appends the numbers of an element of the class Float or Complex: one,
// or two.
func (a *Array) Floats(b []byte, out []float64) []float64 {
	if a.Class == Complex {
		half := Array{Class: Float, Size: a.Size / 2, Order: a.Order}
		return half.Floats(b[a.Size/2:], half.Floats(b[:a.Size/2], out))
	}
	switch a.Size {
	case 2:
		return append(out, halfFloat(a.Order.Uint16(b)))
	case 4:
		return append(out, float64(math.Float32frombits(a.Order.Uint32(b))))
	}
	return append(out, math.Float64frombits(a.Order.Uint64(b)))
}

// halfFloat is the value of an IEEE 754 binary16.
func halfFloat(b uint16) float64 {
	sign, exp, frac := 1.0, int(b>>10&31), float64(b&1023)
	if b>>15 == 1 {
		sign = -1
	}
	switch {
	case exp == 31 && frac != 0:
		return math.NaN()
	case exp == 31:
		return math.Inf(int(sign))
	case exp == 0:
		return sign * math.Ldexp(frac, -24)
	}
	return sign * math.Ldexp(frac+1024, exp-25)
}

// Integer prints an element of the class Int or Uint.
func (a *Array) Integer(b []byte) string {
	le := slices.Clone(b)
	if a.Order == binary.ByteOrder(binary.BigEndian) {
		slices.Reverse(le)
	}
	var u uint64
	for i, c := range le {
		u |= uint64(c) << (8 * i)
	}
	if a.Class == Int {
		return strconv.FormatInt(int64(u<<(64-8*a.Size))>>(64-8*a.Size), 10)
	}
	return strconv.FormatUint(u, 10)
}

// FloatBits is the width of the floats that elements are made of.
func (a *Array) FloatBits() int {
	if a.Class == Complex {
		return 4 * a.Size
	}
	return 8 * a.Size
}

// Shortest prints a float of the array as the shortest decimal that reads back
// to it.
func (a *Array) Shortest(v float64) string {
	bits := 64
	if a.FloatBits() == 32 {
		bits = 32
	}
	return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, bits), "+")
}
