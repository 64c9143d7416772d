package sandbox

import "golang.org/x/sys/unix"

const lastOwnCall = unix.SYS_KEXEC_FILE_LOAD

// ownGap are the numbers that are for calls of other architectures only.
func ownGap(call uintptr) bool {
	return call >= unix.SYS_ARCH_SPECIFIC_SYSCALL && call < unix.SYS_WAIT4
}
