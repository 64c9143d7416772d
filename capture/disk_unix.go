//go:build unix

package capture

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// sameDisk reports whether two folders lie on one filesystem.
func sameDisk(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	if err != nil || err2 != nil {
		return false
	}
	s, ok := x.Sys().(*syscall.Stat_t)
	u, ok2 := y.Sys().(*syscall.Stat_t)
	return ok && ok2 && s.Dev == u.Dev
}

// claim keeps other captures from a folder until release is called: the last to
// end would write the recipe without the steps of the others.
func claim(folder string) (release func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another capture is at work in this folder: start this one when it has ended", folder)
		}
		return func() {}, nil // a filesystem without locks
	}
	return func() { f.Close() }, nil
}

// abandoned reports whether nobody holds the claim on a folder; false where that
// cannot be told.
func abandoned(folder string) bool {
	f, err := os.Open(folder)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
