package tiff

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

func readArrays(b []byte) ([]ndarray.Array, error) {
	pages, err := Read(context.Background(), b)
	var out []ndarray.Array
	for i := range pages {
		out = append(out, pages[i].Array(fmt.Sprintf("page %d", i+1)))
	}
	return out, err
}

// TestWitness holds every sample against tifffile and libtiff.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"tifffile": "python3-tifffile", "PIL": "python3-pil"}, readArrays)
}

func FuzzRead(f *testing.F) {
	f.Add(tiffOf(nil))
	f.Add(tiffOf(map[uint16]field{33922: doubles(1, 2, 3), 42113: text("-9999.0")}))
	witness.Fuzz(f, readArrays, "../../testdata/vectors/compare/tiff-*/*.tif*")
}

type field struct {
	kind  uint16
	count uint32
	data  []byte
}

func doubles(v ...float64) field {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, v) // memory takes it
	return field{12, uint32(len(v)), b.Bytes()}
}

func text(s string) field { return field{2, uint32(len(s) + 1), append([]byte(s), 0)} }

func short(v ...uint16) field {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, v)
	return field{3, uint32(len(v)), b.Bytes()}
}

func quotient(above, below uint32) field {
	return field{5, 1, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, above), below)}
}

// tiffOf is a picture of 2 × 1 grey pixels with further fields; those of a tag
// that stands there take its place.
func tiffOf(more map[uint16]field) []byte {
	fields := map[uint16]field{
		tagWidth: short(2), tagHeight: short(1), tagBits: short(8), tagPhotometric: short(1),
		tagStripOffsets: short(8), tagStripSizes: short(2),
	}
	for tag, f := range more {
		fields[tag] = f
	}
	var tags []uint16
	for tag := range fields {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	b := append([]byte("II*\x00\x0a\x00\x00\x00"), 7, 9)
	at := uint32(len(b) + 2 + 12*len(tags) + 4)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	var rest []byte
	for _, tag := range tags {
		f := fields[tag]
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, f.kind)
		b = binary.LittleEndian.AppendUint32(b, f.count)
		if len(f.data) <= 4 {
			b = append(b, append(f.data, make([]byte, 4-len(f.data))...)...)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, at+uint32(len(rest)))
		rest = append(rest, f.data...)
	}
	return append(append(b, 0, 0, 0, 0), rest...)
}

func page(t *testing.T, more map[uint16]field) *Page {
	t.Helper()
	pages, err := Read(context.Background(), tiffOf(more))
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	return &pages[0]
}

func TestGeoreference(t *testing.T) {
	p := page(t, map[uint16]field{33922: doubles(0, 0, 500000, 4.1e6), 34735: short(1, 1, 0, 32633), 34737: text("WGS 84|"), 42113: text(" -9999.00 ")})
	want := map[string]string{"p ModelTiepoint": "0 0 500000 4.1e+06", "p GeoKeyDirectory": "1 1 0 32633", "p GeoAsciiParams": "WGS 84|", "p GDAL_NODATA": "-9999"}
	got := p.Georeference("p")
	if len(got) != len(want) || len(p.Notes()) != 0 {
		t.Fatal(got, p.Notes())
	}
	for _, a := range got {
		if a.Class != ndarray.Text || !slices.Equal(a.Texts, []string{want[a.Name]}) {
			t.Errorf("%s: %q", a.Name, a.Texts)
		}
	}
}

