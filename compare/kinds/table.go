package kinds

import "slices"

// What rules can tell the kinds.
var (
	forNumbers  = []string{"absolute", "relative", "ulp", "digits", "random", "spread"}
	forPrinted  = slices.Concat(forNumbers, []string{"numbers", "whole"})
	forLines    = slices.Concat(forPrinted, []string{"ignore", "masks"})
	forText     = slices.Concat(forLines, []string{"signs", "only", "from", "to", "blanks"})
	forValues   = slices.Concat(forPrinted, []string{"norm"})
	forSheets   = slices.Concat(forNumbers, []string{"whole"})
	forArrays   = slices.Concat(forSheets, []string{"norm", "signs"})
	forTables   = slices.Concat(forValues, []string{"signs", "keys", "columns", "omit"})
	forPictures = []string{"score"}
	forScans    = slices.Concat(forArrays, forPictures)
	forArchives = slices.Concat(forTables, []string{"ignore", "masks", "score"})
	forCells    = slices.Concat(forArchives, []string{"cells"})
)

const (
	zip  = "PK\x03\x04"
	hdf5 = "\x89HDF\r\n\x1a\n"
)

var table = []Kind{
	{Name: Exact, Words: "a file"},
	{Name: Text, Words: "text", Options: forText, Next: Exact},
	{Name: "csv", Words: "a table", Extensions: ".csv .tsv .tab", Options: forTables, Next: Text},
	{Name: "json", Words: "JSON", Extensions: ".json .jsonl .ndjson .geojson", Options: forValues, Next: Text},
	{Name: "png", Words: "a PNG picture", Starts: []string{"\x89PNG\r\n\x1a\n"}, Begins: "the PNG signature", Extensions: ".png", Options: forPictures, Next: Exact, Shown: Picture},
	{Name: "gif", Words: "a GIF picture", Starts: []string{"GIF8"}, Extensions: ".gif", Options: forPictures, Next: Exact, Shown: Picture},
	{Name: "jpeg", Words: "a JPEG picture", Starts: []string{"\xff\xd8\xff"}, Extensions: ".jpg .jpeg", Options: forPictures, Next: Exact, Shown: Picture},
	{Name: "tiff", Words: "a TIFF picture", Starts: []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"}, Begins: "`II` or `MM`, then 42 or 43 in that order of bytes",
		Extensions: ".tif .tiff .btf .tf8", Options: forScans, Next: Unread, Shown: Scan},
	{Name: "svg", Words: "an SVG drawing", Extensions: ".svg", Options: forLines, Next: "xml", Shown: Drawing},
	{Name: "xml", Words: "XML", Extensions: ".xml .xhtml", Options: forLines, Next: Text, Shown: Parts},
	{Name: "html", Words: "HTML", Extensions: ".html .htm", Options: forLines, Next: Text, Shown: Parts},
	{Name: "latex", Words: "LaTeX", Extensions: ".tex", Options: forLines, Next: Text},
	{Name: "markdown", Words: "Markdown", Extensions: ".md .markdown", Options: forLines, Next: Text},
	{Name: "yaml", Words: "YAML", Extensions: ".yaml .yml", Options: forValues, Next: Text},
	{Name: "pdf", Words: "a PDF file", Starts: []string{"%PDF-"}, Extensions: ".pdf", Options: forLines, Next: Exact, Shown: Pages},
	{Name: "eps", Words: "a PostScript figure", Starts: []string{"%!PS", "\xc5\xd0\xd3\xc6"}, Extensions: ".eps .ps .epsf .epsi", Options: []string{}, Next: Unread, Shown: Drawing},
	{Name: "ipynb", Words: "a notebook", Extensions: ".ipynb", Options: forCells, Next: "json", Holds: true},
	{Name: "xlsx", Words: "a workbook", Starts: []string{zip}, Extensions: ".xlsx .xlsm", Options: forSheets, Next: "zip"},
	{Name: "ods", Words: "an OpenDocument spreadsheet", Starts: []string{zip}, Extensions: ".ods", Options: forSheets, Next: "zip"},
	{Name: "zip", Words: "a zip archive", Starts: []string{zip}, Extensions: ".zip .npz", Options: forArchives, Next: Exact, Holds: true},
	{Name: "tar", Words: "a tar archive", Starts: []string{"ustar"}, At: 257, Begins: "`ustar` at byte 257", Extensions: ".tar", Options: forArchives, Next: Exact, Holds: true},
	{Name: "npy", Words: "an array", Starts: []string{"\x93NUMPY"}, Extensions: ".npy", Options: forArrays, Next: Exact},
	{Name: "mat", Words: "a MATLAB file", Starts: matStarts(), Begins: "`MATLAB 5.0`, or a matrix of version 4: a number of four bytes of which the decimal digits are M 0 P T, with P up to 5 and T up to 2, M = 0 in little-endian and 1 in big-endian order", Extensions: ".mat", Options: forArrays, Next: Unread},
	{Name: "netcdf", Words: "a NetCDF file", Starts: []string{"CDF"}, Extensions: ".nc .cdf", Options: forArrays, Next: Unread},
	{Name: "hdf5", Words: "an HDF5 file", Starts: []string{hdf5, "MATLAB 7.3"}, Extensions: ".h5 .hdf5 .hdf .he5 .nc .nc4 .mat .cdf .keras .h5ad .loom", Options: forArrays, Next: Unread},
	{Name: "rdata", Words: "a file of R's objects", Starts: []string{"\x1f\x8b\x08", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "X\n", "RDX"},
		Extensions: ".rds .rda .rdata", Options: forArrays, Next: Unread},
	{Name: "fits", Words: "a FITS file", Starts: []string{"SIMPLE  ="}, Extensions: ".fits .fit .fts", Options: forArrays, Next: Unread},
	{Name: "nifti", Words: "a NIfTI image", Starts: []string{"\x5c\x01\x00\x00", "\x00\x00\x01\x5c", "\x1c\x02\x00\x00", "\x00\x00\x02\x1c"}, Extensions: ".nii", Options: forArrays, Next: Unread},
	{Name: "stata", Words: "a data set of Stata", Starts: []string{"<stata_dta>", "q\x01", "q\x02", "r\x01", "r\x02", "s\x01", "s\x02"}, Extensions: ".dta", Options: forArrays, Next: Unread},
	{Name: "xport", Words: "a transport file of SAS", Starts: []string{"HEADER RECORD*******LIB"}, Extensions: ".xpt .xport", Options: forArrays, Next: Unread},
	{Name: "spss", Words: "a system file of SPSS", Starts: []string{"$FL2", "$FL3"}, Extensions: ".sav .zsav", Options: forArrays, Next: Unread},
	{Name: "dbase", Words: "a table of dBASE", Starts: []string{"\x03", "\x04", "\x30", "\x83", "\x8b", "\x8c"}, Extensions: ".dbf", Options: forArrays, Next: Unread},
	{Name: "shapefile", Words: "a shapefile", Starts: []string{"\x00\x00\x27\x0a"}, Extensions: ".shp", Options: forArrays, Next: Unread},
	{Name: "newick", Words: "trees in Newick's format", Extensions: ".nwk .newick .tree .treefile", Options: forValues, Next: Text},
	{Name: "nexus", Words: "a Nexus file", Extensions: ".nex .nexus .nxs", Options: forValues, Next: Text},
	{Name: "fasta", Words: "a FASTA file", Extensions: ".fasta .fa .fna .faa .ffn .fas", Options: []string{}, Next: Text},
	{Name: "fastq", Words: "a FASTQ file", Extensions: ".fastq .fq", Options: []string{}, Next: Text},
	{Name: "vcf", Words: "a VCF file", Extensions: ".vcf", Options: forValues, Next: Text},
	{Name: "arrow", Words: "a table of Arrow", Starts: []string{"ARROW1", "FEA1", "\xff\xff\xff\xff"}, Extensions: ".feather .arrow .arrows .ipc", Options: forArrays, Next: Unread},
	{Name: "sqlite", Words: "a database of SQLite", Starts: []string{"SQLite format 3\x00"}, Begins: "`SQLite format 3` 00", Extensions: ".sqlite .sqlite3 .db .db3 .gpkg", Options: forArrays, Next: Unread},
	{Name: "parquet", Words: "a Parquet file", Starts: []string{"PAR1"}, Extensions: ".parquet .parq .pq", Options: forArrays, Next: Unread},
}

// matStarts lists how MATLAB files begin: version 5 with its name, version 4 with
// the type of its first matrix.
func matStarts() []string {
	out := []string{"MATLAB 5.0"}
	for stored := range byte(6) {
		for class := range byte(3) {
			n := 10*stored + class
			big := 1000 + uint16(n)
			out = append(out, string([]byte{n, 0, 0, 0}), string([]byte{0, 0, byte(big >> 8), byte(big)}))
		}
	}
	return out
}
