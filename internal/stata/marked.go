package stata

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// sizes are bytes of names and texts in a format.
type sizes struct{ variables, name, format, label, textLength, order int }

var sizesOf = map[int]sizes{
	117: {2, 33, 49, 81, 1, 2}, 118: {2, 129, 57, 321, 2, 2}, 119: {4, 129, 57, 321, 2, 4},
}

// marked reads the formats 117 to 119, in which each part stands between marks.
func (f *file) marked() error {
	f.skip("<stata_dta><header><release>")
	format, err := strconv.Atoi(string(f.take(3)))
	s, known := sizesOf[format]
	if f.format = format; err != nil || f.bad {
		return badfile.Damaged("its header is damaged")
	}
	if !known {
		return badfile.Unread("it is in the format %d", format)
	}
	f.skip("</release><byteorder>")
	if string(f.take(3)) == "MSF" {
		f.order = binary.BigEndian
	}
	f.skip("</byteorder><K>")
	variables := f.number(s.variables)
	f.skip("</K><N>")
	rows := f.number(map[int]int{117: 4, 118: 8, 119: 8}[format])
	f.skip("</N><label>")
	f.label = f.text(int(f.number(s.textLength)))
	f.skip("</label><timestamp>")
	f.take(int(f.number(1)))
	f.skip("</timestamp></header><map>")
	f.take(14 * 8) // where the parts stand: one after the other
	f.skip("</map><variable_types>")
	if f.bad || variables > maxVariables || rows > maxRows || 2*variables > uint64(len(f.b)) {
		return badfile.Damaged("its header is damaged")
	}
	f.rows, f.columns = int(rows), make([]column, variables)
	if err := f.describe(s); err != nil {
		return err
	}
	return f.parts()
}

// skip takes a mark that must come next.
func (f *file) skip(mark string) {
	if string(f.take(len(mark))) != mark {
		f.bad = true
	}
}

// describe reads what is said of the variables.
func (f *file) describe(s sizes) error {
	for i := range f.columns {
		f.columns[i].typed = int(f.number(2))
		if t := f.columns[i].typed; t > maxText && t != typeLong && (t < typeDouble || t > typeInt8) {
			return badfile.Damaged("a variable of type %d", t)
		}
	}
	f.skip("</variable_types><varnames>")
	for i := range f.columns {
		f.columns[i].name = f.text(s.name)
	}
	f.skip("</varnames><sortlist>")
	f.take(s.order * (len(f.columns) + 1))
	f.skip("</sortlist><formats>")
	for i := range f.columns {
		f.columns[i].format = f.text(s.format)
	}
	f.skip("</formats><value_label_names>")
	for i := range f.columns {
		f.columns[i].labels = f.text(s.name)
	}
	f.skip("</value_label_names><variable_labels>")
	for i := range f.columns {
		f.columns[i].label = f.text(s.label)
	}
	f.skip("</variable_labels><characteristics>")
	for bytes.HasPrefix(f.b, []byte("<ch>")) {
		f.skip("<ch>")
		f.take(int(f.number(4)))
		f.skip("</ch>")
	}
	f.skip("</characteristics><data>")
	if f.bad {
		return badfile.Damaged("what it says of its variables is damaged")
	}
	return nil
}

// parts reads the data, texts of any length, and labels of values.
func (f *file) parts() error {
	width := 0
	for i := range f.columns {
		width += f.columns[i].width()
	}
	if width > 0 && f.rows > len(f.b)/width {
		return badfile.Damaged("it has not the rows that it says")
	}
	data := f.take(f.rows * width)
	f.skip("</data><strls>")
	for bytes.HasPrefix(f.b, []byte("GSO")) {
		f.take(3)
		variable := f.number(4)
		observation := f.number(map[int]int{117: 4, 118: 8, 119: 8}[f.format])
		kind, size := f.take(1)[0], f.number(4)
		text := f.take(int(size))
		if f.bad {
			return badfile.Damaged("a long text ends too early")
		}
		if kind == 130 {
			text = bytes.TrimSuffix(text, []byte{0})
		}
		f.texts[[2]uint64{variable, observation}] = f.decode(text)
	}
	f.skip("</strls><value_labels>")
	if f.bad {
		return badfile.Damaged("what stands after its data is damaged")
	}
	if err := f.finish(data); err != nil {
		return err
	}
	for bytes.HasPrefix(f.b, []byte("<lbl>")) {
		f.skip("<lbl>")
		size := f.number(4)
		name := f.text(sizesOf[f.format].name)
		f.take(3)
		b := f.take(int(size))
		f.skip("</lbl>")
		if f.bad {
			return badfile.Damaged("the labels of values are damaged")
		}
		if err := f.labelSet(name, b); err != nil {
			return err
		}
	}
	f.skip("</value_labels></stata_dta>")
	if len(strings.TrimSpace(string(f.b))) > 0 {
		return badfile.Damaged("more stands after its end")
	}
	return nil
}

// key reads which text of any length a value is.
func (f *file) key(b []byte) [2]uint64 {
	variable := map[int]int{117: 4, 118: 2, 119: 3}[f.format]
	in := &file{b: b, order: f.order}
	return [2]uint64{in.number(variable), in.number(8 - variable)}
}
