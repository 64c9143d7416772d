package stata

import (
	"encoding/binary"

	"repro/internal/badfile"
)

// old reads the formats 113 to 115, in which all stands in a fixed order.
func (f *file) old() error {
	f.format = int(f.take(1)[0])
	if f.take(1)[0] == 1 {
		f.order = binary.BigEndian
	}
	f.take(2)
	variables, rows := int(f.number(2)), f.number(4)
	f.label = f.text(81)
	f.take(18) // when it was written
	if rows > maxRows {
		return badfile.Damaged("it says that it has %d rows", rows)
	}
	f.rows = int(rows)
	formatSize := 49
	if f.format == 113 {
		formatSize = 12
	}
	if variables > len(f.b) {
		return badfile.Damaged("it ends too early")
	}
	f.columns = make([]column, variables)
	for i, t := range f.take(variables) {
		f.columns[i].typed = int(t) // a text of so many bytes
		if t >= 251 {
			f.columns[i].typed = [...]int{typeInt8, typeInt16, typeInt32, typeFloat, typeDouble}[t-251]
		} else if t > 244 {
			return badfile.Damaged("a variable of type %d", t)
		}
	}
	for i := range f.columns {
		f.columns[i].name = f.text(33)
	}
	f.take(2 * (variables + 1)) // by what it is sorted
	for i := range f.columns {
		f.columns[i].format = f.text(formatSize)
	}
	for i := range f.columns {
		f.columns[i].labels = f.text(33)
	}
	for i := range f.columns {
		f.columns[i].label = f.text(81)
	}
	for { // notes and other characteristics
		kind, size := f.take(1)[0], f.number(4)
		if f.bad || kind == 0 && size == 0 {
			break
		}
		f.take(int(size))
	}
	if f.bad {
		return badfile.Damaged("it ends too early")
	}
	width := 0
	for i := range f.columns {
		width += f.columns[i].width()
	}
	if width > 0 && f.rows > len(f.b)/width {
		return badfile.Damaged("it has not the rows that it says")
	}
	if err := f.finish(f.take(f.rows * width)); err != nil {
		return err
	}
	for len(f.b) > 0 {
		size := f.number(4)
		name := f.text(33)
		f.take(3)
		b := f.take(int(size))
		if f.bad {
			return badfile.Damaged("the labels of values end too early")
		}
		if err := f.labelSet(name, b); err != nil {
			return err
		}
	}
	return nil
}
