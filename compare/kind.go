package compare

import (
	"bytes"
	"context"
	"path"
	"strings"
)

// The kinds of comparison that a rule may name.
const (
	KindExact = "exact" // bytes
	KindText  = "text"  // lines, with numbers in place
	KindCSV   = "csv"   // tables with a delimiter: csv, tsv
	KindJSON  = "json"  // one value, or several one after another
	KindPNG   = "png"   // pixels

	KindGIF      = "gif"      // pixels of one picture
	KindJPEG     = "jpeg"     // pixels
	KindTIFF     = "tiff"     // pixels, or samples of each page
	KindSVG      = "svg"      // elements, ids renumbered
	KindXML      = "xml"      // elements
	KindHTML     = "html"     // tags and text
	KindLaTeX    = "latex"    // lines and cells of tables
	KindMarkdown = "markdown" // lines and cells of tables
	KindYAML     = "yaml"     // values
	KindPDF      = "pdf"      // objects, streams unpacked
	KindNotebook = "ipynb"    // cells, outputs by their types
	KindXLSX     = "xlsx"     // values of cells
	KindZip      = "zip"      // files in it; npz
	KindTar      = "tar"      // files in it
	KindNPY      = "npy"      // an array
	KindMAT      = "mat"      // variables of MATLAB 5
	KindNetCDF   = "netcdf"   // variables and attributes, classic formats
	KindRData    = "rdata"    // objects of R: saveRDS, save
	KindHDF5     = "hdf5"     // groups, data sets and attributes; NetCDF 4, MATLAB 7.3
)

// kindInfo is one way to compare two files.
type kindInfo struct {
	name    string
	words   string // what a file of it is
	compare func(context.Context, *job) error
	next    string // the kind to try for a published file that is not of it
}

// Kinds lists the kinds that a rule may name.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		if k.name != kindUnread {
			names = append(names, k.name)
		}
	}
	return names
}

func kinds() []kindInfo {
	return []kindInfo{
		{KindExact, "a file", compareExact, ""},
		{KindText, "text", compareText, KindExact},
		{KindCSV, "a table", compareCSV, KindText},
		{KindJSON, "JSON", compareJSON, KindText},
		{KindPNG, "a PNG picture", comparePNG, KindExact},
		{KindGIF, "a GIF picture", compareGIF, KindExact},
		{KindJPEG, "a JPEG picture", compareJPEG, KindExact},
		{KindTIFF, "a TIFF picture", compareTIFF, kindUnread},
		{KindSVG, "an SVG drawing", compareSVG, KindXML},
		{KindXML, "XML", compareXML, KindText},
		{KindHTML, "HTML", compareHTML, KindText},
		{KindLaTeX, "LaTeX", compareLaTeX, KindText},
		{KindMarkdown, "Markdown", compareMarkdown, KindText},
		{KindYAML, "YAML", compareYAML, KindText},
		{KindPDF, "a PDF file", comparePDF, KindExact},
		{KindNotebook, "a notebook", compareNotebook, KindJSON},
		{KindXLSX, "a workbook", compareXLSX, KindZip},
		{KindZip, "a zip archive", compareZip, KindExact},
		{KindTar, "a tar archive", compareTar, KindExact},
		{KindNPY, "an array", compareNPY, KindExact},
		{KindMAT, "a MATLAB 5 file", compareMAT, kindUnread},
		{KindNetCDF, "a NetCDF file", compareNetCDF, kindUnread},
		{KindHDF5, "an HDF5 file", compareHDF5, kindUnread},
		{KindRData, "a file of R's objects", compareRData, kindUnread},
		{kindUnread, "", compareUnread, ""},
	}
}

func kindOf(name string) kindInfo {
	if name == packedKind {
		return kindInfo{name: packedKind, words: "a gzip file"}
	}
	if name == KindClaim {
		return kindInfo{name: name, words: "where the claim looks for it"}
	}
	for _, k := range kinds() {
		if k.name == name {
			return k
		}
	}
	return kindInfo{}
}

// sniffed is how much of a file its kind is told by.
const sniffed = 4096

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

const tiffExtensions = ".tif .tiff .btf .tf8"

const rExtensions = ".rds .rda .rdata"

// binaries are the kinds that are told by how a file begins and its extension.
var binaries = []struct{ kind, starts, extensions string }{
	{KindPNG, string(pngSignature), ".png"},
	{KindGIF, "GIF8", ".gif"},
	{KindJPEG, "\xff\xd8\xff", ".jpg .jpeg"},
	{KindTIFF, "II*\x00", tiffExtensions},
	{KindTIFF, "MM\x00*", tiffExtensions},
	{KindTIFF, "II+\x00", tiffExtensions},
	{KindTIFF, "MM\x00+", tiffExtensions},
	{KindPDF, "%PDF-", ".pdf"},
	{KindXLSX, "PK\x03\x04", ".xlsx .xlsm"},
	{KindZip, "PK\x03\x04", ".npz .zip"},
	{KindNPY, string(npyMagic), ".npy"},
	{KindMAT, "MATLAB 5.0", ".mat"},
	{KindNetCDF, "CDF", ".nc .cdf"},
	{KindHDF5, "\x89HDF\r\n\x1a\n", ".h5 .hdf5 .hdf .he5 .nc .nc4 .mat .cdf .keras .h5ad .loom"},
	{KindHDF5, "MATLAB 7.3", ".mat"},
	{KindRData, "\x1f\x8b\x08", rExtensions},
	{KindRData, "BZh", rExtensions},
	{KindRData, "\xfd7zXZ\x00", rExtensions},
	{KindRData, "\x28\xb5\x2f\xfd", rExtensions},
	{KindRData, "X\n", rExtensions},
	{KindRData, "RDX", rExtensions},
}

// texts are the kinds of text that are told by extension.
var texts = map[string]string{
	".csv": KindCSV, ".tsv": KindCSV, ".tab": KindCSV,
	".json": KindJSON, ".jsonl": KindJSON, ".ndjson": KindJSON, ".geojson": KindJSON,
	".ipynb": KindNotebook, ".yaml": KindYAML, ".yml": KindYAML,
	".svg": KindSVG, ".xml": KindXML, ".html": KindHTML, ".htm": KindHTML, ".xhtml": KindXML,
	".tex": KindLaTeX, ".md": KindMarkdown, ".markdown": KindMarkdown,
}

// choose takes the kind from the extension, where the content does not
// contradict it (SPEC.md CMP-3).
func choose(name string, start []byte) string {
	ext := extension(name)
	for _, b := range binaries {
		if bytes.HasPrefix(start, []byte(b.starts)) && ext != "" && strings.Contains(b.extensions+" ", ext+" ") {
			return b.kind
		}
	}
	switch {
	case unread(start, ext):
		return kindUnread
	case ext == ".tar" && len(start) > 262 && string(start[257:262]) == "ustar":
		return KindTar
	case bytes.IndexByte(start, 0) >= 0 || strings.Contains(".png .gif .jpg .jpeg .pdf .npy ", ext+" ") && ext != "":
		return KindExact
	case texts[ext] != "":
		return texts[ext]
	case control(start) || bytes.HasPrefix(start, pngSignature):
		return KindExact
	}
	return KindText
}

func extension(name string) string { return strings.ToLower(path.Ext(name)) }

// control reports bytes that text does not hold.
func control(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool {
		return r < 0x20 && !strings.ContainsRune("\t\n\r\f\v\b\x1b", r)
	})
}
