package compare

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// Limits on workbooks.
const (
	maxSheet = 64 << 20 // bytes of one part once unpacked
	maxParts = 4096
)

// compareXLSX compares the values of cells in two workbooks (ECMA-376,
// SpreadsheetML). What a cell looks like and by which formula its value was
// computed is not compared; charts and pictures end in needs eyes (CMP-126).
func compareXLSX(ctx context.Context, j *job) error {
	if err := j.wholeLines(); err != nil {
		return err
	}
	var lists [2][]cellValue
	for i, of := range []side{published, produced} {
		a, err := j.openZip(i, of)
		if err != nil {
			return err
		}
		w := &workbook{archive: a, of: of}
		lists[i], err = w.read(ctx)
		a.close()
		if err != nil {
			return err
		}
	}
	j.sameContent = "the same cells; only their looks, formulas or what is written beside them differ"
	j.tally.binary = true // numbers are kept in full, not as they are shown
	c := &cells{j: j}
	c.compare(lists[0], lists[1])
	return nil
}

type cellValue struct {
	where  string
	text   string
	number bool
}

type cells struct{ j *job }

func (c *cells) compare(pub, new []cellValue) {
	t := c.j.tally
	places := map[string]cellValue{}
	for _, n := range new {
		places[n.where] = n
	}
	for _, p := range pub {
		n, ok := places[p.where]
		delete(places, p.where)
		switch {
		case !ok:
			c.broken(p.where, p.text, "", "%s is empty in the new file; published %q", p.where, clip(p.text))
		case p.number != n.number || !p.number && p.text != n.text:
			c.broken(p.where, p.text, n.text, "%s: published %q, new %q", p.where, clip(p.text), clip(n.text))
		case !p.number:
		case p.text == n.text:
			t.equalNumbers(floats)
		default:
			what := t.judge([]byte(p.text), []byte(n.text))
			if t.spread != nil {
				what = t.settle(what, []byte(p.text), []byte(n.text), p.where)
			}
			t.number(what, []byte(p.text), []byte(n.text), func() string { return p.where })
			c.j.watch.value(p.where, p.text, n.text, markOf(what))
		}
	}
	for _, n := range new {
		if _, extra := places[n.where]; extra {
			c.broken(n.where, "", n.text, "%s is empty in the published file; new %q", n.where, clip(n.text))
		}
	}
}

func (c *cells) broken(where, pub, new, format string, args ...any) {
	c.j.tally.brokenAt(where, pub, new, format, args...)
	c.j.watch.value(where, pub, new, Off)
}

// workbook reads one xlsx file.
type workbook struct {
	*archive
	of     side
	shared []string
	out    []cellValue
}

func (w *workbook) read(ctx context.Context) ([]cellValue, error) {
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
			return nil, &undecided{"the " + string(w.of) + " workbook holds charts or pictures, which are not compared"}
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
		if ctx.Err() != nil || i == maxParts {
			return nil, errors.Join(ctx.Err(), tooLarge(w.of, "more than %d sheets", maxParts))
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
		v := cellValue{where: clip(name) + "!" + clip(c.Place), text: c.Value}
		switch c.Type {
		case "s":
			var at int
			if _, err := fmt.Sscan(c.Value, &at); err != nil || at < 0 || at >= len(w.shared) {
				return malformed(w.of, KindXLSX, "%s names a text that is not there", v.where)
			}
			v.text = w.shared[at]
		case "inlineStr":
			v.text = c.Inline + strings.Join(c.Runs, "")
		case "", "n":
			var n number
			if v.number = n.parse([]byte(c.Value)) && n.class == finite; v.number {
				v.text = strconv.FormatFloat(n.float(), 'g', -1, 64)
			}
		default: // b, e, str, d
			v.text = c.Type + " " + c.Value
		}
		if v.text == "" {
			continue
		}
		if len(w.out) == maxFacts {
			return tooLarge(w.of, "more than %d cells", maxFacts)
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
	return malformed(w.of, KindXLSX, "it has no %s", clip(name))
}

func (w *workbook) decodePart(f *zip.File, v any) error {
	if f.UncompressedSize64 > maxSheet {
		return tooLarge(w.of, "%q has more than %d bytes", clip(f.Name), maxSheet)
	}
	r, err := f.Open()
	if err != nil {
		return malformed(w.of, KindXLSX, "%s", reason(err))
	}
	defer r.Close()
	if err := xml.NewDecoder(io.LimitReader(r, maxSheet)).Decode(v); err != nil {
		return malformed(w.of, KindXLSX, "%q: %s", clip(f.Name), clip(reason(err)))
	}
	return nil
}
