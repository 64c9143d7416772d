package atomicfile

import (
	"io"
	"os"
)

// CloneHead makes the first n bytes of src the content of f where the
// filesystem can share disk blocks (reflink), without reading any. It reports
// whether it could.
func (f *File) CloneHead(src *os.File, n int64) (bool, error) {
	if clone(f.File, src) != nil {
		return false, nil
	}
	if err := f.Truncate(n); err != nil {
		return false, err
	}
	_, err := f.Seek(n, io.SeekStart)
	return err == nil, err
}
