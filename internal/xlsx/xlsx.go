// Package xlsx reads the values of cells in workbooks (ECMA-376,
// SpreadsheetML).
package xlsx

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// Limits on workbooks.
const (
	maxPart   = 64 << 20 // bytes of one part once unpacked
	maxSheets = 4096
	maxCells  = 1 << 20
	maxTexts  = 256 << 20 // bytes of the texts of all cells, each counted as often as it stands in a cell
	maxRow    = 1 << 20
	maxColumn = 1 << 14
)

// Kind is what a cell holds.
type Kind uint8

// The kinds of cells.
const (
	Number  Kind = iota
	Date         // a number that is shown as a date or time
	Text         // written, or the value of a formula
	Truth        // TRUE or FALSE
	Error        // such as #DIV/0!
	Formula      // whose value was not computed
)

func (k Kind) String() string {
	return [...]string{"number", "date", "text", "truth value", "error", "formula without a value"}[k]
}

// Cell is a cell that is not empty.
type Cell struct {
	Row, Column int32 // from 1
	Kind        Kind
	Text        string // of a number, the shortest decimal that reads back to it
}

// Place is the cell's name in its sheet: "B2".
func (c *Cell) Place() string {
	var letters []byte
	for n := int(c.Column); n > 0; n = (n - 1) / 26 {
		letters = append(letters, byte('A'+(n-1)%26))
	}
	slices.Reverse(letters)
	return string(letters) + strconv.Itoa(int(c.Row))
}

// Sheet is one sheet's cells, row by row.
type Sheet struct {
	Name  string
	Cells []Cell
}

// Read reads all sheets, in their order.
func Read(ctx context.Context, file *zip.Reader) ([]Sheet, error) {
	w := &workbook{Reader: file}
	err := w.read(ctx)
	return w.sheets, err
}

// workbook reads one xlsx file.
type workbook struct {
	*zip.Reader
	sheets []Sheet
	shared []string
	dates  []bool // by style: whether numbers are shown as dates
	from04 bool   // days count from 1904
	cells  int
	texts  int
}

// link is a sheet in the book, by the id of its relationship.
type link struct{ name, id string }

func (w *workbook) read(ctx context.Context) error {
	for _, f := range w.File {
		if strings.HasPrefix(f.Name, "xl/charts/") || strings.HasPrefix(f.Name, "xl/media/") {
			return badfile.Unread("it holds charts or pictures")
		}
	}
	book, err := w.book()
	if err != nil {
		return err
	}
	targets := map[string]string{}
	if err := w.part("xl/_rels/workbook.xml.rels", true, func(m *markup, at []string) error {
		if at[len(at)-1] == "Relationship" {
			targets[m.attribute("Id")] = partName(m.attribute("Target"))
		}
		return nil
	}); err != nil {
		return err
	}
	if err := w.readShared(); err != nil {
		return err
	}
	if err := w.readStyles(); err != nil {
		return err
	}
	for _, s := range book {
		if err := ctx.Err(); err != nil {
			return err
		}
		if targets[s.id] == "" || s.id == "" {
			return badfile.Damaged("the sheet %q is not there", badfile.Shorten(s.name))
		}
		if err := w.sheet(s.name, targets[s.id]); err != nil {
			return err
		}
	}
	return nil
}

// book lists the sheets.
func (w *workbook) book() ([]link, error) {
	var out []link
	err := w.part("xl/workbook.xml", true, func(m *markup, at []string) error {
		switch {
		case isAt(at, "workbook", "workbookPr"):
			w.from04 = m.attribute("date1904") == "1" || m.attribute("date1904") == "true"
		case isAt(at, "workbook", "sheets", "sheet"):
			if len(out) == maxSheets {
				return badfile.TooLarge("more than %d sheets", maxSheets)
			}
			name := m.attribute("name")
			if slices.ContainsFunc(out, func(l link) bool { return l.name == name }) {
				return badfile.Damaged("two sheets are named %q", badfile.Shorten(name))
			}
			out = append(out, link{name, m.attribute("id")})
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = badfile.Damaged("it has no sheet")
	}
	return out, err
}

func isAt(at []string, names ...string) bool { return slices.Equal(at, names) }

// partName is the name of the part to which a relationship of the workbook
// leads: an absolute one, or one from where the workbook lies.
func partName(target string) string {
	if !strings.HasPrefix(target, "/") {
		target = path.Join("/xl", target)
	}
	return strings.TrimPrefix(path.Clean(target), "/")
}

func (w *workbook) readShared() error {
	return w.part("xl/sharedStrings.xml", false, func(m *markup, at []string) error {
		if !isAt(at, "sst", "si") {
			return nil
		}
		if len(w.shared) == 4*maxCells {
			return badfile.TooLarge("more than %d texts", 4*maxCells)
		}
		text, err := texts(m)
		w.shared = append(w.shared, text)
		return err
	})
}

// texts joins the runs of a text, without how it is pronounced.
func texts(m *markup) (string, error) {
	var out strings.Builder
	depth, spoken := len(m.open), 0
	if m.empty {
		_, err := m.next()
		return "", err
	}
	for {
		t, err := m.next()
		switch {
		case err != nil:
			return "", err
		case t == atEnd || t == endOf && len(m.open) < depth:
			return out.String(), nil
		case t == startOf && string(m.name) == "rPh":
			spoken = len(m.open)
		case t == endOf && len(m.open) < spoken:
			spoken = 0
		case t == textOf && spoken == 0 && string(local(m.open[len(m.open)-1])) == "t":
			out.WriteString(m.characters())
		}
	}
}

// part calls visit for each element of a part of the package.
func (w *workbook) part(name string, needed bool, visit func(m *markup, at []string) error) error {
	at := slices.IndexFunc(w.File, func(f *zip.File) bool { return f.Name == name })
	if at < 0 && needed {
		return badfile.Damaged("it has no %s", badfile.Shorten(name))
	}
	if at < 0 {
		return nil
	}
	b, err := unpack(w.File[at])
	if err != nil {
		return err
	}
	m, err := newMarkup(b)
	if err == nil {
		err = m.walk(func(at []string) error { return visit(m, at) })
	}
	if err != nil && badfile.Is(err) {
		return fmt.Errorf("%q: %w", badfile.Shorten(name), err)
	}
	return err
}

func unpack(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxPart {
		return nil, badfile.TooLarge("%q has more than %d bytes", badfile.Shorten(f.Name), maxPart)
	}
	r, err := f.Open()
	if err != nil {
		return nil, badfile.Damaged("%s", badfile.Cause(err))
	}
	defer r.Close()
	b := make([]byte, 0, f.UncompressedSize64+512)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		if b = b[:len(b)+n]; err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, badfile.Damaged("%q: %s", badfile.Shorten(f.Name), badfile.Cause(err))
		}
		if len(b) > maxPart {
			return nil, badfile.TooLarge("%q has more than %d bytes", badfile.Shorten(f.Name), maxPart)
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
	}
}

// order sorts cells that do not stand in order, and refuses two in one place.
func (s *Sheet) order() error {
	place := func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	}
	if !slices.IsSortedFunc(s.Cells, place) {
		slices.SortStableFunc(s.Cells, place)
	}
	for i := 1; i < len(s.Cells); i++ {
		if place(s.Cells[i-1], s.Cells[i]) == 0 {
			return badfile.Damaged("the cell %s stands twice in the sheet %q", s.Cells[i].Place(), badfile.Shorten(s.Name))
		}
	}
	return nil
}
