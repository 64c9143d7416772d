//go:build unix

package capture

import (
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
