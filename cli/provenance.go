package cli

import (
	"path/filepath"

	"repro/archive/provenance"
	"repro/format"
	"repro/internal/atomicfile"
)

// writeProvenance writes the statement about the build of the image called
// name. It is a function of the image: archive makes the same.
func writeProvenance(name, file string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	statement, err := provenance.Build(image, filepath.Base(name))
	if err != nil {
		return err
	}
	return atomicfile.Write(file, statement, 0o666)
}
