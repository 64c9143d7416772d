package xlsx

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// readTexts reads each sheet as a list of texts: "B2 number 000000000000f03f".
func readTexts(b []byte) ([]ndarray.Array, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, badfile.Damaged("%v", err)
	}
	sheets, err := Read(context.Background(), z)
	var out []ndarray.Array
	for _, s := range sheets {
		a := ndarray.Array{Name: s.Name, Class: ndarray.Text, Shape: []int{len(s.Cells)}}
		for _, c := range s.Cells {
			text := c.Text
			if v, err := strconv.ParseFloat(text, 64); err == nil && (c.Kind == Number || c.Kind == Date) {
				if c.Kind == Date { // openpyxl rounds what it reads
					v = math.Round(v*86400000) / 86400000
				}
				text = hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
			}
			a.Texts = append(a.Texts, c.Place()+" "+c.Kind.String()+" "+text)
		}
		out = append(out, a)
	}
	return out, err
}

// TestWitness holds every cell against openpyxl.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"openpyxl": "python3-openpyxl", "numpy": "python3-numpy"}, readTexts)
}

func FuzzRead(f *testing.F) {
	f.Add(bookOf(f, `<c r="A1"><v>1</v></c>`, nil))
	f.Add(bookOf(f, `<c r="A1" s="1"><v>1</v></c><c t="s"><v>0</v></c>`, parts{"xl/sharedStrings.xml": "<sst><si><t>x</t><rPh><t>y</t></rPh></si></sst>",
		"xl/styles.xml": `<styleSheet><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>`}))
	witness.Fuzz(f, readTexts, "../../testdata/vectors/compare/xlsx-*/*.xlsx")
}

// FuzzMarkup holds that a part is taken apart or refused.
func FuzzMarkup(f *testing.F) {
	for _, s := range []string{`<a x="1"><b/>t&amp;&#65;<!-- c --><![CDATA[<]]></a>`, `<?xml version="1.0"?><p:a y='>'></p:a>`, "<a><b></a>", "<a", "</a>", "<!DOCTYPE a>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := newMarkup(b)
		if err == nil {
			err = m.walk(func(at []string) error {
				m.attribute("x")
				if len(at) != len(m.open) {
					t.Fatalf("%q within %q", at, m.open)
				}
				if len(at) == 3 {
					_, err := m.inner("", "t")
					return err
				}
				return nil
			})
		}
		if err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
	})
}

type parts map[string]string

