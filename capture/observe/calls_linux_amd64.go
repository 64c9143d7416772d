package observe

import "golang.org/x/sys/unix"

// abis are the system call interfaces of this machine, its own first: programs
// of 32 bits have another.
var abis = []abi{
	{
		arch: unix.AUDIT_ARCH_X86_64, word: 8, foreign: 0x40000000, // calls of x32
		execve: unix.SYS_EXECVE, execveat: unix.SYS_EXECVEAT, connect: unix.SYS_CONNECT, sendto: unix.SYS_SENDTO,
		uring: []uint32{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER},
		files: map[uint32]call{
			unix.SYS_OPEN: open(none, 0, 1), unix.SYS_OPENAT: open(0, 1, 2), unix.SYS_OPENAT2: openHow(0, 1, 2), unix.SYS_CREAT: make_(none, 0),
			unix.SYS_STAT: look(none, 0), unix.SYS_LSTAT: lookLink(none, 0), unix.SYS_NEWFSTATAT: lookFlags(0, 1, 3), unix.SYS_STATX: lookFlags(0, 1, 2),
			unix.SYS_ACCESS: look(none, 0), unix.SYS_FACCESSAT: look(0, 1), unix.SYS_FACCESSAT2: look(0, 1),
			unix.SYS_READLINK: lookLink(none, 0), unix.SYS_READLINKAT: lookLink(0, 1), unix.SYS_CHDIR: look(none, 0),
			unix.SYS_TRUNCATE: change(none, 0), unix.SYS_UNLINK: change(none, 0), unix.SYS_UNLINKAT: change(0, 1), unix.SYS_RMDIR: change(none, 0),
			unix.SYS_MKDIR: change(none, 0), unix.SYS_MKDIRAT: change(0, 1), unix.SYS_SYMLINK: change(none, 1), unix.SYS_SYMLINKAT: change(1, 2),
			unix.SYS_RENAME: move(none, 0, none, 1), unix.SYS_RENAMEAT: move(0, 1, 2, 3), unix.SYS_RENAMEAT2: move(0, 1, 2, 3),
			unix.SYS_LINK: link(none, 0, none, 1), unix.SYS_LINKAT: link(0, 1, 2, 3),
		},
	},
	{ // i386: arch/x86/entry/syscalls/syscall_32.tbl
		arch: unix.AUDIT_ARCH_I386, word: 4,
		execve: 11, execveat: 358, connect: 362, sendto: 369, socketcall: 102, uring: []uint32{425, 426, 427},
		files: map[uint32]call{
			5: open(none, 0, 1), 295: open(0, 1, 2), 437: openHow(0, 1, 2), 8: make_(none, 0),
			106: look(none, 0), 107: lookLink(none, 0), 195: look(none, 0), 196: lookLink(none, 0), 300: lookFlags(0, 1, 3), 383: lookFlags(0, 1, 2),
			33: look(none, 0), 307: look(0, 1), 439: look(0, 1), 85: lookLink(none, 0), 305: lookLink(0, 1), 12: look(none, 0),
			92: change(none, 0), 193: change(none, 0), 10: change(none, 0), 301: change(0, 1), 40: change(none, 0),
			39: change(none, 0), 296: change(0, 1), 83: change(none, 1), 304: change(1, 2),
			38: move(none, 0, none, 1), 302: move(0, 1, 2, 3), 353: move(0, 1, 2, 3), 9: link(none, 0, none, 1), 303: link(0, 1, 2, 3),
		},
	},
}
