package ndarray

import (
	"encoding/binary"
	"math"

	"repro/internal/badfile"
)

// Column gathers the values of a table's column, one after the other. Where
// values are missing, a second array "NAME missing" says so, so that a missing
// value is neither zero nor NaN.
type Column struct {
	a       Array
	missing []byte
	any     bool
	texts   int // bytes
}

// NewColumn starts a column of a class and size, which Text has not. What else
// its values are is said by typed.
func NewColumn(name string, class Class, size int, typed string) *Column {
	return &Column{a: Array{Name: name, Class: class, Size: size, Type: typed, Order: binary.LittleEndian}}
}

// Len is the number of values so far.
func (c *Column) Len() int { return len(c.missing) }

func (c *Column) next() { c.missing = append(c.missing, '-') }

// Int adds a whole number.
func (c *Column) Int(v int64) {
	c.next()
	c.a.Data = append(c.a.Data, binary.LittleEndian.AppendUint64(nil, uint64(v))[:c.a.Size]...)
}

// Float adds a floating-point number.
func (c *Column) Float(v float64) {
	c.next()
	if c.a.Size == 4 {
		c.a.Data = binary.LittleEndian.AppendUint32(c.a.Data, math.Float32bits(float32(v)))
		return
	}
	c.a.Data = binary.LittleEndian.AppendUint64(c.a.Data, math.Float64bits(v))
}

// Bytes adds a value that is no number, of the column's size.
func (c *Column) Bytes(b []byte) {
	c.next()
	c.a.Data = append(c.a.Data, b...)
}

// Text adds a text.
func (c *Column) Text(s string) {
	c.next()
	c.texts += len(s) + 16
	c.a.Texts = append(c.a.Texts, s)
}

// Missing adds a missing value of a kind: formats tell several apart.
func (c *Column) Missing(mark byte) {
	if c.a.Class == Text {
		c.Text("")
	} else {
		c.next()
		c.a.Data = append(c.a.Data, make([]byte, c.a.Size)...)
	}
	c.missing[len(c.missing)-1] = mark
	c.any = true
}

// Full returns an error once the column is larger than an array may be.
func (c *Column) Full() error {
	if len(c.a.Data)+c.texts+len(c.missing) > MaxData {
		return badfile.TooLarge("the column %q has more than %d bytes", badfile.Shorten(c.a.Name), MaxData)
	}
	return nil
}

// Arrays is the column, and where values are missing, if any is.
func (c *Column) Arrays() []Array {
	a := c.a
	a.Shape = []int{len(c.missing)}
	if !c.any {
		return []Array{a}
	}
	return []Array{a, {Name: a.Name + " missing", Class: Bytes, Size: 1, Shape: a.Shape, Data: c.missing, Order: a.Order}}
}
