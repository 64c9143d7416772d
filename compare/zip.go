package compare

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
)

// The kinds of this file.
const (
	kindZip = "zip"
	kindTar = "tar"
)

func init() {
	comparers[kindZip] = compareZip
	comparers[kindTar] = compareTar
}

// compareZip compares the files of two zip archives; an npz is one.
func compareZip(ctx context.Context, j *job) error {
	pub, err := j.openZip(0, published)
	if err != nil {
		return err
	}
	defer pub.close()
	new, err := j.openZip(1, produced)
	if err != nil {
		return err
	}
	defer new.close()
	return j.compareMembers(ctx, pub.members(), new.members(), "the same files; only their times, order or packing differ")
}

// archive is an open zip archive.
type archive struct {
	*zip.Reader
	close func()
}

// openZip reads the directory of one of the two files. What it holds stays
// where it is, if the file can be read at any place.
func (j *job) openZip(i int, of side) (*archive, error) {
	f, err := j.files[i].open(of)
	if err != nil {
		return nil, err
	}
	at, size, err := f.anywhere()
	if err != nil {
		f.Close()
		return nil, err
	}
	r, err := zip.NewReader(at, size)
	if err != nil {
		f.Close()
		return nil, malformed(of, kindZip, "%s", reason(err))
	}
	return &archive{r, func() { f.Close() }}, nil
}

// anywhere is the file for reading at any place, through memory if need be.
func (o *opened) anywhere() (io.ReaderAt, int64, error) {
	if file, ok := o.Closer.(fs.File); ok && o.r == file {
		at, canSeek := o.Closer.(io.ReaderAt)
		info, err := file.Stat()
		if canSeek && err == nil {
			return at, info.Size(), nil
		}
	}
	b, err := o.all(maxArchive)
	return bytes.NewReader(b), int64(len(b)), err
}

// all reads a file of at most so many bytes.
func (o *opened) all(most int64) ([]byte, error) { return all(o, o.of, most) }

func all(r io.Reader, of side, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, tooLarge(of, "more than %d bytes", most)
	}
	return b, nil
}

func (a *archive) members() []member {
	var out []member
	for _, f := range a.File {
		switch {
		case strings.HasSuffix(f.Name, "/"):
		case f.Mode()&fs.ModeSymlink != 0:
			out = append(out, member{f.Name + " (link)", 0, f.Open})
		default:
			out = append(out, member{f.Name, int64(min(f.UncompressedSize64, maxUnpacked)), f.Open})
		}
	}
	return out
}

// compareTar compares the files of two tar archives, read into memory.
func compareTar(ctx context.Context, j *job) error {
	pub, err := readTar(j.pub, published)
	if err != nil {
		return err
	}
	new, err := readTar(j.new, produced)
	if err != nil {
		return err
	}
	return j.compareMembers(ctx, pub, new, "the same files; only their times, owners, modes or order differ")
}

func readTar(r io.Reader, of side) ([]member, error) {
	var out []member
	left := int64(maxArchive)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, tarError(of, err)
		}
		if len(out) == maxMembers {
			return nil, tooLarge(of, "more than %d files in it", maxMembers)
		}
		switch h.Typeflag {
		case tar.TypeDir:
		case tar.TypeReg, tar.TypeGNUSparse:
			b, err := io.ReadAll(io.LimitReader(t, left+1))
			if err != nil {
				return nil, tarError(of, err)
			}
			if left -= int64(len(b)); left < 0 {
				return nil, tooLarge(of, "it holds more than %d bytes", maxArchive)
			}
			out = append(out, memberOf(strings.TrimPrefix(h.Name, "./"), b))
		default: // a link, a device: where it leads is what it is
			out = append(out, memberOf(strings.TrimPrefix(h.Name, "./")+" (link)", []byte(string(h.Typeflag)+h.Linkname)))
		}
	}
}

func tarError(of side, err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) {
		return malformed(of, kindTar, "%s", reason(err))
	}
	return err
}
