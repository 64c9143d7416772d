package engine

import (
	"cmp"
	"io"
	"os"
	"regexp"
	"strings"
)

const (
	maxTail = 8 << 10 // bytes of a file that are looked at
	maxSaid = 300     // bytes of it that are repeated
)

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

// LastWords returns the last line in which this program said what went wrong, or
// else the last line, of the file called name, which holds what a job printed;
// empty if there is none. It is without control characters and not long.
func LastWords(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		if _, err := f.Seek(-maxTail, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxTail))
	if err != nil {
		return ""
	}
	last, found := "", ""
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSpace(controls.ReplaceAllString(l, " "))
		if text, ours := strings.CutPrefix(l, "repro: error: "); ours {
			found = strings.TrimSpace(text)
		}
		last = cmp.Or(l, last)
	}
	said := cmp.Or(found, last)
	return said[:min(len(said), maxSaid)]
}
