package kinds

import (
	"bytes"
	"slices"
	"strings"
)

// unreadStarts are how files of formats begin that this program knows and can't
// read, under whatever name (CMP-130).
var unreadStarts = []string{
	hdf5,                 // HDF5, NetCDF 4, MATLAB 7.3
	"PAR1",               // Parquet
	"ARROW1",             // Arrow, Feather
	"FEA1",               // Feather 1
	"II*\x00", "MM\x00*", // TIFF
	"II+\x00", "MM\x00+", // BigTIFF
	"BZh",                 // bzip2
	"\xfd7zXZ\x00",        // xz
	"\x28\xb5\x2f\xfd",    // zstd
	"7z\xbc\xaf",          // 7-Zip
	"\xd0\xcf\x11\xe0",    // Microsoft's compound files
	"SQLite format 3\x00", // SQLite
}

// unreadExtensions are of formats that carry dates or addresses in places that
// this program does not know.
var unreadExtensions = strings.Fields(".pkl .pickle .joblib .pt .pth .onnx .sas7bdat .shx .docx .pptx .odt .bam .webp")

func isUnread(start []byte, ext string) bool {
	for _, s := range unreadStarts {
		if bytes.HasPrefix(start, []byte(s)) {
			return true
		}
	}
	return slices.Contains(unreadExtensions, ext)
}
