package observe

import "golang.org/x/sys/unix"

// abis are the system call interfaces of this machine, its own first: programs
// of 32 bits have another.
var abis = []abi{
	{
		arch: unix.AUDIT_ARCH_AARCH64, word: 8,
		execve: unix.SYS_EXECVE, execveat: unix.SYS_EXECVEAT, connect: unix.SYS_CONNECT, sendto: unix.SYS_SENDTO,
		uring: []uint32{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER},
		files: map[uint32]call{
			unix.SYS_OPENAT: open(0, 1, 2), unix.SYS_OPENAT2: openHow(0, 1, 2),
			unix.SYS_NEWFSTATAT: lookFlags(0, 1, 3), unix.SYS_STATX: lookFlags(0, 1, 2),
			unix.SYS_FACCESSAT: look(0, 1), unix.SYS_FACCESSAT2: look(0, 1),
			unix.SYS_READLINKAT: lookLink(0, 1), unix.SYS_CHDIR: look(none, 0),
			unix.SYS_TRUNCATE: change(none, 0), unix.SYS_UNLINKAT: change(0, 1), unix.SYS_MKDIRAT: change(0, 1), unix.SYS_SYMLINKAT: change(1, 2),
			unix.SYS_RENAMEAT: move(0, 1, 2, 3), unix.SYS_RENAMEAT2: move(0, 1, 2, 3), unix.SYS_LINKAT: link(0, 1, 2, 3),
		},
	},
	{ // 32-bit Arm: arch/arm/tools/syscall.tbl
		arch: unix.AUDIT_ARCH_ARM, word: 4,
		execve: 11, execveat: 387, connect: 283, sendto: 290, uring: []uint32{425, 426, 427},
		files: map[uint32]call{
			5: open(none, 0, 1), 322: open(0, 1, 2), 437: openHow(0, 1, 2), 8: make_(none, 0),
			106: look(none, 0), 107: lookLink(none, 0), 195: look(none, 0), 196: lookLink(none, 0), 327: lookFlags(0, 1, 3), 397: lookFlags(0, 1, 2),
			33: look(none, 0), 334: look(0, 1), 439: look(0, 1), 85: lookLink(none, 0), 332: lookLink(0, 1), 12: look(none, 0),
			92: change(none, 0), 193: change(none, 0), 10: change(none, 0), 328: change(0, 1), 40: change(none, 0),
			39: change(none, 0), 323: change(0, 1), 83: change(none, 1), 331: change(1, 2),
			38: move(none, 0, none, 1), 329: move(0, 1, 2, 3), 382: move(0, 1, 2, 3), 9: link(none, 0, none, 1), 330: link(0, 1, 2, 3),
		},
	},
}
