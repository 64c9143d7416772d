//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/filestat"
)

// hold takes the lock on what is called name. Release is nil if it could not:
// taken tells whether another holds it or has removed the file, or else the
// filesystem has no locks.
func hold(name string) (release func(), taken bool) {
	f, err := os.OpenFile(name, os.O_RDONLY|filestat.PlainFile, 0)
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && current(f, name) {
		return func() { f.Close() }, false
	}
	f.Close()
	return nil, err == nil || errors.Is(err, unix.EWOULDBLOCK)
}
