package deposit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"

	"repro/format/manifest"
	"repro/internal/pattern"
	"repro/internal/spdx"
)

// ORCID returns the address of an ORCID iD.
func ORCID(id string) string { return "https://orcid.org/" + id }

// DOI returns the address of a DOI.
func DOI(doi string) string { return "https://doi.org/" + doi }

// IRI is a path as the @id of a crate's file: each byte that may not stand in
// a path of a URI is percent-encoded.
func IRI(name string) string {
	return strings.ReplaceAll((&url.URL{Path: name}).EscapedPath(), ":", "%3A")
}

// Affiliations lists each organisation once, in the order of the authors.
func Affiliations(authors []manifest.Author) []string {
	var all []string
	for _, a := range authors {
		seen := a.Affiliation == ""
		for _, b := range all {
			seen = seen || a.Affiliation == b
		}
		if !seen {
			all = append(all, a.Affiliation)
		}
	}
	return all
}

// SplitName returns the parts of a person's name where they are known: of
// those who have an ORCID iD, for no group has one.
func SplitName(a manifest.Author) (given, family string) {
	if family, given, ok := strings.Cut(a.Name, ", "); ok {
		return given, family
	}
	if a.ORCID == "" {
		return "", ""
	}
	i := strings.LastIndexByte(a.Name, ' ')
	if i < 0 {
		return "", a.Name
	}
	return a.Name[:i], a.Name[i+1:]
}

// SingleLicence reports whether an SPDX expression is one identifier of SPDX's
// list, which has a page of its own there.
func SingleLicence(l string) bool { return !strings.HasSuffix(l, "+") && spdx.Listed(l) }

// JSON encodes what is made of text, numbers, lists and maps, which cannot
// fail: keys in byte order, two spaces, a newline at the end.
func JSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return b.Bytes()
}

// Line puts text on one line.
func Line(s string) string { return strings.Join(strings.Fields(s), " ") }

// Size is a number of bytes for people.
func Size(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/1024, 0
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	return fmt.Sprintf("%.3g %ciB", f, units[i])
}

// formats maps file extensions to media types, where one is registered or in
// common use. Nothing of the machine's own tables is asked.
var formats = map[string]string{
	".asc": "application/pgp-signature", ".c": "text/x-c", ".cff": "application/yaml", ".csv": "text/csv",
	".gif": "image/gif", ".gz": "application/gzip", ".h5": "application/x-hdf5", ".html": "text/html",
	".ipynb": "application/x-ipynb+json", ".jl": "text/x-julia", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".json": "application/json", ".jsonl": "application/jsonl", ".log": "text/plain", ".md": "text/markdown",
	".nc": "application/x-netcdf", ".pdf": "application/pdf", ".png": "image/png", ".pub": "text/plain",
	".py": "text/x-python", ".r": "text/x-r", ".sh": "application/x-sh", ".svg": "image/svg+xml",
	".tex": "application/x-tex", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
	".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml", ".zip": "application/zip",
}

// MediaType returns the media type of a file by its extension.
func MediaType(name string) string {
	if f, ok := formats[strings.ToLower(path.Ext(name))]; ok {
		return f
	}
	return "application/octet-stream"
}

// ShellWord makes one word of s for a POSIX shell.
func ShellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var plainWord = pattern.New(`^[A-Za-z0-9_./:,@%+-]+$`)
