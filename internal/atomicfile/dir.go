package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a folder that does not have its name yet.
type Dir struct {
	path string
	name string
}

// CreateDir starts a folder that will be called name: one beside it, hidden,
// empty and closed to others. Where there is something at name that is not an
// empty folder, or is the current one, it fails. The caller must call Close,
// after Commit or without it.
func CreateDir(name string) (*Dir, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if err := vacant(full, name); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(filepath.Dir(full), "."+filepath.Base(full)+".*.partial")
	if err != nil {
		return nil, naming(name, err)
	}
	return &Dir{path: path, name: full}, nil
}

// vacant refuses what must not be replaced.
func vacant(full, name string) error {
	info, err := os.Lstat(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: exists and is not a folder", name)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(info, here) {
		return fmt.Errorf("%s: is the current folder: name one that does not exist yet", name)
	}
	list, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return fmt.Errorf("%s: exists and is not empty", name)
	}
	return nil
}

// Path returns where the folder is until Commit.
func (d *Dir) Path() string { return d.path }

// Commit flushes the folder and all that is in it to the disk and gives it its
// name, in place of an empty one.
func (d *Dir) Commit() error {
	if err := FlushTree(d.path); err != nil {
		return naming(d.name, err)
	}
	if err := os.Remove(d.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(d.path, d.name); err != nil {
		return &fs.PathError{Op: "write", Path: d.name, Err: errors.Unwrap(err)}
	}
	d.path = ""
	return syncDir(filepath.Dir(d.name))
}

// Close removes the folder and all that is in it unless it was committed, also
// where folders in it cannot be written to.
func (d *Dir) Close() error {
	if d.path == "" {
		return nil
	}
	if err := os.RemoveAll(d.path); err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// A folder that cannot be opened up fails again below.
	_ = filepath.WalkDir(d.path, func(name string, e fs.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	return os.RemoveAll(d.path)
}
