//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncFile flushes a file or folder. On what cannot be flushed, nothing is lost.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	err := syncFile(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // a folder that may be written to but not read
	}
	return err
}

// own gives f the owner and group of old, as far as the process may.
func own(f *os.File, old fs.FileInfo) {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		if f.Chown(int(st.Uid), int(st.Gid)) != nil {
			f.Chown(-1, int(st.Gid))
		}
	}
}

// tryLock returns nil, nil if another holds the lock.
func tryLock(name string) (unlock func(), err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && current(f, name) {
		return func() { f.Close() }, nil
	}
	f.Close()
	if err == nil || errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	return nil, &os.PathError{Op: "lock", Path: name, Err: err}
}

// current says whether name still leads to f: whoever held the lock before may
// have renamed another file over it.
func current(f *os.File, name string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(name)
	return err == nil && os.SameFile(a, b)
}
