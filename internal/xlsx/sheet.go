package xlsx

import (
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// sheet reads the cells of one sheet.
func (w *workbook) sheet(name, part string) error {
	s := Sheet{Name: name}
	row, column := 0, 0
	err := w.part(part, true, func(m *markup, at []string) error {
		switch {
		case isAt(at, "worksheet", "sheetData", "row"):
			row, column = row+1, 0
			if r := m.attribute("r"); r != "" {
				n, err := strconv.Atoi(r)
				if err != nil {
					return badfile.Damaged("a row is named %q", badfile.Shorten(r))
				}
				row = n
			}
		case isAt(at, "worksheet", "sheetData", "row", "c"):
			column++
			if r := m.attribute("r"); r != "" {
				var ok bool
				if row, column, ok = placeOf(r); !ok {
					return badfile.Damaged("a cell is named %q", badfile.Shorten(r))
				}
			}
			return w.cell(m, &s, row, column)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.sheets = append(w.sheets, s)
	return s.order()
}

// placeOf reads the name of a cell: "B2".
func placeOf(name string) (row, column int, ok bool) {
	i := 0
	for ; i < len(name) && name[i] >= 'A' && name[i] <= 'Z' && i < 4; i++ {
		column = 26*column + int(name[i]-'A'+1)
	}
	row, err := strconv.Atoi(name[i:])
	return row, column, err == nil && i > 0 && name[i] != '+' && row > 0 && column > 0
}

// cell reads the element c that has started.
func (w *workbook) cell(m *markup, s *Sheet, row, column int) error {
	if row < 1 || row > maxRow || column > maxColumn {
		return badfile.Damaged("a cell in row %d and column %d", row, column)
	}
	typed, style := m.attribute("t"), m.attribute("s")
	raw, err := readCell(m, typed)
	if err != nil {
		return err
	}
	c := Cell{Row: int32(row), Column: int32(column)}
	full, err := w.value(&c, typed, style, raw)
	if err != nil || !full {
		return err
	}
	if w.cells++; w.cells > maxCells {
		return badfile.TooLarge("more than %d cells", maxCells)
	}
	if w.texts += len(c.Text); w.texts > maxTexts {
		return badfile.TooLarge("cells of more than %d bytes", maxTexts)
	}
	s.Cells = append(s.Cells, c)
	return nil
}

// rawCell is what stands within a cell.
type rawCell struct {
	value, formula string
	computed       bool // it has a formula
}

func readCell(m *markup, typed string) (rawCell, error) {
	var raw rawCell
	depth := len(m.open)
	if m.empty {
		_, err := m.next()
		return raw, err
	}
	for {
		t, err := m.next()
		switch {
		case err != nil:
			return raw, err
		case t == atEnd || t == endOf && len(m.open) < depth:
			return raw, nil
		case t != startOf || len(m.open) != depth+1:
		case string(m.name) == "v":
			raw.value, err = m.inner("")
		case string(m.name) == "f":
			raw.computed = true
			// A shared formula is written once; other cells name it.
			raw.formula = strings.TrimSpace(m.attribute("t") + " " + m.attribute("ref") + " " + m.attribute("si"))
			var text string
			if text, err = m.inner(""); raw.formula != "" {
				raw.formula = "{" + raw.formula + "}"
			}
			raw.formula += "=" + text
		case string(m.name) == "is" && typed == "inlineStr":
			raw.value, err = texts(m)
		}
		if err != nil {
			return raw, err
		}
	}
}

// value fills in what the cell holds; it reports false for an empty one.
func (w *workbook) value(c *Cell, typed, style string, raw rawCell) (bool, error) {
	if raw.computed && raw.value == "" && typed != "str" {
		c.Kind, c.Text = Formula, raw.formula
		return true, nil
	}
	c.Kind, c.Text = Text, raw.value
	switch typed {
	case "s":
		at, err := strconv.Atoi(strings.TrimSpace(raw.value))
		if raw.value == "" {
			return false, nil
		}
		if err != nil || at < 0 || at >= len(w.shared) {
			return false, badfile.Damaged("%s names a text that is not there", c.Place())
		}
		c.Text = w.shared[at]
	case "inlineStr", "str":
	case "b":
		c.Kind = Truth
	case "e":
		c.Kind = Error
	case "d":
		c.Kind = Date
	case "", "n":
		w.number(c, style)
	default:
		return false, badfile.Unread("%s is of type %q", c.Place(), badfile.Shorten(typed))
	}
	return c.Text != "", nil
}

// number tells numbers from dates. Days since 1904 become days since 1900.
func (w *workbook) number(c *Cell, style string) {
	text := strings.TrimSpace(c.Text)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" {
		return // it stays text
	}
	c.Kind = Number
	if at, err := strconv.Atoi(style); err == nil && at >= 0 && at < len(w.dates) && w.dates[at] {
		c.Kind = Date
		const from1900 = 1462   // days between the two beginnings
		if w.from04 && v >= 1 { // less is a time of day
			v += from1900
		}
	}
	c.Text = strconv.FormatFloat(v, 'g', -1, 64)
}
