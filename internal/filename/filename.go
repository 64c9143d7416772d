// Package filename knows which names of files travel: what archives, other
// systems and people read in one way only.
package filename

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Limits of names that travel.
const (
	MaxElement = 255
	MaxPath    = 1000 // bytes of a path: object stores stop at 1024
)

// Portable says why a path with slashes cannot be kept everywhere, or "".
func Portable(name string) string {
	if !utf8.ValidString(name) {
		return "not valid UTF-8"
	}
	if len(name) > MaxPath {
		return fmt.Sprintf("longer than %d bytes", MaxPath)
	}
	for elem := range strings.SplitSeq(name, "/") {
		if why := portableElement(elem); why != "" {
			return why
		}
	}
	if path.Base(name) == "bagit.txt" {
		return "is taken for the mark of another bag"
	}
	return ""
}

func portableElement(elem string) string {
	stem, _, _ := strings.Cut(strings.ToLower(elem), ".")
	switch {
	case elem == "" || elem == "." || elem == "..":
		return "not a name"
	case len(elem) > MaxElement:
		return fmt.Sprintf("has a part longer than %d bytes", MaxElement)
	case strings.ContainsFunc(elem, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "has a control character"
	case strings.ContainsAny(elem, `<>:"\|?*`):
		return `has one of < > : " \ | ? *, which Windows and some archives refuse`
	case strings.Contains(elem, "%"):
		return "has a %, which programs for bags read in two ways"
	case strings.HasSuffix(elem, ".") || strings.HasSuffix(elem, " ") || strings.HasPrefix(elem, " "):
		return "begins with a space, or ends with a space or full stop"
	case slices.Contains(devices, stem):
		return "is the name of a device on Windows"
	}
	return ""
}

var devices = []string{
	"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
}

// Twins finds paths that some system takes for one name although their bytes
// differ. The zero value is ready.
type Twins struct{ met map[string]string }

// Add returns the path that was added before and looks like name, and in what
// the two differ; "" if there is none. Each pair is told once.
func (t *Twins) Add(name string) (other, how string) {
	if t.met == nil {
		t.met = map[string]string{}
	}
	key := Folded(name)
	other, found := t.met[key]
	if !found {
		t.met[key] = name
		return "", ""
	}
	switch {
	case other == name:
		return "", ""
	case norm.NFC.String(other) == norm.NFC.String(name):
		return other, "in how accents are stored (NFC and NFD), which looks the same"
	}
	return other, "in capital letters, which is one file on macOS and Windows"
}

// Folded is what names that are one on some system have in common: letters
// without case, accents in one form (Unicode's compatibility-free NFC).
func Folded(name string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(name))) }

// SameLooking returns that of the names which looks like name, "" if none does
// or name itself is among them.
func SameLooking(name string, names []string) string {
	if slices.Contains(names, name) {
		return ""
	}
	for _, other := range names {
		if norm.NFC.String(other) == norm.NFC.String(name) {
			return other
		}
	}
	return ""
}
