//go:build linux

package kernel

// Numbers of this architecture.
const (
	SYS_SECCOMP = 277
	sysFstatat  = 79
	sysKcmp     = 272
)
