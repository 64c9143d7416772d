package atomicfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// syncFile flushes a file. Windows has no such operation for folders, and
// wants a file open for writing.
func syncFile(name string) error {
	if info, err := os.Lstat(name); err != nil || info.IsDir() || info.Mode().Perm()&0o200 == 0 {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// syncDir does nothing: Windows has no such operation.
func syncDir(string) error { return nil }

// own does nothing: the folder decides.
func own(*os.File, fs.FileInfo) {}

// tryLock returns nil, nil if another holds the lock. Windows does not rename
// over a file that someone has open, so the lock is on a file beside it.
func tryLock(name string) (unlock func(), err error) {
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return func() { f.Close() }, nil
	}
	f.Close()
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return nil, nil
	}
	return nil, &os.PathError{Op: "lock", Path: name, Err: err}
}
