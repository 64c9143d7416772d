// Package xlsx reads the values of cells in workbooks (ECMA-376,
// SpreadsheetML).
package xlsx

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"repro/internal/badfile"
	"strconv"
	"strings"
)

// Limits on workbooks.
const (
	maxPart   = 64 << 20 // bytes of one part once unpacked
	maxSheets = 4096
	maxCells  = 1 << 20
)

// Cell is a cell that is not empty.
type Cell struct {
	Where  string // "SHEET!A1"
	Text   string // of a number, the shortest decimal that reads back to it
	Number bool
}

// Read reads the cells of all sheets, in their order.
func Read(ctx context.Context, file *zip.Reader) ([]Cell, error) {
	return (&workbook{Reader: file}).read(ctx)
}

// workbook reads one xlsx file.
type workbook struct {
	*zip.Reader
	shared []string
	out    []Cell
}

func (w *workbook) read(ctx context.Context) ([]Cell, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for _, f := range w.File {
		if strings.HasPrefix(f.Name, "xl/charts/") || strings.HasPrefix(f.Name, "xl/media/") {
			return nil, badfile.Unread("it holds charts or pictures")
		}
	}
	if err := w.decode("xl/workbook.xml", &book, true); err != nil {
		return nil, err
	}
	if err := w.decode("xl/_rels/workbook.xml.rels", &links, true); err != nil {
		return nil, err
	}
	if err := w.readShared(); err != nil {
		return nil, err
	}
	for i, s := range book.Sheets {
		if ctx.Err() != nil || i == maxSheets {
			return nil, errors.Join(ctx.Err(), badfile.TooLarge("more than %d sheets", maxSheets))
		}
		for _, l := range links.List {
			if l.ID != s.ID {
				continue
			}
			if err := w.sheet(s.Name, partName(l.Target)); err != nil {
				return nil, err
			}
		}
	}
	return w.out, nil
}

// partName is the name of the part to which a relationship of the workbook
// leads: an absolute one, or one from where the workbook lies.
func partName(target string) string {
	if !strings.HasPrefix(target, "/") {
		target = path.Join("/xl", target)
	}
	return strings.TrimPrefix(path.Clean(target), "/")
}

func (w *workbook) readShared() error {
	var doc struct {
		Items []struct {
			Text string   `xml:"t"`
			Runs []string `xml:"r>t"`
		} `xml:"si"`
	}
	if err := w.decode("xl/sharedStrings.xml", &doc, false); err != nil {
		return err
	}
	for _, i := range doc.Items {
		w.shared = append(w.shared, i.Text+strings.Join(i.Runs, ""))
	}
	return nil
}

func (w *workbook) sheet(name, part string) error {
	var doc struct {
		Cells []struct {
			Place  string   `xml:"r,attr"`
			Type   string   `xml:"t,attr"`
			Value  string   `xml:"v"`
			Inline string   `xml:"is>t"`
			Runs   []string `xml:"is>r>t"`
		} `xml:"sheetData>row>c"`
	}
	if err := w.decode(part, &doc, true); err != nil {
		return err
	}
	for _, c := range doc.Cells {
		v := Cell{Where: badfile.Shorten(name) + "!" + badfile.Shorten(c.Place), Text: c.Value}
		switch c.Type {
		case "s":
			var at int
			if _, err := fmt.Sscan(c.Value, &at); err != nil || at < 0 || at >= len(w.shared) {
				return badfile.Damaged("%s names a text that is not there", v.Where)
			}
			v.Text = w.shared[at]
		case "inlineStr":
			v.Text = c.Inline + strings.Join(c.Runs, "")
		case "", "n":
			n, err := strconv.ParseFloat(c.Value, 64)
			if v.Number = err == nil && strings.Trim(c.Value, "+-.0123456789eE") == ""; v.Number {
				v.Text = strconv.FormatFloat(n, 'g', -1, 64)
			}
		default: // b, e, str, d
			v.Text = c.Type + " " + c.Value
		}
		if v.Text == "" {
			continue
		}
		if len(w.out) == maxCells {
			return badfile.TooLarge("more than %d cells", maxCells)
		}
		w.out = append(w.out, v)
	}
	return nil
}

// decode reads one part of the package.
func (w *workbook) decode(name string, v any, needed bool) error {
	for _, f := range w.File {
		if f.Name == name {
			return w.decodePart(f, v)
		}
	}
	if !needed {
		return nil
	}
	return badfile.Damaged("it has no %s", badfile.Shorten(name))
}

func (w *workbook) decodePart(f *zip.File, v any) error {
	if f.UncompressedSize64 > maxPart {
		return badfile.TooLarge("%q has more than %d bytes", badfile.Shorten(f.Name), maxPart)
	}
	r, err := f.Open()
	if err != nil {
		return badfile.Damaged("%s", badfile.Cause(err))
	}
	defer r.Close()
	if err := xml.NewDecoder(io.LimitReader(r, maxPart)).Decode(v); err != nil {
		return badfile.Damaged("%q: %s", badfile.Shorten(f.Name), badfile.Cause(err))
	}
	return nil
}
