package archive

import (
	"fmt"
	"io"
	"io/fs"
	"os"
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
		return openPacked(name)
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

func (s *openFolder) close() {
	s.root.Close()
	if s.object != nil {
		s.object.Close()
	}
}

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
