//go:build !linux

package rootfs

import "os"

func lockFile(*os.File, bool) bool { return true }
