package archive

import (
	"bytes"
	"fmt"
	"path"
	"strings"
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
func (d *deposit) external() []externalFile { return nil }

// externalBytes is the size of all of them, and whether it is known.
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
