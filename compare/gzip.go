package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// maxUnpacked bounds what one gzip file may hold, in bytes.
const maxUnpacked = 4 << 30

// packedKind is what the content of a .gz file must be.
const packedKind = "gzip"

var gzipMagic = []byte{0x1f, 0x8b, 8}

// packed reports whether f is to be compared by what it holds (CMP-6).
func (f File) packed() (bool, error) {
	if extension(f.Name) != ".gz" {
		return false, nil
	}
	r, err := f.open(published)
	if err != nil {
		return false, err
	}
	defer r.Close()
	start := make([]byte, len(gzipMagic))
	n, err := fill(r, start)
	return bytes.Equal(start[:n], gzipMagic), err
}

// inside is f, to be read as what it holds.
func (f File) inside() File {
	f.unpack = true
	return f
}

// kindName is the name by which the kind of f is chosen.
func (f File) kindName() string {
	if f.unpack {
		return strings.TrimSuffix(f.Name, f.Name[len(f.Name)-len(".gz"):])
	}
	return f.Name
}

// unpacker reads what a gzip file holds, within bounds.
type unpacker struct {
	r    io.Reader
	gz   *gzip.Reader // nil before the first read
	of   side
	left int64
}

func (u *unpacker) Read(b []byte) (int, error) {
	if u.gz == nil {
		gz, err := gzip.NewReader(u.r)
		if err != nil {
			return 0, u.wrong(err)
		}
		u.gz = gz
	}
	n, err := u.gz.Read(b)
	if u.left -= int64(n); u.left < 0 {
		return 0, tooLarge(u.of, "it holds more than %d bytes", int64(maxUnpacked))
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, u.wrong(err)
	}
	return n, err
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// wrong tells a malformed file from one that can't be read.
func (u *unpacker) wrong(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || isCorrupt(err) {
		return malformed(u.of, packedKind, "%s", reason(err))
	}
	return err
}
