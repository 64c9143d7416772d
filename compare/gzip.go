package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// Limits on what one gzip file may hold: bytes, and how many times its own
// size, which only counts from so many bytes on. Tables of mostly zeros are
// packed 50 times smaller; what would keep a comparer busy for hours, and takes
// no room on a disk, 1000 times.
const (
	maxUnpacked  = 4 << 30
	maxExpansion = 64
	anyExpansion = 64 << 20
)

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
	r   io.Reader
	gz  *gzip.Reader // nil before the first read
	of  side
	in  int64 // bytes read, packed
	out int64 // bytes handed out
}

// packedBytes counts what is read of a packed file.
type packedBytes struct{ u *unpacker }

func (p packedBytes) Read(b []byte) (int, error) {
	n, err := p.u.r.Read(b)
	p.u.in += int64(n)
	return n, err
}

func (u *unpacker) Read(b []byte) (int, error) {
	if u.gz == nil {
		gz, err := gzip.NewReader(packedBytes{u})
		if err != nil {
			return 0, u.wrong(err)
		}
		u.gz = gz
	}
	n, err := u.gz.Read(b)
	switch u.out += int64(n); {
	case u.out > maxUnpacked:
		return 0, tooLarge(u.of, "it holds more than %d bytes", int64(maxUnpacked))
	case u.out > anyExpansion && u.out/maxExpansion > u.in:
		return 0, tooLarge(u.of, "it holds more than %d bytes, and more than %d times its own size", int64(anyExpansion), maxExpansion)
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
