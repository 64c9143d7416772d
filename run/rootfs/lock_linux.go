package rootfs

import (
	"os"
	"syscall"
)

// lockFile locks f, shared with others, or, if it is to be alone, as long as
// nobody else has it: then it reports whether that is so. A lock that f has
// already is changed.
func lockFile(f *os.File, alone bool) bool {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err != syscall.EINTR {
			return err == nil
		}
	}
}