// bookOf is a workbook of one sheet with these cells in its first row.
func bookOf(t testing.TB, cells string, more parts) []byte {
	t.Helper()
	all := parts{
		"xl/workbook.xml":            `<workbook xmlns:r="x"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData><row r="1">` + cells + `</row></sheetData></worksheet>`,
	}
	for name, text := range more {
		all[name] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range all {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCells(t *testing.T) {
	styles := parts{"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;x&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml": "<x:sst><x:si><x:t>a&lt;</x:t></x:si><x:si><x:r><x:t>b</x:t></x:r><x:r><x:t xml:space='preserve'> c</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:si></x:sst>"}
	for cells, want := range map[string][]Cell{
		`<c><v>1.50</v></c><c><v>1e5</v></c>`:                                  {{1, 1, Number, "1.5"}, {1, 2, Number, "100000"}},
		`<c r="C1"><v>1</v></c><c><v>2</v></c><c r="A1"><v>3</v></c>`:          {{1, 1, Number, "3"}, {1, 3, Number, "1"}, {1, 4, Number, "2"}},
		`<c s="1"><v>45000</v></c><c s="0"><v>45000</v></c>`:                   {{1, 1, Date, "45000"}, {1, 2, Number, "45000"}},
		`<c t="s"><v>0</v></c><c t="s"><v>1</v></c>`:                           {{1, 1, Text, "a<"}, {1, 2, Text, "b c"}},
		`<c t="str"><f>A1</f><v>x</v></c><c t="str"><f>A2</f><v/></c>`:         {{1, 1, Text, "x"}},
		`<c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c>`:                        {{1, 1, Truth, "1"}, {1, 2, Error, "#N/A"}},
		`<c t="d"><v>2024-01-02</v></c><c t="inlineStr"><is><t>i</t></is></c>`: {{1, 1, Date, "2024-01-02"}, {1, 2, Text, "i"}},
		`<c><f>1+A2</f></c><c><f>1</f><v>2</v></c>`:                            {{1, 1, Formula, "=1+A2"}, {1, 2, Number, "2"}},
		`<c><f t="shared" ref="A1:A2" si="3">B1</f></c>`:                       {{1, 1, Formula, "{shared A1:A2 3}=B1"}},
		`<c/><c><v></v></c><c t="s"/><c><v>NaN</v></c>`:                        {{1, 4, Text, "NaN"}},
	} {
		z, err := zip.NewReader(bytes.NewReader(bookOf(t, cells, styles)), int64(len(bookOf(t, cells, styles))))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(context.Background(), z)
		if err != nil || len(got) != 1 || !slices.Equal(got[0].Cells, want) {
			t.Errorf("%s: %+v %v, want %+v", cells, got, err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	const rels = "xl/_rels/workbook.xml.rels"
	for name, c := range map[string]struct {
		cells string
		more  parts
		want  error
	}{
		"a cell twice":             {`<c r="A1"><v>1</v></c><c r="A1"><v>2</v></c>`, nil, badfile.ErrDamaged},
		"a text that is not there": {`<c t="s"><v>0</v></c>`, nil, badfile.ErrDamaged},
		"a place":                  {`<c r="1A"><v>0</v></c>`, nil, badfile.ErrDamaged},
		"a row too far":            {`<c r="A1048577"><v>0</v></c>`, nil, badfile.ErrDamaged},
		"a column too far":         {`<c r="XFE1"><v>0</v></c>`, nil, badfile.ErrDamaged},
		"a type":                   {`<c t="new"><v>0</v></c>`, nil, badfile.ErrUnread},
		"tags that cross":          {`<c><v>0</c></v>`, nil, badfile.ErrDamaged},
		"a document type":          {``, parts{rels: `<!DOCTYPE x [<!ENTITY y "z">]><Relationships/>`}, badfile.ErrUnread},
		"another encoding":         {``, parts{rels: "\xff\xfe<\x00"}, badfile.ErrUnread},
		"no such sheet":            {``, parts{rels: `<Relationships/>`}, badfile.ErrDamaged},
		"no sheets":                {``, parts{"xl/workbook.xml": `<workbook/>`}, badfile.ErrDamaged},
		"a chart":                  {``, parts{"xl/charts/chart1.xml": ``}, badfile.ErrUnread},
		"deep":                     {strings.Repeat("<x>", maxNested), nil, badfile.ErrDamaged},
		"one sheet name for two":   {``, parts{"xl/workbook.xml": `<workbook><sheets><sheet name="S" r:id="r1"/><sheet name="S" r:id="r1"/></sheets></workbook>`}, badfile.ErrDamaged},
	} {
		if got, err := readTexts(bookOf(t, c.cells, c.more)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
	if testing.Short() {
		return
	}
	many := strings.Repeat(`<row>`+strings.Repeat("<c><v>1</v></c>", 1<<10)+`</row>`, maxCells>>10)
	if _, err := readTexts(bookOf(t, `</row>`+many+`<row><c><v>1</v></c>`, nil)); !errors.Is(err, badfile.ErrTooLarge) {
		t.Errorf("more cells than there may be: %v", err)
	}
}

func TestShowsDate(t *testing.T) {
	for code, want := range map[string]bool{
		"General": false, "0.00": false, "yyyy": true, "h:mm": true, "[h]:mm": false, "[ss]": false, `"day" 0`: false, `\d0`: false,
		"[Red]0": false, "[$-409]d": true, "[$-409]0": false, "_d0": false, "* 0": false, `0 "m`: false, "GENERAL": false, "0.00E+00": false, "[Red": false,
	} {
		if got := showsDate(code); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}

func TestPlace(t *testing.T) {
	for name, c := range map[string]Cell{"A1": {Row: 1, Column: 1}, "Z9": {Row: 9, Column: 26}, "AA10": {Row: 10, Column: 27}, "XFD1048576": {Row: maxRow, Column: maxColumn}} {
		if got := c.Place(); got != name {
			t.Errorf("%s: %s", name, got)
		}
		if row, column, ok := placeOf(name); !ok || row != int(c.Row) || column != int(c.Column) {
			t.Errorf("%s: %d %d %v", name, row, column, ok)
		}
	}
}
