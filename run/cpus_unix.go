//go:build unix

package run

import (
	"os"
	"syscall"
)

// tryLock opens a file that nobody else has open through it; nil if somebody has, or
// it cannot be opened.
func tryLock(name string) *os.File {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil
	}
	return f
}
