package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// source is a bag that is read.
type source interface {
	names() (map[string]int64, error) // files of the bag and their sizes
	open(name string) (io.ReadCloser, error)
	at(name string) (file, error)
	close()
}

type file interface {
	io.ReaderAt
	io.Closer
}

func openSource(name string) (source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openTar(name)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if _, err := root.Stat("0=ocfl_object_1.1"); err == nil {
		inner, err := root.OpenRoot("v1/content")
		root.Close()
		if err != nil {
			return nil, err
		}
		root = inner
	}
	return &openFolder{root}, nil
}

// openFolder is a bag in a folder. Links in it lead nowhere outside.
type openFolder struct{ root *os.Root }

func (s *openFolder) close() { s.root.Close() }

func (s *openFolder) names() (map[string]int64, error) {
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
		if len(all) > maxBagFiles {
			return fmt.Errorf("more than %d files", maxBagFiles)
		}
		all[name] = info.Size()
		return nil
	})
	return all, err
}

func (s *openFolder) open(name string) (io.ReadCloser, error) { return s.root.Open(name) }
func (s *openFolder) at(name string) (file, error)            { return s.root.Open(name) }

// openedTar is a bag in a tar archive, below one folder.
type openedTar struct {
	f     *os.File
	place map[string]*io.SectionReader
}

func openTar(name string) (source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	s := &openedTar{f, map[string]*io.SectionReader{}}
	if err := s.index(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w: %w", name, ErrDamaged, err)
	}
	return s, nil
}

// index notes where each file lies. Nothing is unpacked.
func (s *openedTar) index() error {
	prefix := ""
	for r := tar.NewReader(s.f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		top, rest, _ := strings.Cut(name, "/")
		if prefix == "" {
			prefix = top
		}
		if !fs.ValidPath(name) || top != prefix {
			return fmt.Errorf("%q: lies outside of the bag's folder", h.Name)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Typeflag != tar.TypeReg || s.place[rest] != nil || len(s.place) > maxBagFiles {
			return fmt.Errorf("%q: not a regular file, or there twice, or one too many", h.Name)
		}
		offset, err := s.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		s.place[rest] = io.NewSectionReader(s.f, offset, h.Size)
	}
}

func (s *openedTar) close() { s.f.Close() }

func (s *openedTar) names() (map[string]int64, error) {
	all := map[string]int64{}
	for name, r := range s.place {
		all[name] = r.Size()
	}
	return all, nil
}

func (s *openedTar) open(name string) (io.ReadCloser, error) {
	r := s.place[name]
	if r == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(r, 0, r.Size())), nil
}

func (s *openedTar) at(name string) (file, error) {
	r := s.place[name]
	if r == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return struct {
		io.ReaderAt
		io.Closer
	}{r, io.NopCloser(nil)}, nil
}
