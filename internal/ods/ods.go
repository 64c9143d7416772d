// Package ods reads the values of cells in OpenDocument spreadsheets (ISO/IEC
// 26300, .ods), as package xlsx gives those of workbooks.
package ods

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/xlsx"
)

// Limits on one file.
const (
	maxContent = 256 << 20 // bytes of its content once unpacked
	maxSheets  = 4096
	maxCells   = 1 << 20
	maxTexts   = 256 << 20
	maxRow     = 1 << 20
	maxColumn  = 1 << 14
	maxSpaces  = 1 << 10 // blanks that one mark stands for
)

// Read reads all sheets, in their order.
func Read(ctx context.Context, file *zip.Reader) ([]xlsx.Sheet, error) {
	var content *zip.File
	for _, f := range file.File {
		switch {
		case strings.HasPrefix(f.Name, "Pictures/") || strings.HasPrefix(f.Name, "Object "):
			return nil, badfile.Unread("it holds charts or pictures")
		case f.Name == "content.xml" && content != nil:
			return nil, badfile.Damaged("it has two contents")
		case f.Name == "content.xml":
			content = f
		}
	}
	if content == nil {
		return nil, badfile.Damaged("it has no content")
	}
	in, err := content.Open()
	if err != nil {
		return nil, badfile.Damaged("its content: %s", badfile.Cause(err))
	}
	defer in.Close()
	limited := &io.LimitedReader{R: in, N: maxContent + 1}
	b := &book{d: xml.NewDecoder(limited)}
	err = b.read(ctx)
	if limited.N <= 0 {
		return nil, badfile.TooLarge("its content has more than %d bytes", maxContent)
	}
	return b.sheets, err
}

type book struct {
	d      *xml.Decoder
	sheets []xlsx.Sheet
	cells  int
	texts  int
	row    int
	column int
	tables int // within each other
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// read reads the sheets of the content.
func (b *book) read(ctx context.Context) error {
	depth := 0
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		tok, err := b.d.Token()
		if errors.Is(err, io.EOF) && depth == 0 && n > 0 {
			return nil
		}
		if err != nil {
			return badfile.Damaged("%s", badfile.Cause(err))
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			own, err := b.start(tok)
			if err != nil {
				return err
			}
			if own { // read to its end
				depth--
			}
		case xml.EndElement:
			depth--
			if tok.Name.Local == "table" {
				b.tables--
			}
		}
	}
}

// start reads an element; own reports that it was read to its end.
func (b *book) start(e xml.StartElement) (own bool, err error) {
	switch e.Name.Local {
	case "table":
		if b.tables++; b.tables > 1 {
			return false, badfile.Unread("a table within a table")
		}
		if len(b.sheets) == maxSheets {
			return false, badfile.TooLarge("more than %d sheets", maxSheets)
		}
		b.sheets = append(b.sheets, xlsx.Sheet{Name: attribute(e, "name")})
		b.row = 1
	case "table-row":
		return true, b.line(e)
	case "shapes", "frame":
		return false, badfile.Unread("it holds charts or pictures")
	case "tracked-changes":
		return false, badfile.Unread("it holds changes that are not accepted")
	case "named-expressions", "database-ranges", "data-pilot-tables":
		return true, b.skip()
	}
	return false, nil
}

func (b *book) skip() error {
	if err := b.d.Skip(); err != nil {
		return badfile.Damaged("%s", badfile.Cause(err))
	}
	return nil
}

// times is how often a row or cell stands there.
func times(e xml.StartElement, name string) (int, error) {
	v := attribute(e, name)
	if v == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, badfile.Damaged("it is repeated %q times", badfile.Shorten(v))
	}
	return n, nil
}

// line reads a row, which may stand for several.
func (b *book) line(e xml.StartElement) error {
	if len(b.sheets) == 0 {
		return badfile.Damaged("a row outside of the sheets")
	}
	repeated, err := times(e, "number-rows-repeated")
	if err != nil {
		return err
	}
	b.column = 1
	var cells []xlsx.Cell
	for {
		tok, err := b.d.Token()
		if err != nil {
			return badfile.Damaged("%s", badfile.Cause(err))
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if cells, err = b.cell(tok, cells); err != nil {
				return err
			}
			continue
		case xml.EndElement:
		default:
			continue
		}
		break
	}
	if len(cells) > 0 {
		sheet := &b.sheets[len(b.sheets)-1]
		if b.cells += len(cells) * min(repeated, maxCells); b.cells > maxCells || b.row+repeated-1 > maxRow {
			return badfile.TooLarge("more than %d cells, or %d rows", maxCells, maxRow)
		}
		for i := range repeated {
			for _, c := range cells {
				if b.texts += len(c.Text); b.texts > maxTexts {
					return badfile.TooLarge("more than %d bytes of text", maxTexts)
				}
				c.Row = int32(b.row + i)
				sheet.Cells = append(sheet.Cells, c)
			}
		}
	}
	b.row += min(repeated, maxRow)
	return nil
}

