package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"repro/internal/filestat"
)

// ErrBusy is in the error of [Resume] if another process is at work on the file.
var ErrBusy = errors.New("another program is writing it")

// Resume is like [Create] for a file that takes long to get: what Close finds
// uncommitted stays, under a hidden name made of name and tag, and the next Resume
// with both goes on with it. Whoever does that must check what is there: the file
// says nothing of its own. An empty one does not stay. At most one process is at
// work on it ([ErrBusy]); [File.Discard] removes it.
func Resume(name, tag string, perm fs.FileMode) (*File, error) {
	target, err := resolve(name)
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(target)
	kept := filepath.Join(dir, "."+base+"."+tag+".part")
	f, err := os.OpenFile(kept, os.O_RDWR|os.O_CREATE|filestat.PlainFile, perm)
	if err != nil {
		return nil, naming(name, err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "write", Path: kept, Err: errors.New("not a regular file")})
	}
	release, err := tryLock(kept)
	if err == nil && (release == nil || !sameFile(f, kept)) { // or another was done with it in between
		err = ErrBusy
	}
	if err != nil {
		f.Close()
		if release != nil {
			release()
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &File{File: f, target: target, release: release, kept: true}, nil
}

func sameFile(f *os.File, name string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(name)
	return err == nil && os.SameFile(a, b)
}

// Discard closes and removes a file that [Resume] would keep.
func (f *File) Discard() error {
	f.kept = false
	return f.Close()
}

// stays reports whether Close leaves the file.
func (f *File) stays() bool {
	if !f.kept {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Size() > 0
}
