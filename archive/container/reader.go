package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrDamaged is in the error about a deposit that is incomplete, altered, or
// no deposit.
var ErrDamaged = errors.New("deposit is incomplete or altered")

// MaxFiles is the most files that a deposit of others may have.
const MaxFiles = 1 << 20

// Reader is a bag or crate that is read. Names are paths from its root.
type Reader interface {
	Names() (map[string]int64, error) // of the files, with their sizes
	Open(name string) (io.ReadCloser, error)
	At(name string) (File, error) // for a file that lies there as it is
	Close()
}

// File is a file that is read at any place.
type File interface {
	io.ReaderAt
	io.Closer
}

// Open opens a bag in a folder, in a tar or zip archive or in an OCFL object, or
// a crate alone in a folder or zip archive.
func Open(name string) (Reader, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openArchive(name)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if _, err := root.Stat("0=ocfl_object_1.1"); err != nil {
		return &openFolder{root: root}, nil
	}
	inner, err := root.OpenRoot(ocflContent)
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w: %w", name, ErrDamaged, err)
	}
	return &openFolder{inner, root}, nil
}

// openFolder is a bag in a folder. Links in it lead nowhere outside.
type openFolder struct {
	root   *os.Root
	object *os.Root // the OCFL object around it; may be nil
}

func (s *openFolder) Close() {
	s.root.Close()
	if s.object != nil {
		s.object.Close()
	}
}

func (s *openFolder) Names() (map[string]int64, error) {
	all := map[string]int64{}
	err := fs.WalkDir(s.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			return fmt.Errorf("%s: not a regular file", name)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if len(all) > MaxFiles {
			return fmt.Errorf("more than %d files", MaxFiles)
		}
		all[name] = info.Size()
		return nil
	})
	return all, err
}

func (s *openFolder) Open(name string) (io.ReadCloser, error) { return s.root.Open(name) }
func (s *openFolder) At(name string) (File, error)            { return s.root.Open(name) }
