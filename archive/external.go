package archive

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"repro/build"
	"repro/publish/fetch"
)

// external is a file of data that is kept elsewhere.
type externalFile struct {
	path   string // in the payload
	source string // URL
	sha256 string
	size   int64 // 0: not stated
}

func (x externalFile) payload() string { return path.Join(payloadDir, x.path) }

// external lists the data that the image only names.
func (d *deposit) external() []externalFile {
	var all []externalFile
	for _, x := range d.manifest.External {
		address, err := fetch.Address(x)
		if err != nil {
			address = "https://doi.org/" + strings.TrimPrefix(x.Source, "doi:") // leads a person there
		}
		all = append(all, externalFile{
			path: path.Join(inputsDir, strings.TrimPrefix(x.Path, build.Paper+"/")), source: address,
			sha256: strings.TrimPrefix(string(x.Digest), "sha256:"), size: x.Size,
		})
	}
	return all
}

// sizesKnown reports whether each external file states its size.
func (d *deposit) sizesKnown() bool {
	for _, x := range d.external() {
		if x.size == 0 {
			return false
		}
	}
	return true
}

// externalBytes is the size of all of them, as far as it is stated.
func (d *deposit) externalBytes() (n int64) {
	for _, x := range d.external() {
		n += x.size
	}
	return n
}

// fetchList is fetch.txt (RFC 8493 section 2.2.3).
func (d *deposit) fetchList() []byte {
	var b bytes.Buffer
	for _, x := range d.external() {
		size := "-"
		if x.size > 0 {
			size = fmt.Sprint(x.size)
		}
		fmt.Fprintf(&b, "%s %s %s\n", strings.ReplaceAll(x.source, " ", "%20"), size, bagName.Replace(x.payload()))
	}
	return b.Bytes()
}
