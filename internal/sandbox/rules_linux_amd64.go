package sandbox

import "golang.org/x/sys/unix"

const nativeArch = unix.AUDIT_ARCH_X86_64

// x32Bit marks the calls of the x32 ABI, which come under x86-64's own
// architecture number.
const x32Bit = 0x40000000

var nativeRefused = []rule{
	{calls: []uintptr{unix.SYS_IOPL, unix.SYS_IOPERM}, errno: unix.EPERM,
		why: "the machine's ports"},
	{calls: []uintptr{unix.SYS_MODIFY_LDT}, errno: unix.EPERM,
		why: "16-bit segments: old, rarely read kernel code"},
	{calls: []uintptr{unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_SYSFS, unix.SYS__SYSCTL, unix.SYS_CREATE_MODULE,
		unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE, unix.SYS_AFS_SYSCALL, unix.SYS_TUXCALL, unix.SYS_SECURITY,
		unix.SYS_VSERVER, unix.SYS_GETPMSG, unix.SYS_PUTPMSG, unix.SYS_EPOLL_CTL_OLD, unix.SYS_EPOLL_WAIT_OLD,
		unix.SYS_GET_THREAD_AREA, unix.SYS_SET_THREAD_AREA}, errno: unix.ENOSYS,
		why: "dead calls"},
}

var nativeAllowed = []allowance{
	{[]uintptr{unix.SYS_OPEN, unix.SYS_CREAT, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK, unix.SYS_GETDENTS,
		unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_UNLINK, unix.SYS_RENAME, unix.SYS_LINK, unix.SYS_SYMLINK, unix.SYS_CHMOD, unix.SYS_CHOWN,
		unix.SYS_LCHOWN, unix.SYS_MKNOD, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT, unix.SYS_INOTIFY_INIT, unix.SYS_DUP2,
		unix.SYS_PIPE, unix.SYS_POLL, unix.SYS_SELECT, unix.SYS_EPOLL_CREATE, unix.SYS_EPOLL_WAIT, unix.SYS_EVENTFD, unix.SYS_SIGNALFD,
		unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_GETPGRP, unix.SYS_ALARM, unix.SYS_PAUSE, unix.SYS_TIME},
		"the older forms of calls that are allowed"},
	{[]uintptr{unix.SYS_ARCH_PRCTL}, "thread-local storage"},
	{[]uintptr{unix.SYS_URETPROBE, unix.SYS_UPROBE},
		"made by code that the kernel itself puts into a program which the administrator profiles; from elsewhere it is a crash"},
}
