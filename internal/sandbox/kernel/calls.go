//go:build linux && (amd64 || arm64)

package kernel

import (
	"syscall"
	"unsafe"
)

func number(r uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

func failure(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// OpenTree is open_tree(2).
func OpenTree(dirfd int, name string, flags uint) (int, error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	fd, _, errno := syscall.Syscall(sysOpenTree, uintptr(dirfd), uintptr(unsafe.Pointer(p)), uintptr(flags))
	return number(fd, errno)
}

// MoveMount is move_mount(2).
func MoveMount(fromFD int, from string, toFD int, to string, flags int) error {
	p, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	q, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	_, _, errno := syscall.Syscall6(sysMoveMount, uintptr(fromFD), uintptr(unsafe.Pointer(p)),
		uintptr(toFD), uintptr(unsafe.Pointer(q)), uintptr(flags), 0)
	return failure(errno)
}

// NewMount makes a mount of a filesystem that is attached nowhere, with
// fsopen(2), fsconfig(2) and fsmount(2). Options with no value are flags.
func NewMount(kind string, attr int, options [][2]string) (int, error) {
	p, err := syscall.BytePtrFromString(kind)
	if err != nil {
		return -1, err
	}
	context, _, errno := syscall.Syscall(sysFsopen, uintptr(unsafe.Pointer(p)), FSOPEN_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	defer syscall.Close(int(context))
	for _, o := range options {
		if err := configure(context, o[0], o[1]); err != nil {
			return -1, err
		}
	}
	if _, _, errno := syscall.Syscall6(sysFsconfig, context, fsconfigCmdCreate, 0, 0, 0, 0); errno != 0 {
		return -1, errno
	}
	fd, _, errno := syscall.Syscall(sysFsmount, context, FSMOUNT_CLOEXEC, uintptr(attr))
	return number(fd, errno)
}

func configure(context uintptr, key, value string) error {
	k, err := syscall.BytePtrFromString(key)
	if err != nil {
		return err
	}
	command, v := uintptr(fsconfigSetFlag), (*byte)(nil)
	if value != "" {
		command = fsconfigSetString
		if v, err = syscall.BytePtrFromString(value); err != nil {
			return err
		}
	}
	_, _, errno := syscall.Syscall6(sysFsconfig, context, command, uintptr(unsafe.Pointer(k)), uintptr(unsafe.Pointer(v)), 0, 0)
	return failure(errno)
}

// SetMountAttributes is mount_setattr(2) on the whole tree that fd stands for.
func SetMountAttributes(fd int, set uint64) error {
	var empty [1]byte
	attr := struct{ set, clear, propagation, userns uint64 }{set: set}
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(fd), uintptr(unsafe.Pointer(&empty)),
		AT_EMPTY_PATH|AT_RECURSIVE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	return failure(errno)
}

// CloseRange is close_range(2).
func CloseRange(first, last uint, flags int) error {
	_, _, errno := syscall.Syscall(sysCloseRange, uintptr(first), uintptr(last), uintptr(flags))
	return failure(errno)
}

// Prctl is prctl(2).
func Prctl(option int, a, b, c, d uintptr) error {
	_, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, uintptr(option), a, b, c, d, 0)
	return failure(errno)
}

// JoinSessionKeyring enters a new and empty session keyring: keyctl(2).
func JoinSessionKeyring() error {
	_, _, errno := syscall.Syscall(syscall.SYS_KEYCTL, keyctlJoinSessionKeyring, 0, 0)
	return failure(errno)
}

// SetAffinity is sched_setaffinity(2) for this thread.
func SetAffinity(cpus []int) error {
	var set [16]uint64 // as many as the C library's cpu_set_t
	for _, n := range cpus {
		if n >= 0 && n < len(set)*64 {
			set[n/64] |= 1 << (n % 64)
		}
	}
	_, _, errno := syscall.Syscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	return failure(errno)
}

// Seconds is what a clock shows: clock_gettime(2).
func Seconds(clock int) (int64, error) {
	var now syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&now)), 0)
	return now.Sec, failure(errno)
}

// StatAt is newfstatat(2) on a name that is not followed if it is a link.
func StatAt(dirfd int, name string, st *syscall.Stat_t) error {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	_, _, errno := syscall.Syscall6(sysFstatat, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
		uintptr(unsafe.Pointer(st)), AT_SYMLINK_NOFOLLOW, 0, 0)
	return failure(errno)
}

// Ioctl is ioctl(2) with a pointer to a number.
func Ioctl(fd int, request uintptr, value *int32) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(value)))
	return failure(errno)
}

// LoopbackUp brings the interface lo up, with it 127.0.0.1 and ::1: netdevice(7).
func LoopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct { // ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		rest  [22]byte
	}{name: [syscall.IFNAMSIZ]byte{'l', 'o'}, flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	return failure(errno)
}

// SameMemory reports whether two threads share one address space: kcmp(2).
// False also if the kernel does not say.
func SameMemory(a, b int) bool { return compare(a, b, kcmpVM) }

// SameFiles does so for their descriptors.
func SameFiles(a, b int) bool { return compare(a, b, kcmpFiles) }

func compare(a, b int, what uintptr) bool {
	r, _, errno := syscall.Syscall6(sysKcmp, uintptr(a), uintptr(b), what, 0, 0, 0)
	return errno == 0 && r == 0
}