func TestNotes(t *testing.T) {
	for _, c := range []struct {
		more map[uint16]field
		want []Note
	}{
		{map[uint16]field{282: quotient(300, 1), 283: quotient(600, 2)}, []Note{{"the resolution", "300 × 300 to the inch"}}},
		{map[uint16]field{282: quotient(100, 1), 283: quotient(50, 1), 296: short(3)}, []Note{{"the resolution", "100 × 50 to the centimetre"}}},
		{map[uint16]field{282: quotient(1, 1), 283: quotient(1, 1), 296: short(1)}, nil},
		{map[uint16]field{282: quotient(2, 1), 283: quotient(1, 1), 296: short(1)}, []Note{{"the resolution", "2 to 1"}}},
		{map[uint16]field{270: text("ImageJ=1.53\nunit=micron")}, []Note{{"the description", "unit=micron"}}},
		{map[uint16]field{270: text("ImageJ=1.53\n" + strings.Repeat("x", 300) + "1")}, []Note{{"the description", strings.Repeat("x", 300) + "1"}}},
		{map[uint16]field{270: text("<OME/>")}, []Note{{"the description", "<OME/>"}}},
		{map[uint16]field{270: text(`{"pixel_size": 0.1}`)}, []Note{{"the description", `{"pixel_size": 0.1}`}}},
		{map[uint16]field{270: text("0.2 µm")}, []Note{{"the description", "0.2 µm"}}},
		{map[uint16]field{270: text("2 nmol of it")}, nil},
		{map[uint16]field{270: text("pixels of a cell")}, nil},
		{map[uint16]field{270: text(`{"shape": [8, 8]}`)}, nil},
		{map[uint16]field{270: text("a picture"), 305: text("program 1.2"), 306: text("2024:01:02 03:04:05")}, nil},
		{map[uint16]field{42112: text("<x/>"), 60000: short(7, 8)}, []Note{{"GDAL_METADATA", "<x/>"}, {"field 60000", "7 8"}}},
		{map[uint16]field{254: short(0)}, nil},
		{map[uint16]field{254: short(1)}, []Note{{"NewSubfileType", "1"}}},
	} {
		if got := page(t, c.more).Notes(); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.more, got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	p := page(t, nil)
	if a := p.Array("x"); a.Class != ndarray.Uint || !slices.Equal(a.Shape, []int{1, 2}) || !slices.Equal(a.Data, []byte{7, 9}) {
		t.Errorf("%+v", a)
	}
	if m := p.Image(); m == nil || m.Bounds().Dx() != 2 {
		t.Error("no picture")
	}
	if page(t, map[uint16]field{tagPhotometric: short(5), tagSamples: short(2), tagWidth: short(1)}).Image() != nil {
		t.Error("inks are shown as grey")
	}
	inverse := page(t, map[uint16]field{tagPhotometric: short(0)})
	if inverse.Meaning() == p.Meaning() {
		t.Error("white is zero means the same as black is zero")
	}
	turned := page(t, map[uint16]field{tagOrientation: short(6)})
	if turned.Rendering() == "" || p.Rendering() != "" {
		t.Error("a turned page is shown as one that is not")
	}
}

func TestRefuses(t *testing.T) {
	twice := tiffOf(map[uint16]field{270: text("a"), 271: text("b")})
	at := bytes.Index(twice, []byte{271 & 0xff, 271 >> 8, 2, 0})
	twice[at] = 270 & 0xff
	if _, err := Read(context.Background(), twice); err != nil {
		t.Errorf("two descriptions: %v", err)
	}
	widths := tiffOf(map[uint16]field{tagPlanar: short(1), tagPlanar + 1: short(1)})
	at = bytes.Index(widths, []byte{285 & 0xff, 285 >> 8, 3, 0})
	widths[at] = tagPlanar & 0xff
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"a field twice":      {widths, badfile.ErrDamaged},
		"cut short":          {tiffOf(nil)[:40], badfile.ErrDamaged},
		"no size":            {tiffOf(map[uint16]field{tagWidth: short(0)}), badfile.ErrDamaged},
		"too many pixels":    {tiffOf(map[uint16]field{tagWidth: {4, 1, []byte{1, 0, 0, 1}}}), badfile.ErrTooLarge},
		"more than there is": {tiffOf(map[uint16]field{tagHeight: short(2)}), badfile.ErrDamaged},
		"a packing":          {tiffOf(map[uint16]field{tagCompression: short(7)}), badfile.ErrUnread},
		"24 bits":            {tiffOf(map[uint16]field{tagBits: short(24)}), badfile.ErrUnread},
		"YCbCr":              {tiffOf(map[uint16]field{tagPhotometric: short(6)}), badfile.ErrUnread},
		"pages within":       {tiffOf(map[uint16]field{tagSubIFDs: short(8)}), badfile.ErrUnread},
		"predictor":          {tiffOf(map[uint16]field{tagPredictor: short(9)}), badfile.ErrUnread},
	} {
		if _, err := Read(context.Background(), c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
