package format

import (
	"cmp"
	"crypto"
	"fmt"
	"io"
)

// Sums returns the hashes of the contents of all objects that are not
// signatures, in their order: what a time record lists. The hash must be linked
// in.
func (im *Image) Sums(hash crypto.Hash) ([][]byte, error) {
	var all [][]byte
	for _, o := range im.Objects() {
		if o.Type == DataSignature {
			continue
		}
		h := hash.New()
		if n, err := io.Copy(h, im.Section(o)); err != nil || n != o.Size {
			return nil, fmt.Errorf("%s: object %d: %d of %d bytes: %w", im.Name(), o.ID, n, o.Size, cmp.Or(err, io.ErrUnexpectedEOF))
		}
		all = append(all, h.Sum(nil))
	}
	return all, nil
}
