//go:build unix

package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/filestat"
)

// hold takes the lock on what is called name. It returns nil if another holds
// it, the file is not there any more, or the filesystem has no locks.
func hold(name string) (release func()) {
	f, err := os.OpenFile(name, os.O_RDONLY|filestat.PlainFile, 0)
	if err != nil {
		return nil
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil || !current(f, name) {
		f.Close()
		return nil
	}
	return func() { f.Close() }
}
