//go:build linux

package kernel

// Numbers of this architecture.
const (
	SYS_SECCOMP = 317
	sysFstatat  = 262
	sysKcmp     = 312
)
