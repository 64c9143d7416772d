// Package stata reads the data sets of Stata: the formats 113 to 115 (Stata 8 to
// 12) and 117 to 119 (Stata 13 and later), as Stata, R, pandas and SPSS write
// them ("Description of the .dta file format", StataCorp).
package stata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Limits on files.
const (
	maxVariables = 120000 // by the format
	maxRows      = 1 << 31
	maxLabels    = 1 << 16 // of one set
)

// The types of variables of format 117 and later. Smaller ones are texts of so
// many bytes.
const (
	typeLong   = 32768 // a text of any length
	typeDouble = 65526
	typeFloat  = 65527
	typeInt32  = 65528
	typeInt16  = 65529
	typeInt8   = 65530
	maxText    = 2045
)

// file is what a file says before its data.
type file struct {
	b       []byte // yet to be read
	bad     bool
	order   binary.ByteOrder
	format  int
	columns []column
	rows    int
	label   string
	texts   map[[2]uint64]string // texts of any length, by variable and observation
	out     []ndarray.Array
}

type column struct {
	name, format, labels, label string
	typed                       int
}

// Read reads a file: an array for each variable, where values are missing and
// which of Stata's 27 kinds of missing they are, the labels of variables
// ("NAME@label") and the sets of labels of values ("labels SET").
func Read(b []byte) ([]ndarray.Array, error) {
	f := &file{b: b, order: binary.LittleEndian, texts: map[[2]uint64]string{}}
	var err error
	switch {
	case bytes.HasPrefix(b, []byte("<stata_dta>")):
		err = f.marked()
	case len(b) > 4 && b[0] >= 113 && b[0] <= 115 && (b[1] == 1 || b[1] == 2) && b[2] == 1:
		err = f.old()
	case len(b) > 4 && b[0] >= 102 && b[0] <= 112 && b[2] == 1:
		return nil, badfile.Unread("it is in the format %d", b[0])
	default:
		return nil, badfile.Damaged("it does not begin as one")
	}
	if err == nil && f.bad {
		err = badfile.Damaged("it ends too early")
	}
	return f.out, err
}

