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
		names = append(names, k.name)
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
	}
}

func kindOf(name string) kindInfo {
	if name == packedKind {
		return kindInfo{name: packedKind, words: "a gzip file"}
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

// choose takes the kind from the extension, where the content does not
// contradict it (SPEC.md CMP-3).
func choose(name string, start []byte) string {
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
