//go:build linux && (amd64 || arm64)

package observe

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A command waits for each answer of the listener. The calls here do not wait
// for anything themselves, and so are made without telling Go's scheduler, which
// would wake threads of its own each time: more work than the answer is.

// quick makes a call. What a pointer among its arguments leads to lies in a desk
// or another place that does not move, as the stack does.
//
//go:nosplit
func quick(call, a, b, c, d, e, f uintptr) (uintptr, unix.Errno) {
	r, _, errno := unix.RawSyscall6(call, a, b, c, d, e, f)
	return r, errno
}

// Bounds on what is read of a program's memory.
const (
	maxText  = 4096 // bytes of a path or argument; longer arguments are cut
	maxWords = 256  // arguments of a program that are kept
	pageSize = 4096

	shortText = 128 // bytes of arguments that are read many at once
	manyTexts = 32
)

// atCWD is AT_FDCWD as an argument of a raw call.
const atCWD = ^uintptr(99)

// desk is where the kernel puts what is asked of it about a thread that waits.
// It is made once, for page faults cost more than the questions.
type desk struct {
	asked  notification
	answer response
	poll   unix.PollFd
	now    unix.Timespec // none: do not wait

	name  [maxText + 64]byte // of a file, as the kernel takes it
	text  [maxText]byte
	words [8 * maxWords]byte
	short [shortText * manyTexts]byte
	from  [manyTexts]unix.RemoteIovec
	to    unix.Iovec
}

// newDesk is not inlined, so that the desk lies in the heap.
//
//go:noinline
func newDesk() *desk { return new(desk) }

// named has the name of a file stand in d.name; false if it cannot be one.
func (d *desk) named(name string) (uintptr, bool) {
	if len(name) >= len(d.name) {
		return 0, false
	}
	d.name[copy(d.name[:], name)] = 0
	return uintptr(unsafe.Pointer(&d.name)), true
}

// ofProcess has the name of a process's file below /proc stand in d.name.
func (d *desk) ofProcess(pid int, file string) uintptr {
	b := strconv.AppendInt(append(d.name[:0], "/proc/"...), int64(pid), 10)
	_ = append(append(append(b, '/'), file...), 0) // in place
	return uintptr(unsafe.Pointer(&d.name))
}

// stat reads the file of that name of a process: proc_pid_stat(5).
func (d *desk) stat(pid int) []byte {
	fd, errno := quick(unix.SYS_OPENAT, atCWD, d.ofProcess(pid, "stat"), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return nil
	}
	n, errno := quick(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&d.text)), uintptr(len(d.text)), 0, 0, 0)
	quick(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
	if errno != 0 {
		return nil
	}
	return d.text[:n]
}

// link reads a symbolic link of a process below /proc.
func (d *desk) link(pid int, file string) (string, bool) {
	n, errno := quick(unix.SYS_READLINKAT, atCWD, d.ofProcess(pid, file), uintptr(unsafe.Pointer(&d.text)), uintptr(len(d.text)), 0, 0)
	if errno != 0 || int(n) == len(d.text) {
		return "", false
	}
	return string(d.text[:n]), true
}

// memory reads memory of a thread into buf, which is part of the desk: from each
// address up to so many bytes, one behind the other, until there is one that
// cannot be read.
func (d *desk) memory(pid int, buf []byte, from []unix.RemoteIovec) []byte {
	d.to = unix.Iovec{Base: &buf[0], Len: uint64(len(buf))}
	n, errno := quick(unix.SYS_PROCESS_VM_READV, uintptr(pid), uintptr(unsafe.Pointer(&d.to)), 1, uintptr(unsafe.Pointer(&from[0])), uintptr(len(from)), 0)
	if errno != 0 {
		return nil
	}
	return buf[:n]
}

// canExecute reports whether this process may execute the file of a name.
func (d *desk) canExecute(name string) bool {
	at, ok := d.named(name)
	if !ok {
		return false
	}
	_, errno := quick(unix.SYS_FACCESSAT, atCWD, at, unix.X_OK, 0, 0, 0)
	return errno == 0
}
