// Package spss reads system files of SPSS (.sav and .zsav), as SPSS, PSPP, R and
// pandas write them. SPSS publishes no description; this follows that of GNU
// PSPP ("System File Format", PSPP Developers' Guide).
package spss

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Limits on files.
const (
	maxSegments = 1 << 17 // of eight bytes, in one case
	maxRecord   = 16 << 20
	maxUnpacked = ndarray.MaxData
	segment     = 8
	headSize    = 176
)

// variable is a variable: one number, or a text of several segments.
type variable struct {
	short, name, label string
	width              int // of a text; 0: a number
	at, segments       int
	missing            []string
	format             byte
}

// file is what a file says before its data.
type file struct {
	b        []byte
	bad      bool
	order    binary.ByteOrder
	packing  uint32
	cases    int32
	bias     float64
	segments int
	list     []variable
	long     map[string]string // names by short names
	strings  map[string]int    // widths of very long texts by short names
	latin    bool              // texts are not in UTF-8
	labels   []labelSet
	out      []ndarray.Array
}

// labelSet is labels of values, in pairs of a value in its eight bytes and a text.
type labelSet struct {
	values  [][]byte
	texts   []string
	columns []int // segments from 1 at which the variables stand
}

// Read reads a file: an array for each variable, where values are missing, and
// what is said of the variables: NAME@label, NAME@missing (values that stand for
// missing ones), and the labels of values as NAME@values and NAME@texts.
func Read(b []byte) ([]ndarray.Array, error) {
	f := &file{b: b, order: binary.LittleEndian, long: map[string]string{}, strings: map[string]int{}, latin: true}
	if err := f.head(); err != nil {
		return nil, err
	}
	if err := f.dictionary(); err != nil {
		return nil, err
	}
	if err := f.join(); err != nil {
		return nil, err
	}
	data, err := f.data()
	if err != nil {
		return nil, err
	}
	if err := f.columns(data); err != nil {
		return nil, err
	}
	return f.out, nil
}

