package container

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"repro/internal/atomicfile"
	"repro/internal/stream"
)

// Form is what a deposit is written as.
type Form string

// The forms of a deposit.
const (
	Folder Form = "folder" // a bag
	Tar    Form = "tar"    // the bag below one folder, as RFC 8493 asks
	Zip    Form = "zip"    // the crate alone at the root, as readers of RO-Crates ask
	OCFL   Form = "ocfl"   // an OCFL 1.1 object whose content is the bag
)

// Writer takes a deposit file by file. Nothing of it is seen before Commit;
// Close without Commit removes everything.
type Writer interface {
	// Create starts the file of exactly size bytes at a slash-separated path.
	// The one before must have been closed, unless Parallel.
	Create(name string, size int64, mode fs.FileMode) (io.WriteCloser, error)
	Parallel() bool // several files may be written at once
	Commit() error
	Close()
}

// About says what some forms state of the deposit as a whole.
type About struct {
	Name           string    // of the folder in a tar archive
	Date           time.Time // of every file
	ID             string    // of the object, a URI
	Owner, Address string    // who made it: a name and a URI
}

// Create begins a deposit under the name out, which must not exist.
func Create(f Form, out string, a About) (Writer, error) {
	if f == Folder || f == OCFL {
		dir, err := atomicfile.CreateDir(out)
		if err != nil {
			return nil, err
		}
		s := &folder{dir: dir}
		if f == OCFL {
			return &ocfl{folder: s, about: a}, nil
		}
		return s, nil
	}
	if _, err := os.Lstat(out); err == nil {
		return nil, fmt.Errorf("%s: exists", out)
	}
	file, err := atomicfile.Create(out, 0o666)
	if err != nil {
		return nil, err
	}
	if f == Zip {
		return &zipped{file: file, zip: zip.NewWriter(file), date: a.Date, made: map[string]bool{}}, nil
	}
	return &tarred{file: file, tar: tar.NewWriter(file), prefix: a.Name, date: a.Date, made: map[string]bool{}}, nil
}

// folder writes a deposit as files.
type folder struct{ dir *atomicfile.Dir }

func (s *folder) Create(name string, _ int64, mode fs.FileMode) (io.WriteCloser, error) {
	full := filepath.Join(s.dir.Path(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666|mode&0o111)
	if err != nil {
		return nil, err
	}
	return stream.NewSparse(f), nil
}

// Adopt puts the file called src at name without copying it: by sharing its
// blocks or, if link is set, as another name of the same file. It reports
// whether it could, which is in a plain folder only.
func Adopt(w Writer, name, src string, link bool) bool {
	f, ok := w.(*folder)
	return ok && f.adopt(name, src, link)
}

func (s *folder) adopt(name, src string, link bool) bool {
	full := filepath.Join(s.dir.Path(), filepath.FromSlash(name))
	if os.MkdirAll(filepath.Dir(full), 0o777) != nil {
		return false
	}
	if link {
		target, err := filepath.EvalSymlinks(src)
		return err == nil && os.Link(target, full) == nil
	}
	f, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false
	}
	shared := atomicfile.Share(f, src) == nil
	if f.Close() != nil || !shared {
		os.Remove(full)
		return false
	}
	return true
}

func (s *folder) Commit() error {
	if err := os.Chmod(s.dir.Path(), 0o755); err != nil { // it was closed to others while it was filled
		return err
	}
	return s.dir.Commit()
}

func (s *folder) Parallel() bool { return true }
func (s *folder) Close()         { s.dir.Close() }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// tarred writes a deposit as a tar archive with everything below one folder.
type tarred struct {
	file   *atomicfile.File
	tar    *tar.Writer
	prefix string
	date   time.Time
	made   map[string]bool
}

func (s *tarred) header(name string, kind byte, size int64, mode fs.FileMode) error {
	return s.tar.WriteHeader(&tar.Header{
		Typeflag: kind, Name: name, Size: size, Mode: int64(mode), ModTime: s.date, Format: tar.FormatPAX,
	})
}

func (s *tarred) folders(dir string) error {
	if s.made[dir] || dir == "." {
		return nil
	}
	s.made[dir] = true
	if err := s.folders(path.Dir(dir)); err != nil {
		return err
	}
	return s.header(dir+"/", tar.TypeDir, 0, 0o755)
}

func (s *tarred) Create(name string, size int64, mode fs.FileMode) (io.WriteCloser, error) {
	name = path.Join(s.prefix, name)
	if err := s.folders(path.Dir(name)); err != nil {
		return nil, err
	}
	return nopCloser{s.tar}, s.header(name, tar.TypeReg, size, mode)
}

func (s *tarred) Parallel() bool { return false }
func (s *tarred) Commit() error  { return errors.Join(s.tar.Close(), s.file.Commit()) }
func (s *tarred) Close()         { s.file.Close() }

// zipped writes a deposit as a zip archive of stored files, with an entry for
// each folder, which readers of crates ask for.
type zipped struct {
	file *atomicfile.File
	zip  *zip.Writer
	date time.Time
	made map[string]bool
}

func (s *zipped) entry(name string, mode fs.FileMode) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: s.date}
	h.SetMode(mode)
	return s.zip.CreateHeader(h)
}

func (s *zipped) folders(dir string) error {
	if s.made[dir] || dir == "." {
		return nil
	}
	s.made[dir] = true
	if err := s.folders(path.Dir(dir)); err != nil {
		return err
	}
	_, err := s.entry(dir+"/", fs.ModeDir|0o755)
	return err
}

func (s *zipped) Create(name string, _ int64, mode fs.FileMode) (io.WriteCloser, error) {
	if err := s.folders(path.Dir(name)); err != nil {
		return nil, err
	}
	w, err := s.entry(name, mode)
	return nopCloser{w}, err
}

func (s *zipped) Parallel() bool { return false }
func (s *zipped) Commit() error  { return errors.Join(s.zip.Close(), s.file.Commit()) }
func (s *zipped) Close()         { s.file.Close() }

// Put writes a small file.
func Put(w Writer, name string, content []byte) error {
	f, err := w.Create(name, int64(len(content)), 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Close()
}
