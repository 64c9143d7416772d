//go:build linux && (amd64 || arm64)

package observe

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A command waits for each answer of the listener. The calls here do not wait
// for anything themselves, and so are made without telling Go's scheduler, which
// would wake threads of its own each time: more work than the answer is.

func quick(call, a, b, c, d, e, f uintptr) (uintptr, unix.Errno) {
	r, _, errno := unix.RawSyscall6(call, a, b, c, d, e, f)
	return r, errno
}

// atCWD is AT_FDCWD as an argument of a raw call.
const atCWD = ^uintptr(99)

// quickRead reads the beginning of a file of the kernel's.
func quickRead(name string, buf []byte) (n int, ok bool) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, false
	}
	fd, errno := quick(unix.SYS_OPENAT, atCWD, uintptr(unsafe.Pointer(p)), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	runtime.KeepAlive(p)
	if errno != 0 {
		return 0, false
	}
	got, errno := quick(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
	quick(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
	return int(got), errno == 0
}

// quickLink reads a symbolic link of the kernel's.
func quickLink(name string) (string, bool) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return "", false
	}
	var buf [maxText]byte
	n, errno := quick(unix.SYS_READLINKAT, atCWD, uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	runtime.KeepAlive(p)
	if errno != 0 {
		return "", false
	}
	return string(buf[:n]), true
}

// quickMemory reads memory of another thread.
func quickMemory(pid int, at uint64, buf []byte) int {
	local := unix.Iovec{Base: &buf[0], Len: uint64(len(buf))}
	remote := unix.RemoteIovec{Base: uintptr(at), Len: len(buf)}
	n, errno := quick(unix.SYS_PROCESS_VM_READV, uintptr(pid), uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	runtime.KeepAlive(buf)
	if errno != 0 {
		return 0
	}
	return int(n)
}
