//go:build unix

package observe

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

type unixStat = syscall.Stat_t

// Keep has the machine have what the command left at the change's path.
func (c Change) Keep() error { return settle(c.Path, c.After) }

// Undo has the machine have what was there before the command.
func (c Change) Undo() error { return settle(c.Path, c.Before) }

// settle puts the content of a file at a path: nothing if it is empty, and
// nothing is done if it is there already.
func settle(name, content string) error {
	if name == content {
		return nil
	}
	if content == "" {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if info, err := os.Lstat(name); err == nil && info.IsDir() {
		if err := os.RemoveAll(name); err != nil { // a file took the folder's place
			return err
		}
	}
	err := os.Rename(content, name)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	return moveAcross(content, name)
}

// moveAcross moves a file to another filesystem: under another name first, so
// that no half of it ever stands at its place.
func moveAcross(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(to), ".repro-"+filepath.Base(from)+"-"+filepath.Base(to))
	if len(filepath.Base(temporary)) > 255 {
		temporary = filepath.Join(filepath.Dir(to), ".repro-moving")
	}
	defer os.Remove(temporary)
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := os.Symlink(target, temporary); err != nil {
			return err
		}
	} else if err := copyContent(from, temporary, info); err != nil {
		return err
	}
	if err := os.Rename(temporary, to); err != nil {
		return err
	}
	return os.Remove(from)
}

func copyContent(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := errors.Join(out.Chmod(info.Mode().Perm()), out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
