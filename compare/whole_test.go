package compare

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

// npyFile is an array of one axis, or of two.
func npyFile(descr string, shape string, values any) []byte {
	var b bytes.Buffer
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b.WriteString("\x93NUMPY\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	_ = binary.Write(&b, binary.LittleEndian, values)
	return b.Bytes()
}

// workbook is one sheet with these rows of numbers.
func workbook(rows ...[]string) []byte {
	var sheet strings.Builder
	for r, row := range rows {
		fmt.Fprintf(&sheet, `<row r="%d">`, r+1)
		for c, v := range row {
			fmt.Fprintf(&sheet, `<c r="%c%d"><v>%s</v></c>`, 'A'+c, r+1, v)
		}
		sheet.WriteString("</row>")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + sheet.String() + `</sheetData></worksheet>`,
	} {
		w, _ := z.Create(name)
		_, _ = w.Write([]byte(text))
	}
	_ = z.Close()
	return b.Bytes()
}

// TestWholeNumbersAreNamed holds that a tolerance covers whole numbers of arrays
// and of a workbook's columns only where the rule says so (SPEC.md CMP-32).
func TestWholeNumbersAreNamed(t *testing.T) {
	tenth, whole := manifest.Rule{Relative: "0.1"}, manifest.Rule{Relative: "0.1", Whole: true}
	ints, other := npyFile("<i4", "3,", []int32{100, 200, 300}), npyFile("<i4", "3,", []int32{101, 200, 300})
	unsigned, fewer := npyFile("<u2", "2,", []uint16{100, 200}), npyFile("<u2", "2,", []uint16{99, 200})
	floats, moved := npyFile("<f8", "2,", []float64{100.5, 200}), npyFile("<f8", "2,", []float64{101, 200})
	counted, recounted := npyFile("<f8", "3,", []float64{100, 200, math.NaN()}), npyFile("<f8", "3,", []float64{101, 200, math.NaN()})
	measuredThen := npyFile("<f8", "3,", []float64{100.5, 200, math.NaN()})
	single, singleMoved := npyFile("<f4", "2,", []float32{8192, 1}), npyFile("<f4", "2,", []float32{8191, 1})
	coarse, coarseMoved := npyFile("<f4", "2,", []float32{8193, 1}), npyFile("<f4", "2,", []float32{8192, 1})
	table, tableMoved := []byte("n,x\n12.0,1.5\n17.0,2.5\n"), []byte("n,x\n13.0,1.5\n17.0,2.5\n")
	book := workbook([]string{"2020", "1.5"}, []string{"2021", "2"})
	year, measured := workbook([]string{"2021", "1.5"}, []string{"2021", "2"}), workbook([]string{"2020", "1.5"}, []string{"2021", "2.1"})
	for _, c := range []struct {
		name, ext string
		pub, new  []byte
		rule      manifest.Rule
		want      report.Verdict
	}{
		{"integers", "npy", ints, other, tenth, report.Differs},
		{"integers, named", "npy", ints, other, whole, report.WithinTolerance},
		{"unsigned", "npy", unsigned, fewer, tenth, report.Differs},
		{"unsigned, named", "npy", unsigned, fewer, whole, report.WithinTolerance},
		{"floating point", "npy", floats, moved, tenth, report.WithinTolerance},
		{"floating point, whole throughout", "npy", counted, recounted, tenth, report.Differs},
		{"floating point, whole, named", "npy", counted, recounted, whole, report.WithinTolerance},
		{"floating point, whole no more", "npy", counted, measuredThen, tenth, report.WithinTolerance},
		{"single precision, whole", "npy", single, singleMoved, tenth, report.Differs},
		{"single precision, too large to tell", "npy", coarse, coarseMoved, tenth, report.WithinTolerance},
		{"a column of whole numbers with a decimal", "csv", table, tableMoved, tenth, report.Differs},
		{"such a column, named", "csv", table, tableMoved, whole, report.WithinTolerance},
		{"such a column, measured", "csv", table, []byte("n,x\n12.1,1.5\n17.0,2.5\n"), tenth, report.WithinTolerance},
		{"a whole number of JSON with a decimal", "json", []byte(`{"n": 12.0, "x": 1.5}`), []byte(`{"n": 13.0, "x": 1.5}`), tenth, report.Differs},
		{"a column of years", "xlsx", book, year, tenth, report.Differs},
		{"a column of years, named", "xlsx", book, year, whole, report.WithinTolerance},
		{"a column of measures", "xlsx", book, measured, tenth, report.WithinTolerance},
	} {
		fsys := fstest.MapFS{"p." + c.ext: {Data: c.pub}, "n." + c.ext: {Data: c.new}}
		f, err := Files(context.Background(), File{FS: fsys, Name: "p." + c.ext}, File{FS: fsys, Name: "n." + c.ext}, c.rule)
		if err != nil || f.Verdict != c.want {
			t.Errorf("%s: %s (%s), %v; want %s", c.name, f.Verdict, f.Reason, err, c.want)
		}
		if c.want == report.Differs && !strings.Contains(f.Reason, "say whole: true") {
			t.Errorf("%s: %q does not say what to write", c.name, f.Reason)
		}
	}
}

// TestSpreadOfDeterministicResult holds that a recorded spread widens nothing
// where the rule does not say random, and that the reason says so (CMP-35).
func TestSpreadOfDeterministicResult(t *testing.T) {
	pub := fstest.MapFS{"t.csv": {Data: []byte("x\n1.50\n2.50\n")}}
	new := fstest.MapFS{"t.csv": {Data: []byte("x\n1.52\n2.50\n")}}
	moved := report.ResultSpread{Name: "t", Norm: "1.0e-12", Causes: []string{"threads"}, Places: []report.PlaceSpread{{Where: "row 1, column x", Least: "1.40", Most: "1.60"}}}
	byChance := moved
	byChance.Random = true
	rounded := moved
	rounded.Norm = "1.0e-1"
	for _, c := range []struct {
		spread report.ResultSpread
		want   string
	}{
		{moved, "held to what was published, and not to the recorded spread: norm: 1e-10 would accept ten times what calibration saw"},
		{byChance, "calibration saw it move by chance, which random: true would say"},
		{rounded, "and not to the recorded spread"},
	} {
		r := manifest.Result{Name: "t", Output: "t.csv", Published: "t.csv"}
		found, err := Results(context.Background(), pub, new, []manifest.Result{r}, Options{Spread: &report.Spread{Version: report.Version, Results: []report.ResultSpread{c.spread}}})
		if err != nil || found[0].Verdict != report.Differs || !strings.HasSuffix(found[0].Reason, c.want) {
			t.Errorf("%s: %s, %v; want %q", found[0].Verdict, found[0].Reason, err, c.want)
		}
	}
	same, err := Results(context.Background(), pub, pub, []manifest.Result{{Name: "t", Output: "t.csv", Published: "t.csv", Compare: manifest.Rule{Spread: "gone.json"}}}, Options{})
	if err != nil || same[0].Verdict != report.Identical || strings.Contains(same[0].Reason, "spread") {
		t.Errorf("%+v, %v", same[0], err)
	}
}
