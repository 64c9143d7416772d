// Package distinfo reads what pip and its kin leave beside the Python packages
// that they install: a folder *.dist-info, in which METADATA says what the
// distribution is and RECORD which files it has, or the older *.egg-info with
// PKG-INFO, installed-files.txt, top_level.txt and requires.txt.
// (packaging.python.org, "Core metadata" and "Recording installed projects";
// PEP 503 for names.)
//
// Where these files lie, and how many bytes of them are read, is its callers'.
package distinfo

import (
	"bytes"
	"iter"
	"path"
	"slices"
	"strings"
)

// Metadata is what METADATA or PKG-INFO says of a distribution.
type Metadata struct {
	Name     string // as it stands there: see [Normalised]
	Version  string
	Licences []string // its expression, else the field License, else what classifiers name
	Requires []string // normalised names of what it asks for, without what only its extras do
}

// Parse reads core metadata: the fields before the first empty line.
func Parse(text []byte) (m Metadata) {
	var classifiers []string
	for line := range bytes.Lines(text) {
		line := strings.TrimRight(string(line), "\r\n")
		if line == "" {
			break // the description follows
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue // goes on with the field before
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "name":
			m.Name = value
		case "version":
			m.Version = value
		case "license-expression":
			m.Licences = []string{value}
		case "license":
			if len(m.Licences) == 0 && value != "" && value != "UNKNOWN" {
				m.Licences = []string{value}
			}
		case "classifier":
			if l, ok := strings.CutPrefix(value, "License :: "); ok {
				parts := strings.Split(l, " :: ")
				classifiers = append(classifiers, parts[len(parts)-1])
			}
		case "requires-dist":
			if name := required(value); name != "" {
				m.Requires = append(m.Requires, name)
			}
		}
	}
	if len(m.Licences) == 0 {
		m.Licences = classifiers
	}
	return m
}

// Requires reads requires.txt: one requirement a line, up to those of extras.
func Requires(text []byte) (names []string) {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("[")) {
			break
		}
		if name := required(string(line)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// required is the normalised name that a requirement begins with; "" if only an
// extra asks for it.
func required(text string) string {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && isNamePart(text[end]) {
		end++
	}
	if strings.Contains(text, "extra ==") || strings.Contains(text, "extra==") {
		return ""
	}
	return Normalised(strings.Trim(text[:end], "-_."))
}

func isNamePart(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '-' || b == '_' || b == '.'
}

// Normalised is a distribution's name as PEP 503 compares it.
func Normalised(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' || c == '.' })
	return strings.Join(words, "-")
}

// Files yields the files that a RECORD lists, relative to the folder that the
// *.dist-info lies in: the first column of comma-separated values.
func Files(record []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(record) {
			if name := firstColumn(string(line)); name != "" && !yield(path.Clean(name)) {
				return
			}
		}
	}
}

// firstColumn is in quotes, which are doubled within, where it holds a comma or
// quotes.
func firstColumn(line string) string {
	rest, quoted := strings.CutPrefix(line, `"`)
	if !quoted {
		name, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ",")
		return name
	}
	name := ""
	for {
		part, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return "" // a file whose name has a line feed
		}
		name += part
		if !strings.HasPrefix(after, `"`) {
			return name
		}
		name += `"`
		rest = after[1:]
	}
}

// InstalledFiles yields the files that installed-files.txt lists, relative to the
// folder that the *.egg-info lies in: they stand relative to that, info.
func InstalledFiles(text []byte, info string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(text) {
			if name := strings.TrimRight(string(line), "\r\n"); name != "" && !yield(path.Join(path.Base(info), name)) {
				return
			}
		}
	}
}

// Modules reads top_level.txt: the modules that can be imported.
func Modules(text []byte) []string { return strings.Fields(string(text)) }

// Parts are the files and folders directly in the folder that the *.dist-info
// lies in, of which the listed files are: without those of records and bytecode,
// and those that lie elsewhere.
func Parts(files iter.Seq[string]) (parts []string) {
	for name := range files {
		part, _, _ := strings.Cut(name, "/")
		if part == "" || part == "." || part == ".." || part == "__pycache__" || IsInfo(part) {
			continue
		}
		if len(parts) == 0 || parts[len(parts)-1] != part { // most stand one behind the other
			parts = append(parts, part)
		}
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// IsInfo reports whether a path is that of a *.dist-info or *.egg-info.
func IsInfo(name string) bool {
	return strings.HasSuffix(name, ".dist-info") || strings.HasSuffix(name, ".egg-info")
}
