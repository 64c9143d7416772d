//go:build linux && (amd64 || arm64)

// Package kernel has the system calls and constants that a sandbox is made
// with and that package syscall lacks, under the names that they have in
// golang.org/x/sys/unix.
//
// That module is not used here because of what it imports: process 1 of a
// sandbox does its work while the packages of this program are initialised, as
// soon as those that it needs are. See package inside.
package kernel

import "syscall"

// Numbers that every architecture shares (asm-generic/unistd.h).
const (
	sysOpenTree     = 428
	sysMoveMount    = 429
	sysFsopen       = 430
	sysFsconfig     = 431
	sysFsmount      = 432
	sysCloseRange   = 436
	sysMountSetattr = 442

	SYS_LANDLOCK_CREATE_RULESET = 444
	SYS_LANDLOCK_ADD_RULE       = 445
	SYS_LANDLOCK_RESTRICT_SELF  = 446
)

// Constants of fcntl.h, linux/mount.h, sched.h, linux/landlock.h,
// linux/capability.h, linux/prctl.h, linux/seccomp.h and asm-generic/ioctls.h.
const (
	O_PATH              = 0x200000
	AT_FDCWD            = -0x64
	AT_SYMLINK_NOFOLLOW = 0x100
	AT_EMPTY_PATH       = 0x1000
	AT_RECURSIVE        = 0x8000

	FSOPEN_CLOEXEC          = 0x1
	FSMOUNT_CLOEXEC         = 0x1
	OPEN_TREE_CLONE         = 0x1
	OPEN_TREE_CLOEXEC       = syscall.O_CLOEXEC
	MOVE_MOUNT_F_EMPTY_PATH = 0x4
	MOVE_MOUNT_T_EMPTY_PATH = 0x40
	CLOSE_RANGE_CLOEXEC     = 0x4

	MOUNT_ATTR_RDONLY  = 0x1
	MOUNT_ATTR_NOSUID  = 0x2
	MOUNT_ATTR_NODEV   = 0x4
	MOUNT_ATTR_NOEXEC  = 0x8
	MOUNT_ATTR_NOATIME = 0x10

	CLONE_NEWTIME   = 0x80
	CLOCK_MONOTONIC = 1
	CLOCK_BOOTTIME  = 7

	LANDLOCK_RULE_PATH_BENEATH          = 0x1
	LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 0x1
	LANDLOCK_SCOPE_SIGNAL               = 0x2

	LINUX_CAPABILITY_VERSION_3 = 0x20080522
	PR_SET_NO_NEW_PRIVS        = 38
	PR_CAP_AMBIENT             = 47
	PR_CAP_AMBIENT_CLEAR_ALL   = 4
	SECCOMP_SET_MODE_FILTER    = 1

	RLIMIT_NPROC    = 6
	RLIMIT_MEMLOCK  = 8
	RLIMIT_MSGQUEUE = 12

	SIG_SETMASK = 2

	ADDR_NO_RANDOMIZE = 0x0040000 // linux/personality.h

	TIOCGPTN   = 0x80045430
	TIOCSPTLCK = 0x40045431

	keyctlJoinSessionKeyring = 1
	fsconfigSetFlag          = 0
	fsconfigSetString        = 1
	fsconfigCmdCreate        = 6
)

// Of linux/kcmp.h.
const (
	kcmpVM    = 1
	kcmpFiles = 2
)
