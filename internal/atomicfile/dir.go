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
	path    string
	name    string
	release func() // gives up the lock that says that somebody is at work; may be nil
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
	d, err := Scratch(full)
	if err != nil {
		return nil, naming(name, err)
	}
	d.name = full
	return d, nil
}

// Scratch makes a folder for what is on its way to become the file or folder
// called name: beside it, hidden, empty and closed to others. The caller must
// call Close; there is nothing to commit.
func Scratch(name string) (*Dir, error) {
	dir, base := filepath.Split(name)
	sweepOnce(dir)
	for {
		path := filepath.Join(dir, hidden(base))
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		release, taken := hold(path)
		if taken { // another was faster, takes it for left and removes it
			continue
		}
		return &Dir{path: path, release: release}, nil
	}
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
	d.giveUp()
	return syncDir(filepath.Dir(d.name))
}

// giveUp gives up the lock.
func (d *Dir) giveUp() {
	if d.release != nil {
		d.release()
	}
}

// Close removes the folder and all that is in it unless it was committed, also
// where folders in it cannot be written to.
func (d *Dir) Close() error {
	if d.path == "" {
		return nil
	}
	defer d.giveUp()
	return removeTree(d.path)
}

// removeTree removes a file, or a folder with all that is in it.
func removeTree(path string) error {
	if err := os.RemoveAll(path); err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// A folder that cannot be opened up fails again below.
	_ = filepath.WalkDir(path, func(name string, e fs.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	return os.RemoveAll(path)
}
