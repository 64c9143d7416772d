package fits

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/pattern"
)

const maxColumns = 999 // by the standard

var formForm = pattern.New(`^([0-9]{0,8})([LXBIJKAEDCMPQ])(.*)$`)

// binaryTable adds the columns of a binary table.
func (r *reader) binaryTable(name string, h *header, data []byte) error {
	width, rows, columns := h.number("NAXIS1"), h.number("NAXIS2"), h.number("TFIELDS")
	if columns < 0 || columns > maxColumns || width < 0 || rows < 0 || rows > int64(len(data))/max(1, width) {
		return badfile.Damaged("the table %q is damaged", badfile.Shorten(name))
	}
	offset := int64(0)
	for i := int64(1); i <= columns; i++ {
		n := strconv.FormatInt(i, 10)
		m := formForm.FindStringSubmatch(strings.TrimSpace(h.text("TFORM" + n)))
		if m == nil {
			return badfile.Damaged("the column %s of %q has no form", n, badfile.Shorten(name))
		}
		count := int64(1)
		if m[1] != "" {
			count, _ = strconv.ParseInt(m[1], 10, 64)
		}
		a := elements[m[2][0]]
		if a.Size == 0 && count == 0 {
			continue
		}
		if a.Size == 0 {
			return badfile.Unread("the column %s of %q is of the form %s", n, badfile.Shorten(name), m[2])
		}
		each := count * int64(a.Size)
		if m[2] == "X" {
			each = (count + 7) / 8
			count = each
		}
		if each > width-offset {
			return badfile.Damaged("the columns of %q are wider than its rows", badfile.Shorten(name))
		}
		a.Name, a.Order, a.Shape = name+"."+columnName(h, n), binary.BigEndian, []int{int(rows)}
		if count != 1 && m[2] != "A" {
			a.Shape = append(a.Shape, int(count))
		}
		for row := range rows {
			from := row*width + offset
			a.Data = append(a.Data, data[from:from+each]...)
		}
		offset += each
		if r.bytes += len(a.Data); r.bytes > ndarray.MaxData {
			return badfile.TooLarge("tables of more than %d bytes", ndarray.MaxData)
		}
		if err := r.column(a, h, n, m[2], int(count)); err != nil {
			return err
		}
	}
	return nil
}

// elements are the forms of a binary table's columns. Those of variable length
// are not among them.
var elements = map[byte]ndarray.Array{
	'L': {Class: ndarray.Bytes, Size: 1, Type: "logical"}, 'X': {Class: ndarray.Bytes, Size: 1, Type: "bits"},
	'B': {Class: ndarray.Uint, Size: 1}, 'I': {Class: ndarray.Int, Size: 2}, 'J': {Class: ndarray.Int, Size: 4}, 'K': {Class: ndarray.Int, Size: 8},
	'A': {Class: ndarray.Text, Size: 1}, 'E': {Class: ndarray.Float, Size: 4}, 'D': {Class: ndarray.Float, Size: 8},
	'C': {Class: ndarray.Complex, Size: 8}, 'M': {Class: ndarray.Complex, Size: 16},
}

func columnName(h *header, n string) string {
	if name := strings.TrimSpace(h.text("TTYPE" + n)); name != "" {
		return name
	}
	return n
}

// column adds a column, as what its numbers stand for.
func (r *reader) column(a ndarray.Array, h *header, n, form string, count int) error {
	if form == "A" {
		b := a.Data
		for range a.Shape[0] {
			text, _, _ := strings.Cut(string(b[:count]), "\x00")
			a.Texts = append(a.Texts, strings.TrimRight(text, " "))
			b = b[count:]
		}
		a.Size, a.Data = 0, nil
		return r.add(a)
	}
	if a.Class == ndarray.Bytes || a.Class == ndarray.Complex {
		return r.add(a)
	}
	list, err := r.scale(a, h.real("TSCAL"+n, 1), h.real("TZERO"+n, 0), h.cards.find("TNULL"+n))
	if err != nil {
		return err
	}
	return r.addAll(list)
}

// textTable adds the columns of a table in ASCII.
func (r *reader) textTable(name string, h *header, data []byte) error {
	width, rows, columns := h.number("NAXIS1"), h.number("NAXIS2"), h.number("TFIELDS")
	if columns < 0 || columns > maxColumns || width < 0 || rows < 0 || rows > int64(len(data))/max(1, width) {
		return badfile.Damaged("the table %q is damaged", badfile.Shorten(name))
	}
	for i := int64(1); i <= columns; i++ {
		n := strconv.FormatInt(i, 10)
		form, from := strings.TrimSpace(h.text("TFORM"+n)), h.number("TBCOL"+n)-1
		if form == "" {
			return badfile.Damaged("the column %s of %q has no form", n, badfile.Shorten(name))
		}
		size, err := strconv.ParseInt(strings.SplitN(form[1:], ".", 2)[0], 10, 32)
		if err != nil || from < 0 || size < 0 || from+size > width {
			return badfile.Damaged("the column %s of %q has the form %q", n, badfile.Shorten(name), badfile.Shorten(form))
		}
		number := form[0] != 'A'
		c := ndarray.NewColumn(name+"."+columnName(h, n), ndarray.Text, 0, "")
		if number {
			c = ndarray.NewColumn(name+"."+columnName(h, n), ndarray.Float, 8, "")
		}
		null := strings.TrimSpace(h.text("TNULL" + n))
		scale, zero := h.real("TSCAL"+n, 1), h.real("TZERO"+n, 0)
		for row := range rows {
			text := strings.TrimRight(string(data[row*width+from:row*width+from+size]), " ")
			switch field := strings.TrimSpace(text); {
			case !number:
				c.Text(text)
			case field == "" || null != "" && field == null:
				c.Missing('N')
			default:
				v, err := parseReal(field)
				if err != nil || math.IsNaN(v) {
					return badfile.Damaged("%q is no number", badfile.Shorten(field))
				}
				c.Float(zero + scale*v)
			}
		}
		if err := c.Full(); err != nil {
			return err
		}
		if err := r.addAll(c.Arrays()); err != nil {
			return err
		}
	}
	return nil
}