func (f *file) take(n int) []byte {
	if n < 0 || n > len(f.b) || f.bad {
		f.bad = true
		return make([]byte, max(0, min(n, 16)))
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

// number reads a whole number of some bytes.
func (f *file) number(size int) uint64 {
	b := f.take(size)
	var v uint64
	for i := range size {
		at := i
		if f.order == binary.ByteOrder(binary.LittleEndian) {
			at = size - 1 - i
		}
		v = v<<8 | uint64(b[at])
	}
	return v
}

// text reads a text of a fixed size, which ends at a zero byte.
func (f *file) text(size int) string {
	b, _, _ := bytes.Cut(f.take(size), []byte{0})
	return f.decode(b)
}

// decode makes UTF-8 of a text, which older formats keep in Latin 1.
func (f *file) decode(b []byte) string {
	if f.format >= 118 && utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// note adds a fact in words, unless it is empty.
func (f *file) note(name, text string) {
	if text != "" {
		f.out = append(f.out, ndarray.Array{Name: name, Class: ndarray.Text, Shape: []int{}, Texts: []string{text}})
	}
}

// finish adds the columns, of which the rows stand in b, and what is said of
// them.
func (f *file) finish(b []byte) error {
	width := 0
	for i := range f.columns {
		width += f.columns[i].width()
	}
	if width == 0 && f.rows > 0 || width > 0 && f.rows > len(b)/width {
		return badfile.Damaged("it has not the rows that it says")
	}
	f.note("@label", f.label)
	at := 0
	for i := range f.columns {
		c := &f.columns[i]
		out := ndarray.NewColumn(c.name, c.class(), c.size(), c.meaning())
		size := c.width()
		for row := range f.rows {
			f.value(out, c, b[row*width+at:][:size])
			if row%1024 == 0 {
				if err := out.Full(); err != nil {
					return err
				}
			}
		}
		at += size
		f.out = append(f.out, out.Arrays()...)
		f.note(c.name+"@label", c.label)
		f.note(c.name+"@values", c.labels)
		if len(f.out) > 4*maxVariables {
			return badfile.TooLarge("more than %d variables", maxVariables)
		}
	}
	return nil
}

// meaning is what a variable's numbers count, where its format says so.
func (c *column) meaning() string {
	if strings.HasPrefix(c.format, "%t") || strings.HasPrefix(c.format, "%d") || strings.HasPrefix(c.format, "%-t") {
		kind := strings.TrimLeft(c.format, "%-")
		return "date " + kind[:min(2, len(kind))]
	}
	return ""
}

func (c *column) width() int {
	switch c.typed {
	case typeDouble, typeLong:
		return 8
	case typeFloat, typeInt32:
		return 4
	case typeInt16:
		return 2
	case typeInt8:
		return 1
	}
	return c.typed
}

func (c *column) class() ndarray.Class {
	switch c.typed {
	case typeDouble, typeFloat:
		return ndarray.Float
	case typeInt32, typeInt16, typeInt8:
		return ndarray.Int
	}
	return ndarray.Text
}

func (c *column) size() int {
	if c.class() == ndarray.Text {
		return 0
	}
	return c.width()
}

// value adds one value. The largest numbers of each type stand for missing ones.
func (f *file) value(out *ndarray.Column, c *column, b []byte) {
	a := ndarray.Array{Class: c.class(), Size: c.size(), Order: f.order}
	switch c.typed {
	case typeDouble:
		missing(out, f.order.Uint64(b), 0x7fe0000000000000, 1<<63, 40, a.Floats(b, nil)[0])
	case typeFloat:
		missing(out, uint64(f.order.Uint32(b)), 0x7f000000, 1<<31, 11, a.Floats(b, nil)[0])
	case typeInt32:
		whole(out, int64(int32(f.order.Uint32(b))), 2147483621)
	case typeInt16:
		whole(out, int64(int16(f.order.Uint16(b))), 32741)
	case typeInt8:
		whole(out, int64(int8(b[0])), 101)
	case typeLong:
		key := f.key(b)
		text, known := f.texts[key]
		f.bad = f.bad || !known && key != [2]uint64{}
		out.Text(text)
	default:
		text, _, _ := bytes.Cut(b, []byte{0})
		out.Text(f.decode(text))
	}
}

// mark names the kind of a missing value: Stata's . and .a to .z.
func mark(n uint64) byte {
	if n == 0 {
		return '.'
	}
	return byte('a' + min(n, 26) - 1)
}

// missing adds a number, or the kind of missing value that its bits stand for:
// those of the largest positive numbers, a step apart.
func missing(out *ndarray.Column, bits, first, negative uint64, step int, number float64) {
	if bits >= first && bits < negative {
		out.Missing(mark((bits - first) >> step))
		return
	}
	out.Float(number)
}

func whole(out *ndarray.Column, v, first int64) {
	if v >= first {
		out.Missing(mark(uint64(v - first)))
		return
	}
	out.Int(v)
}

// labels reads one set of labels of values.
func (f *file) labelSet(name string, b []byte) error {
	in := &file{b: b, order: f.order, format: f.format}
	n, size := in.number(4), in.number(4)
	if in.bad || n > maxLabels || size > uint64(len(in.b)) || 8*n > uint64(len(in.b)) {
		return badfile.Damaged("the labels %q are damaged", badfile.Shorten(name))
	}
	offsets := make([]uint64, n)
	for i := range offsets {
		offsets[i] = in.number(4)
	}
	values := ndarray.NewColumn("labels "+name+" values", ndarray.Int, 4, "")
	texts := ndarray.NewColumn("labels "+name+" texts", ndarray.Text, 0, "")
	for range offsets {
		values.Int(int64(int32(in.number(4))))
	}
	for _, at := range offsets {
		if at > uint64(len(in.b)) {
			return badfile.Damaged("the labels %q are damaged", badfile.Shorten(name))
		}
		text, _, _ := bytes.Cut(in.b[at:], []byte{0})
		texts.Text(f.decode(text))
		if err := texts.Full(); err != nil {
			return err
		}
	}
	if in.bad {
		return fmt.Errorf("labels %q: %w", badfile.Shorten(name), badfile.Damaged("they end too early"))
	}
	f.out = append(append(f.out, values.Arrays()...), texts.Arrays()...)
	return nil
}
