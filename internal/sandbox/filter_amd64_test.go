package sandbox

import "golang.org/x/sys/unix"

const lastOwnCall = unix.SYS_UPROBE

func ownGap(uintptr) bool { return false }
