package arrow

import (
	"encoding/binary"
	"fmt"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// The types of columns, as the schema's union numbers them.
const (
	typeNull      = 1
	typeInt       = 2
	typeFloat     = 3
	typeBinary    = 4
	typeText      = 5
	typeBool      = 6
	typeDate      = 8
	typeTime      = 9
	typeTimestamp = 10
	typeDuration  = 18
	typeLongBytes = 19
	typeLongText  = 20
)

// column gathers one column.
type column struct {
	name    string
	kind    int64
	size    int // bytes of a value; 0: of any length, or a bit
	class   ndarray.Class
	typed   string
	long    bool    // places of texts have 8 bytes
	values  *column // that its numbers stand for
	out     *ndarray.Column
	rows    int
	texts   []string // of a dictionary
	missing []bool
}

// field reads a column of the schema.
func (t *reader) field(f flat) (*column, error) {
	name, err := f.text(0)
	if err != nil {
		return nil, err
	}
	children, err := f.tables(5)
	if err != nil {
		return nil, err
	}
	if len(children) > 0 {
		return nil, badfile.Unread("the column %q is of lists or records", badfile.Shorten(name))
	}
	detail, _, err := f.inner(3)
	if err != nil {
		return nil, err
	}
	c := &column{name: name, kind: f.number(2, 1, 0)}
	if err := c.describe(detail); err != nil {
		return nil, err
	}
	if d, ok, err := f.inner(4); err != nil {
		return nil, err
	} else if ok { // numbers that stand for values
		values := c
		index, isSet, err := d.inner(1)
		if err != nil {
			return nil, err
		}
		c = &column{name: name, kind: typeInt, size: 4, class: ndarray.Int, values: values}
		if isSet {
			if err := c.describe(index); err != nil {
				return nil, err
			}
		}
		if values.class != ndarray.Text {
			return nil, badfile.Unread("the dictionary of %q is not of texts", badfile.Shorten(name))
		}
		values.start()
		t.dictionaries[d.number(0, 8, 0)] = values
		c.out = ndarray.NewColumn(name, ndarray.Text, 0, "dictionary")
		return c, nil
	}
	c.start()
	return c, nil
}

func (c *column) start() { c.out = ndarray.NewColumn(c.name, c.class, c.size, c.typed) }

// describe reads what a type says of itself.
func (c *column) describe(d flat) error {
	units := []string{"s", "ms", "µs", "ns"}
	unit := func(field int, missing int64) string { return units[d.number(field, 2, missing)&3] }
	c.size, c.class = 8, ndarray.Int
	switch c.kind {
	case typeNull:
		c.size, c.class = 0, ndarray.Text
	case typeInt:
		bits := d.number(0, 4, 0)
		if c.size = int(bits / 8); bits != 8 && bits != 16 && bits != 32 && bits != 64 {
			return badfile.Damaged("whole numbers of %d bits", bits)
		}
		if d.number(1, 1, 0) == 0 {
			c.class = ndarray.Uint
		}
	case typeFloat:
		c.size, c.class = 2<<(d.number(0, 2, 0)&3), ndarray.Float
		if c.size > 8 {
			return badfile.Damaged("floats of %d bytes", c.size)
		}
	case typeText, typeLongText, typeBinary, typeLongBytes:
		c.size, c.class, c.long = 0, ndarray.Text, c.kind == typeLongText || c.kind == typeLongBytes
		if c.kind == typeBinary || c.kind == typeLongBytes {
			c.typed = "bytes"
		}
	case typeBool:
		c.size, c.class, c.typed = 1, ndarray.Bytes, "truth value"
	case typeDate:
		if c.typed = "date in ms"; d.number(0, 2, 1) == 0 {
			c.size, c.typed = 4, "date in days"
		}
	case typeTime:
		c.size, c.typed = int(d.number(1, 4, 32)/8), "time in "+unit(0, 1)
		if c.size != 4 && c.size != 8 {
			return badfile.Damaged("times of %d bytes", c.size)
		}
	case typeTimestamp:
		zone, err := d.text(1)
		if err != nil {
			return err
		}
		c.typed = fmt.Sprintf("time stamp in %s %s", unit(0, 0), badfile.Shorten(zone))
	case typeDuration:
		c.typed = "duration in " + unit(0, 1)
	default:
		return badfile.Unread("the column %q is of the type %d", badfile.Shorten(c.name), c.kind)
	}
	return nil
}

// read reads the column's part of a batch.
func (c *column) read(p *batch, rows int64) error {
	n, missing, err := p.node()
	if err != nil {
		return err
	}
	if n != rows {
		return badfile.Damaged("%q has %d rows, of %d", badfile.Shorten(c.name), n, rows)
	}
	if c.kind == typeNull {
		for range n {
			c.out.Missing('N')
		}
		return c.out.Full()
	}
	valid, err := p.buffer()
	if err != nil {
		return err
	}
	if missing > 0 && int64(len(valid))*8 < n {
		return badfile.Damaged("%q does not say what is missing", badfile.Shorten(c.name))
	}
	var places []byte
	width := 4
	if c.long {
		width = 8
	}
	if c.class == ndarray.Text {
		if places, err = p.buffer(); err != nil {
			return err
		}
		if n > 0 && int64(len(places)) < (n+1)*int64(width) {
			return badfile.Damaged("%q has not the texts that it says", badfile.Shorten(c.name))
		}
	}
	data, err := p.buffer()
	if err != nil {
		return err
	}
	for i := range int(n) {
		null := missing > 0 && valid[i/8]>>(i%8)&1 == 0
		if err := c.value(i, null, places, width, data); err != nil {
			return err
		}
		if i%1024 == 0 {
			if err := c.out.Full(); err != nil {
				return err
			}
		}
	}
	return c.out.Full()
}

// value adds one value.
func (c *column) value(i int, null bool, places []byte, width int, data []byte) error {
	if c.rows++; null {
		if c.out.Missing('N'); c.values == nil && c.class == ndarray.Text {
			c.texts, c.missing = append(c.texts, ""), append(c.missing, true)
		}
		return nil
	}
	damaged := badfile.Damaged("%q has not the values that it says", badfile.Shorten(c.name))
	switch {
	case c.class == ndarray.Text:
		at := func(k int) uint64 {
			if width == 8 {
				return binary.LittleEndian.Uint64(places[8*k:])
			}
			return uint64(binary.LittleEndian.Uint32(places[4*k:]))
		}
		from, to := at(i), at(i+1)
		if from > to || to > uint64(len(data)) {
			return damaged
		}
		text := string(data[from:to])
		c.out.Text(text)
		c.texts, c.missing = append(c.texts, text), append(c.missing, false)
		return nil
	case c.kind == typeBool:
		if i/8 >= len(data) {
			return damaged
		}
		c.out.Bytes([]byte{data[i/8] >> (i % 8) & 1})
		return nil
	case (i+1)*c.size > len(data):
		return damaged
	}
	b := data[i*c.size : (i+1)*c.size]
	if c.values == nil {
		c.out.Bytes(b)
		return nil
	}
	var index uint64
	for k, v := range b {
		index |= uint64(v) << (8 * k)
	}
	if index >= uint64(len(c.values.texts)) {
		return badfile.Damaged("%q stands for no value", badfile.Shorten(c.name))
	}
	if c.values.missing[index] {
		c.out.Missing('N')
		return nil
	}
	c.out.Text(c.values.texts[index])
	return nil
}

func (c *column) arrays(*reader) ([]ndarray.Array, error) { return c.out.Arrays(), c.out.Full() }