func (f *file) take(n int) []byte {
	if n < 0 || n > len(f.b) || f.bad {
		f.bad = true
		return make([]byte, max(0, min(n, 256)))
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

func (f *file) int() int { return int(int32(f.order.Uint32(f.take(4)))) }

func (f *file) head() error {
	b := f.take(headSize)
	if f.bad || string(b[:4]) != "$FL2" && string(b[:4]) != "$FL3" {
		return badfile.Damaged("it does not begin as one")
	}
	if layout := f.order.Uint32(b[64:]); layout != 2 && layout != 3 {
		f.order = binary.BigEndian
	}
	if layout := f.order.Uint32(b[64:]); layout != 2 && layout != 3 {
		return badfile.Unread("a layout of type %d", layout)
	}
	f.packing, f.cases = f.order.Uint32(b[72:]), int32(f.order.Uint32(b[80:]))
	f.bias = math.Float64frombits(f.order.Uint64(b[84:]))
	if f.packing > 2 {
		return badfile.Unread("data packed by method %d", f.packing)
	}
	return nil
}

// dictionary reads records up to the data.
func (f *file) dictionary() error {
	for {
		kind := f.int()
		if f.bad {
			return badfile.Damaged("it ends too early")
		}
		var err error
		switch kind {
		case 2:
			err = f.variable()
		case 3:
			err = f.valueLabels()
		case 6:
			f.take(80 * max(0, min(f.int(), maxRecord)))
		case 7:
			err = f.extension()
		case 999:
			f.take(4)
			return nil
		default:
			return badfile.Damaged("a record of type %d", kind)
		}
		if err != nil {
			return err
		}
	}
}

// variable reads one variable, or a further segment of the text before.
func (f *file) variable() error {
	width, labelled, missing := f.int(), f.int(), f.int()
	print, _ := f.int(), f.int()
	short := strings.TrimRight(string(f.take(8)), " ")
	if f.segments++; f.segments > maxSegments {
		return badfile.TooLarge("cases of more than %d bytes", segment*maxSegments)
	}
	label := ""
	if labelled == 1 {
		n := f.int()
		if n < 0 || n > maxRecord {
			return badfile.Damaged("a label of %d bytes", n)
		}
		b := f.take((n + 3) &^ 3)
		if f.bad {
			return badfile.Damaged("a label ends too early")
		}
		label = string(b[:n])
	}
	v := variable{short: short, label: strings.TrimRight(label, " \x00"), width: width, at: f.segments - 1, segments: 1, format: byte(print >> 16)}
	count := max(missing, -missing)
	if count > 3 {
		return badfile.Damaged("%d missing values", missing)
	}
	for range count {
		b := f.take(segment)
		if width > 0 {
			v.missing = append(v.missing, strings.TrimRight(string(b), " "))
		} else {
			v.missing = append(v.missing, f.shortest(b))
		}
	}
	if missing < 0 {
		v.missing = append([]string{"from"}, v.missing...)
	}
	switch {
	case width >= 0 && width <= 255:
		f.list = append(f.list, v)
	case width == -1 && len(f.list) > 0:
		f.list[len(f.list)-1].segments++
	default:
		return badfile.Damaged("a variable of width %d", width)
	}
	return nil
}

func (f *file) shortest(b []byte) string {
	return strconv.FormatFloat(math.Float64frombits(f.order.Uint64(b)), 'g', -1, 64)
}

// valueLabels reads labels of values, and of which variables they are.
func (f *file) valueLabels() error {
	count := f.int()
	if count < 0 || count > len(f.b)/segment {
		return badfile.Damaged("%d labels of values", count)
	}
	var set labelSet
	for range count {
		set.values = append(set.values, f.take(segment))
		n := int(f.take(1)[0])
		set.texts = append(set.texts, string(f.take((n+8)&^7 - 1)[:n]))
	}
	if kind := f.int(); kind != 4 {
		return badfile.Damaged("labels of values of no variable")
	}
	columns := f.int()
	if columns < 0 || columns > len(f.b)/4 {
		return badfile.Damaged("labels of the values of %d variables", columns)
	}
	for range columns {
		set.columns = append(set.columns, f.int())
	}
	f.labels = append(f.labels, set)
	return nil
}

// extension reads a record that later versions added.
func (f *file) extension() error {
	subtype, size, count := f.int(), f.int(), f.int()
	if size < 0 || count < 0 || size > maxRecord || count > maxRecord || size*count > len(f.b) {
		return badfile.Damaged("a record of %d times %d bytes", count, size)
	}
	b := f.take(size * count)
	switch subtype {
	case 13: // long names
		for pair := range strings.SplitSeq(string(b), "\t") {
			if short, long, ok := strings.Cut(pair, "="); ok {
				f.long[short] = long
			}
		}
	case 14: // very long texts
		for pair := range strings.SplitSeq(string(b), "\t") {
			short, width, ok := strings.Cut(strings.TrimLeft(pair, "\x00"), "=")
			n, err := strconv.Atoi(strings.TrimRight(width, "\x00 "))
			if ok && (err != nil || n < 256 || n > 32767) {
				return badfile.Damaged("a text of width %q", badfile.Shorten(width))
			}
			if ok {
				f.strings[short] = n
			}
		}
	case 21, 22: // labels of long texts, and those that stand for missing ones
		f.out = append(f.out, ndarray.Array{Name: fmt.Sprintf("record 7.%d", subtype), Class: ndarray.Text, Shape: []int{}, Texts: []string{string(b)}})
	case 3: // of the machine; the last number is the code page
		const utf8Page = 65001
		if len(b) == 32 && f.order.Uint32(b[28:]) == utf8Page {
			f.latin = false
		}
	case 20: // the encoding
		name := strings.ToUpper(strings.TrimSpace(string(b)))
		f.latin = name != "UTF-8" && name != "UTF8" && name != "US-ASCII" && name != "ASCII"
	}
	return nil
}

// join makes one variable of those that hold the parts of a very long text.
func (f *file) join() error {
	const used = 252 // of a very long text, by which its parts are counted; each holds 255
	var out []variable
	for i := 0; i < len(f.list); i++ {
		v := f.list[i]
		if v.name = f.long[v.short]; v.name == "" {
			v.name = v.short
		}
		if v.width > 0 && (v.width+segment-1)/segment != v.segments || v.width == 0 && v.segments != 1 {
			return badfile.Damaged("the text %q has %d segments", badfile.Shorten(v.name), v.segments)
		}
		if width, is := f.strings[v.short]; is {
			parts := (width + used - 1) / used
			if i+parts > len(f.list) {
				return badfile.Damaged("the text %q ends too early", badfile.Shorten(v.name))
			}
			for k := 1; k < parts; k++ {
				more := f.list[i+k]
				if more.width == 0 {
					return badfile.Damaged("the text %q goes on in a number", badfile.Shorten(v.name))
				}
				v.segments += more.segments
			}
			i += parts - 1
			v.width = width
		}
		out = append(out, v)
	}
	f.list = out
	return nil
}

// decode makes UTF-8 of a text.
func (f *file) decode(b []byte) string {
	if !f.latin && utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// columns adds the arrays of all variables.
func (f *file) columns(data []byte) error {
	width := f.segments * segment
	if width == 0 {
		return badfile.Damaged("it has no variables")
	}
	if len(data)%width != 0 || f.cases >= 0 && int(f.cases) != len(data)/width {
		return badfile.Damaged("it has not the cases that it says")
	}
	for i := range f.list {
		v := &f.list[i]
		out := ndarray.NewColumn(f.decode([]byte(v.name)), ndarray.Text, 0, "")
		if v.width == 0 {
			out = ndarray.NewColumn(f.decode([]byte(v.name)), ndarray.Float, 8, meaningOf(v.format))
		}
		for row := 0; row*width < len(data); row++ {
			b := data[row*width+v.at*segment:][:v.segments*segment]
			switch bits := f.order.Uint64(b); {
			case v.width > 0:
				out.Text(f.decode(bytes.TrimRight(v.text(b), " ")))
			case bits == math.Float64bits(-math.MaxFloat64):
				out.Missing('.')
			default:
				out.Float(math.Float64frombits(bits))
			}
			if row%1024 == 0 {
				if err := out.Full(); err != nil {
					return err
				}
			}
		}
		f.out = append(f.out, out.Arrays()...)
		f.describe(v)
	}
	return nil
}

// text takes the bytes that are used of the parts of a text.
func (v *variable) text(b []byte) []byte {
	if v.width <= 255 {
		return b[:v.width]
	}
	var out []byte
	for len(b) > 256 {
		out = append(out, b[:255]...)
		b = b[256:]
	}
	out = append(out, b...)
	return out[:min(len(out), v.width)]
}

// meaningOf names the formats in which a number is a date or a time.
func meaningOf(format byte) string {
	if format >= 20 && format <= 30 && format != 27 || format == 38 || format == 39 || format == 41 {
		return fmt.Sprintf("date or time %d", format)
	}
	return ""
}

// describe adds what is said of a variable.
func (f *file) describe(v *variable) {
	name := f.decode([]byte(v.name))
	add := func(what string, texts ...string) {
		for i := range texts {
			texts[i] = f.decode([]byte(texts[i]))
		}
		f.out = append(f.out, ndarray.Array{Name: name + "@" + what, Class: ndarray.Text, Shape: []int{len(texts)}, Texts: texts})
	}
	if v.label != "" {
		add("label", v.label)
	}
	if v.missing != nil {
		add("missing", v.missing...)
	}
	for _, set := range f.labels {
		if !slices.Contains(set.columns, v.at+1) {
			continue
		}
		var values []string
		for _, b := range set.values {
			if v.width > 0 {
				values = append(values, strings.TrimRight(string(b), " "))
			} else {
				values = append(values, f.shortest(b))
			}
		}
		add("values", values...)
		add("texts", slices.Clone(set.texts)...)
	}
}
