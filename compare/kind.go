package compare

import (
	"bytes"
	"path"
	"strings"
)

// sniffed is how much of a file its kind is told by.
const sniffed = 4096

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// kindOf chooses by extension, where the content does not contradict it
// (SPEC.md CMP-3).
func kindOf(name string, start []byte) string {
	if bytes.HasPrefix(start, pngSignature) {
		if extension(name) == ".png" {
			return KindPNG
		}
		return KindExact
	}
	if bytes.IndexByte(start, 0) >= 0 {
		return KindExact
	}
	switch extension(name) {
	case ".csv", ".tsv", ".tab":
		return KindCSV
	case ".json", ".jsonl", ".ndjson", ".geojson":
		return KindJSON
	case ".png":
		return KindExact
	}
	if control(start) {
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
