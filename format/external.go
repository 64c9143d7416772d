package format

import (
	"fmt"
	"strings"

	"repro/format/manifest"
)

// paperDir is the folder of an image below which files from outside may stand.
const paperDir = "/paper/"

// maxSource bounds the address of a file that is kept elsewhere.
const maxSource = 4096

// checkExternal says whether files that the image only names could lead a
// runner astray: out of the experiment's folder, or on top of each other.
func checkExternal(files []manifest.External) error {
	seen := map[string]bool{}
	for i, x := range files {
		err := checkAbsolute(x.Path)
		switch {
		case err != nil:
		case !strings.HasPrefix(x.Path, paperDir):
			err = fmt.Errorf("path %q: want one below %s", x.Path, paperDir)
		case seen[x.Path]:
			err = fmt.Errorf("path %q: named twice", x.Path)
		case x.Source == "" || len(x.Source) > maxSource || strings.ContainsFunc(x.Source, func(r rune) bool { return r <= ' ' || r == 0x7f }):
			err = fmt.Errorf("source %q: want an address", x.Source)
		case x.Size < 0 || x.Size > maxObjectSize:
			err = fmt.Errorf("%d bytes", x.Size)
		default:
			_, err = x.Digest.Sum()
		}
		if err != nil {
			return fmt.Errorf("external file %d: %w", i+1, err)
		}
		seen[x.Path] = true
	}
	return nil
}
