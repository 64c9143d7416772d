// Package atomicfile writes files that appear whole or not at all, and locks
// files that are replaced while others wait for them.
//
// A new file is written under a hidden, unpredictable name in the folder of the
// one it will become, flushed to the disk and renamed. A program that is killed
// leaves the old file untouched; at worst a file named .NAME.*.partial stays
// until another program of the same user writes to that folder.
package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file that does not have its name yet. Errors speak of it by the
// name that it will have.
type File struct {
	*os.File
	target  string // what Commit renames to
	done    bool
	release func() // gives up the lock that says that somebody is at work; may be nil
	kept    bool   // Close leaves what has come so far: see Resume
}

// Create starts a file that will be called name. Permission bits are perm less
// the umask, as with [os.OpenFile]. If name is a symbolic link, the file that
// it points to is the one that will be replaced; anything that is not a regular
// file is refused. The caller must call Close, after Commit or without it.
func Create(name string, perm fs.FileMode) (*File, error) {
	target, err := resolve(name)
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(target)
	sweepOnce(dir)
	for {
		temp := filepath.Join(dir, hidden(base))
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, naming(name, err)
		}
		release, taken := hold(temp)
		if taken { // another was faster, takes it for left and removes it
			f.Close()
			continue
		}
		return &File{File: f, target: target, release: release}, nil
	}
}

// naming replaces the temporary name in err by the one that the caller knows.
func naming(name string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return &fs.PathError{Op: "write", Path: name, Err: e.Err}
	}
	return err
}

// Write is like that of [os.File].
func (f *File) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, naming(f.target, err)
}

// WriteAt is like that of [os.File].
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, naming(f.target, err)
}

// Truncate is like that of [os.File].
func (f *File) Truncate(size int64) error {
	return naming(f.target, f.File.Truncate(size))
}

// Sync is like that of [os.File].
func (f *File) Sync() error { return naming(f.target, f.File.Sync()) }

// StartFlush has n bytes from off on begin their way to the disk, where the
// system can do that, so that Commit has less to wait for. It promises nothing
// and may wait for a disk that is busy.
func (f *File) StartFlush(off, n int64) { startFlush(f.File, off, n) }

// resolve follows symbolic links to the file that is to be replaced.
func resolve(name string) (string, error) {
	fi, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return name, nil
	}
	if err != nil {
		return "", err
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return "", err
		}
		if fi, err = os.Stat(name); err != nil {
			return "", err
		}
	}
	if !fi.Mode().IsRegular() {
		return "", &fs.PathError{Op: "write", Path: name, Err: errors.New("not a regular file")}
	}
	return name, nil
}

// Commit flushes the file to the disk and gives it its name, in place of any
// file that had it.
func (f *File) Commit() error {
	if f.done {
		return fs.ErrClosed
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.File.Close(); err != nil {
		return naming(f.target, err)
	}
	if err := os.Rename(f.Name(), f.target); err != nil {
		return &fs.PathError{Op: "write", Path: f.target, Err: errors.Unwrap(err)}
	}
	f.done = true
	f.giveUp()
	return syncDir(filepath.Dir(f.target))
}

// giveUp gives up the lock.
func (f *File) giveUp() {
	if f.release != nil {
		f.release()
	}
}

// Close removes the file unless it was committed.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	stays := f.stays()
	err := f.File.Close()
	defer f.giveUp()
	if stays {
		return err
	}
	return os.Remove(f.Name())
}

// Write writes data to name: [Create], write, Commit.
func Write(name string, data []byte, perm fs.FileMode) error {
	f, err := Create(name, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// Take gives f the permission bits of old and, where this process may, its
// owner and group.
func (f *File) Take(old fs.FileInfo) error {
	own(f.File, old)
	err := f.Chmod(old.Mode().Perm()) // after the owner: changing that clears bits
	return naming(f.target, err)
}

// copyStep bounds how long a copy goes on after its context is done.
const copyStep = 64 << 20

// Share makes dst, which is new, a file of the content of the one called src
// by sharing its blocks (reflink), without reading or writing them. It fails
// where the filesystem cannot.
func Share(dst *os.File, src string) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	return clone(dst, f)
}

// CopyHead makes the first n bytes of src the content of f, by sharing the
// disk blocks where the filesystem can (reflink), else by copying in the
// kernel where it can. The offset of f is then n.
func (f *File) CopyHead(ctx context.Context, src *os.File, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fi, err := src.Stat()
	if err != nil {
		return err
	}
	if fi.Size() < n {
		return fmt.Errorf("copy %s: %w", src.Name(), io.ErrUnexpectedEOF)
	}
	if clone(f.File, src) == nil {
		if err := f.Truncate(n); err != nil {
			return err
		}
		_, err := f.Seek(n, io.SeekStart)
		return err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := io.CopyN(f.File, src, min(n, copyStep)) // copy_file_range on Linux
		if err != nil {
			return naming(f.target, err)
		}
		n -= k
	}
	return nil
}