// cell reads a cell, which may stand for several.
func (b *book) cell(e xml.StartElement, row []xlsx.Cell) ([]xlsx.Cell, error) {
	if e.Name.Local != "table-cell" && e.Name.Local != "covered-table-cell" {
		return row, b.skip()
	}
	repeated, err := times(e, "number-columns-repeated")
	if err != nil {
		return nil, err
	}
	text, err := b.paragraphs()
	if err != nil {
		return nil, err
	}
	c, filled, err := value(e, text)
	if err != nil {
		return nil, err
	}
	if filled {
		if b.column+repeated-1 > maxColumn || len(row)+repeated > maxColumn {
			return nil, badfile.TooLarge("more than %d columns", maxColumn)
		}
		for i := range repeated {
			c.Column = int32(b.column + i)
			row = append(row, c)
		}
	}
	b.column += min(repeated, maxColumn)
	return row, nil
}

// value is what a cell holds.
func value(e xml.StartElement, text string) (c xlsx.Cell, filled bool, err error) {
	formula := attribute(e, "formula")
	switch kind := attribute(e, "value-type"); kind {
	case "":
		c.Kind, c.Text = xlsx.Text, text
		if formula != "" {
			c.Kind, c.Text = xlsx.Formula, formula
		}
		return c, c.Text != "", nil
	case "float", "percentage", "currency":
		v, err := strconv.ParseFloat(attribute(e, "value"), 64)
		if err != nil {
			return c, false, badfile.Damaged("%q is no number", badfile.Shorten(attribute(e, "value")))
		}
		if strings.HasPrefix(text, "#") || strings.HasPrefix(text, "Err:") { // the value is then 0
			return xlsx.Cell{Kind: xlsx.Error, Text: text}, true, nil
		}
		return xlsx.Cell{Kind: xlsx.Number, Text: strconv.FormatFloat(v, 'g', -1, 64)}, true, nil
	case "date":
		return xlsx.Cell{Kind: xlsx.Date, Text: attribute(e, "date-value")}, true, nil
	case "time":
		return xlsx.Cell{Kind: xlsx.Date, Text: attribute(e, "time-value")}, true, nil
	case "boolean":
		text := attribute(e, "boolean-value")
		if text == "" { // as pandas writes it
			text = attribute(e, "value")
		}
		return xlsx.Cell{Kind: xlsx.Truth, Text: text}, true, nil
	case "string":
		for _, a := range e.Attr {
			if a.Name.Local == "string-value" {
				text = a.Value
			}
		}
		if formula != "" && strings.HasPrefix(text, "#") {
			return xlsx.Cell{Kind: xlsx.Error, Text: text}, true, nil
		}
		return xlsx.Cell{Kind: xlsx.Text, Text: text}, text != "", nil
	default:
		return c, false, badfile.Unread("a value of the type %q", badfile.Shorten(kind))
	}
}

// paragraphs reads what a cell shows, to the cell's end. Notes carry nothing.
func (b *book) paragraphs() (string, error) {
	var out strings.Builder
	inside, any := 0, false // paragraphs
	for depth := 1; depth > 0; {
		tok, err := b.d.Token()
		if err != nil {
			return "", badfile.Damaged("%s", badfile.Cause(err))
		}
		if out.Len() > maxTexts {
			return "", badfile.TooLarge("more than %d bytes of text", maxTexts)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			switch tok.Name.Local {
			case "annotation":
				if err := b.skip(); err != nil {
					return "", err
				}
				continue
			case "frame", "shapes", "table":
				return "", badfile.Unread("it holds charts or pictures")
			case "p":
				if any {
					out.WriteByte('\n')
				}
				inside, any = depth+1, true
			case "s":
				n, err := times(tok, "c")
				if err != nil || n > maxSpaces {
					return "", badfile.Damaged("%d blanks in one", n)
				}
				out.WriteString(strings.Repeat(" ", n))
			case "tab":
				out.WriteByte('\t')
			case "line-break":
				out.WriteByte('\n')
			}
			depth++
		case xml.EndElement:
			if depth--; depth < inside {
				inside = 0
			}
		case xml.CharData:
			if inside > 0 {
				out.Write(tok)
			}
		}
	}
	return out.String(), nil
}
