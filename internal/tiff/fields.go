package tiff

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"repro/internal/ndarray"
	"repro/internal/pattern"
)

// georeference are the fields that say where on Earth pixels lie (GeoTIFF 1.1,
// OGC 19-008r4) and which of them hold no value (GDAL). They are part of what a
// file says.
var georeference = map[int]string{
	33550: "ModelPixelScale", 33922: "ModelTiepoint", 34264: "ModelTransformation",
	34735: "GeoKeyDirectory", 34736: "GeoDoubleParams", 34737: "GeoAsciiParams",
	50844: "RPCCoefficients", 42113: "GDAL_NODATA",
}

// Fields whose differences a person must judge, by name.
var named = map[int]string{
	254: "NewSubfileType", 285: "PageName", 286: "XPosition", 287: "YPosition", 340: "SMinSampleValue", 341: "SMaxSampleValue",
	42112: "GDAL_METADATA", 50838: "ImageJ's metadata", 50839: "ImageJ's metadata",
}

// silent are fields that carry nothing: how samples are stored, who wrote the
// file, when and how, and where further directories of such things lie. Those
// that samples are read by, and those that [Page.Meaning] holds, are among them.
var silent = map[int]bool{
	tagWidth: true, tagHeight: true, tagBits: true, tagCompression: true, tagPhotometric: true, tagFillOrder: true,
	tagStripOffsets: true, tagOrientation: true, tagSamples: true, tagRowsPerStrip: true, tagStripSizes: true, tagPlanar: true,
	tagTransfer: true, tagPredictor: true, tagWhitePoint: true, tagPrimaries: true, tagColorMap: true, tagTileWidth: true,
	tagTileHeight: true, tagTileOffsets: true, tagTileSizes: true, tagExtraSamples: true, tagSampleFormat: true,
	tagReferenceBW: true, tagICC: true, tagDescription: true, tagXResolution: true, tagYResolution: true, tagResolutionUnit: true,
	255: true, 263: true, 264: true, 265: true, 269: true, 271: true, 272: true, 280: true, 281: true, 288: true, 289: true,
	290: true, 291: true, 297: true, 305: true, 306: true, 315: true, 316: true, 333: true, 347: true,
	700: true, 32781: true, 33432: true, 33723: true, 34377: true, 34665: true, 34853: true, 37724: true, 40965: true,
}

// Note is what one field says, in words.
type Note struct{ Name, Text string }

// Georeference is what says where on Earth the page's pixels lie, and which
// hold no value: texts named PAGE NAME, which no tolerance applies to.
func (p *Page) Georeference(page string) []ndarray.Array {
	var out []ndarray.Array
	for _, n := range p.georeference {
		out = append(out, ndarray.Array{Name: page + " " + n.Name, Class: ndarray.Text, Shape: []int{1}, Texts: []string{n.Text}})
	}
	return out
}

// Notes is what other fields say of the page: its resolution, what programs of
// microscopes and maps wrote beside the samples, and fields that are not known.
func (p *Page) Notes() []Note { return p.notes }

// note reads the fields that are not needed to read samples.
func (t *file) note(p *Page, entries map[int]entry) {
	for _, tag := range slices.Sorted(maps.Keys(entries)) {
		e := entries[tag]
		if name := georeference[tag]; name != "" {
			p.georeference = append(p.georeference, Note{name, number(t.inWords(e))})
			continue
		}
		if silent[tag] {
			continue
		}
		name := named[tag]
		if name == "" {
			name = fmt.Sprintf("field %d", tag)
		}
		if text := t.inWords(e); tag != 254 || text != "0" {
			p.notes = append(p.notes, Note{name, text})
		}
	}
	if text := t.resolution(entries); text != "" {
		p.notes = append(p.notes, Note{"the resolution", text})
	}
	if text := description(entries[tagDescription]); text != "" {
		p.notes = append(p.notes, Note{"the description", text})
	}
}

// number is a text, or, if it is a number, its shortest form: GDAL keeps no-data
// values as text.
func number(text string) string {
	if v, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return text
}

// resolution is how many pixels there are to an inch or a centimetre. Without a
// unit it says only how high pixels are to their width.
func (t *file) resolution(entries map[int]entry) string {
	x, y := t.inWords(entries[tagXResolution]), t.inWords(entries[tagYResolution])
	if x == "" || y == "" {
		return ""
	}
	switch unit := t.number(entries, tagResolutionUnit, 2); {
	case unit == 2:
		return x + " × " + y + " to the inch"
	case unit == 3:
		return x + " × " + y + " to the centimetre"
	case x == y:
		return ""
	}
	return x + " to " + y
}

// description is what ImageJ or a microscope wrote into a page's description of
// its samples, whole: what is cut off could be all that differs. Descriptions
// without a scale carry nothing.
func description(e entry) string {
	text := strings.TrimRight(string(e.data), "\x00")
	if strings.HasPrefix(text, "ImageJ=") {
		_, text, _ = strings.Cut(text, "\n") // without its version
		return text
	}
	if strings.Contains(text, "<OME") || scaled.MatchString(text) {
		return text
	}
	return ""
}

// scaled matches a description that says how large samples are, what they
// measure or how they were taken, with a number.
var scaled = pattern.New(`(?i)(?:pixel|voxel|physical|size|spacing|resolution|scale|scaling|offset|calib|unit|micron|magnification|wavelength|exposure|interval)[^\n]{0,40}?[0-9]|[0-9] ?(?:[nuµμm]m|px|dpi|ppi)\b`)

// inWords shows a field's values.
func (t *file) inWords(e entry) string {
	size := typeSizes[e.kind]
	if e.kind == 2 { // ASCII
		return strings.TrimRight(string(e.data), "\x00")
	}
	if size == 0 {
		return ""
	}
	if e.kind == 7 || len(e.data) > 1<<16 {
		return fmt.Sprintf("%x", e.data)
	}
	var out []string
	for b := e.data; len(b) >= size; b = b[size:] {
		out = append(out, t.valueInWords(e.kind, b[:size]))
	}
	return strings.Join(out, " ")
}

func (t *file) valueInWords(kind int, b []byte) string {
	quotient := func(above, below float64) string { return strconv.FormatFloat(above/below, 'g', -1, 64) }
	switch kind {
	case 5:
		return quotient(float64(t.order.Uint32(b)), float64(t.order.Uint32(b[4:])))
	case 10:
		return quotient(float64(int32(t.order.Uint32(b))), float64(int32(t.order.Uint32(b[4:]))))
	case 11:
		return strconv.FormatFloat(float64(math.Float32frombits(t.order.Uint32(b))), 'g', -1, 32)
	case 12:
		return strconv.FormatFloat(math.Float64frombits(t.order.Uint64(b)), 'g', -1, 64)
	}
	a := ndarray.Array{Class: ndarray.Uint, Size: len(b), Order: t.order}
	if kind == 6 || kind == 8 || kind == 9 || kind == 17 {
		a.Class = ndarray.Int
	}
	return a.Integer(b)
}
