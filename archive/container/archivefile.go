package container

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"
)

// archiveFile is a bag or crate in a tar or zip archive. Nothing is unpacked: each
// file is read where it lies.
type archiveFile struct {
	f     *os.File
	size  int64
	files map[string]archivedFile
}

// archivedFile is one file of an archive.
type archivedFile struct {
	size  int64
	plain *io.SectionReader // where it lies as it is
	open  func() (io.ReadCloser, error)
}

// Limits on archives of others.
const (
	maxPackedName = 4096      // bytes
	maxDirectory  = 128 << 20 // bytes of the directory of a zip archive
)

// compressions are formats by their first bytes.
var compressions = []struct{ magic, name string }{
	{"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"\xfd7zXZ", "xz"}, {"BZh", "bzip2"}, {"7z\xbc\xaf", "7z"},
}

func openArchive(name string) (Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	s := &archiveFile{f: f, files: map[string]archivedFile{}}
	if err := s.index(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// index notes where each file lies, with paths from the root of the bag.
func (s *archiveFile) index() error {
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("neither a folder nor a regular file")
	}
	s.size = info.Size()
	head := make([]byte, 8)
	n, err := s.f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, c := range compressions {
		if bytes.HasPrefix(head[:n], []byte(c.magic)) {
			return fmt.Errorf("is compressed (%s): unpack it and verify what comes out", c.name)
		}
	}
	read := s.tar
	if bytes.HasPrefix(head[:n], []byte("PK")) {
		read = s.zip
	}
	if err := read(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return s.rebase()
}

// add notes one file under the name that the archive gives it.
func (s *archiveFile) add(given string, f archivedFile) error {
	name := path.Clean(given)
	switch {
	case len(given) > maxPackedName:
		return fmt.Errorf("%.60q…: a name of more than %d bytes", given, maxPackedName)
	case !fs.ValidPath(name) || name == "." || strings.ContainsAny(given, "\\\x00"):
		return fmt.Errorf("%q: not a path within an archive", given)
	case s.files[name].open != nil:
		return fmt.Errorf("%q: is there twice", given)
	case len(s.files) == MaxFiles:
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	s.files[name] = f
	return nil
}

func (s *archiveFile) tar() error {
	for r := tar.NewReader(s.f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg:
		default:
			return fmt.Errorf("%q: not a regular file", h.Name)
		}
		offset, err := s.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Size > s.size-offset { // cut off, or sparse
			return fmt.Errorf("%q: %d bytes are said to be there, the archive has %d", h.Name, h.Size, s.size-offset)
		}
		plain := io.NewSectionReader(s.f, offset, h.Size)
		if err := s.add(h.Name, archivedFile{h.Size, plain, nil}.withOpen()); err != nil {
			return err
		}
	}
}

// withOpen has a file that lies as it is opened there.
func (f archivedFile) withOpen() archivedFile {
	f.open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f.plain, 0, f.plain.Size())), nil
	}
	return f
}

// zip reads the directory of a zip archive. Files whose places overlap, by
// which a small archive could hold anything, are refused: what is left cannot
// be larger than deflate makes it.
func (s *archiveFile) zip() error {
	bounded := &boundedReader{s.f, maxDirectory}
	r, err := zip.NewReader(bounded, s.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	bounded.left = math.MaxInt64
	var total uint64
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		total += f.CompressedSize64
		switch {
		case !f.Mode().IsRegular():
			return fmt.Errorf("%q: not a regular file", f.Name)
		case f.Flags&1 != 0:
			return fmt.Errorf("%q: is encrypted", f.Name)
		case f.UncompressedSize64 > 1<<62 || f.CompressedSize64 > uint64(s.size) || total > uint64(s.size):
			return fmt.Errorf("%q: more is said to be in the archive than its size allows", f.Name)
		}
		e := archivedFile{size: int64(f.UncompressedSize64), open: f.Open}
		if f.Method == zip.Store {
			offset, err := f.DataOffset()
			if err != nil {
				return fmt.Errorf("%q: %w", f.Name, err)
			}
			if f.CompressedSize64 != f.UncompressedSize64 || offset > s.size-e.size {
				return fmt.Errorf("%q: sizes contradict each other", f.Name)
			}
			e.plain = io.NewSectionReader(s.f, offset, e.size)
		}
		if err := s.add(f.Name, e); err != nil {
			return err
		}
	}
	return nil
}

// boundedReader reads so many bytes and no more, wherever they lie.
type boundedReader struct {
	io.ReaderAt
	left int64
}

func (b *boundedReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("its directory has more than %d bytes", maxDirectory)
	}
	return b.ReaderAt.ReadAt(p, off)
}

// crateFile is at the root of every crate.
const crateFile = "ro-crate-metadata.json"

// rebase makes paths count from the root of the bag, which is that of the
// archive or the one folder in it.
func (s *archiveFile) rebase() error {
	if s.files["bagit.txt"].open != nil || s.files[crateFile].open != nil {
		return nil
	}
	top := ""
	inner := map[string]archivedFile{}
	for name, f := range s.files {
		folder, rest, below := strings.Cut(name, "/")
		if top == "" {
			top = folder
		}
		if !below || folder != top {
			return fmt.Errorf("%w: %q: lies outside of the bag's folder", ErrDamaged, name)
		}
		inner[rest] = f
	}
	s.files = inner
	return nil
}

func (s *archiveFile) Close() { s.f.Close() }

func (s *archiveFile) Names() (map[string]int64, error) {
	all := map[string]int64{}
	for name, f := range s.files {
		all[name] = f.size
	}
	return all, nil
}

func (s *archiveFile) Open(name string) (io.ReadCloser, error) {
	f, ok := s.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.open()
}

func (s *archiveFile) At(name string) (File, error) {
	f, ok := s.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if f.plain == nil {
		return nil, fmt.Errorf("%s: %s is compressed there: unpack the archive and verify what comes out", s.f.Name(), name)
	}
	return struct {
		io.ReaderAt
		io.Closer
	}{f.plain, io.NopCloser(nil)}, nil
}
