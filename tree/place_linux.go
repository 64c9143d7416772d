package tree

import (
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// makeNode makes a FIFO, a device or a socket's file.
func (p *place) makeNode(name string, n *Node) error {
	mode := uint32(0o600)
	switch n.Mode.Type() {
	case fs.ModeNamedPipe:
		mode |= unix.S_IFIFO
	case fs.ModeSocket:
		mode |= unix.S_IFSOCK
	case fs.ModeDevice:
		mode |= unix.S_IFBLK
	case fs.ModeDevice | fs.ModeCharDevice:
		mode |= unix.S_IFCHR
	default:
		return fmt.Errorf("a file of type %v", n.Mode.Type())
	}
	major, minor := DecodeDevice(n.Device)
	return os.NewSyscallError("mknod", unix.Mknodat(int(p.fd), name, mode, int(unix.Mkdev(major, minor))))
}

// setTime sets both times of a file or of a link itself.
func (p *place) setTime(name string, t time.Time, _ bool) error {
	spec := unix.NsecToTimespec(t.UnixNano())
	err := unix.UtimesNanoAt(int(p.fd), name, []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	return os.NewSyscallError("utimensat", err)
}

// setXattr sets an extended attribute of a file or of a link itself. There is
// no call that takes a directory and a name, so that the way leads over /proc.
func (p *place) setXattr(name, attr string, value []byte) error {
	return unix.Lsetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", p.fd, name), attr, value, 0)
}

// rawFile is a regular file without what package os adds for files that may
// block, which is half of what it costs to make a small one.
type rawFile int

// create makes a regular file. Name is a single element, and nothing may stand
// there, not even a link.
func (p *place) create(name string) (newFile, error) {
	for {
		fd, err := unix.Openat(int(p.fd), name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err != unix.EINTR {
			return rawFile(fd), os.NewSyscallError("open", err)
		}
	}
}

func (f rawFile) Write(b []byte) (int, error) {
	total := 0
	for total < len(b) {
		n, err := unix.Write(int(f), b[total:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return total, os.NewSyscallError("write", err)
		}
		total += n
	}
	return total, nil
}

func (f rawFile) Close() error { return os.NewSyscallError("close", unix.Close(int(f))) }

func (f rawFile) skip(n int64) error {
	_, err := unix.Seek(int(f), n, unix.SEEK_CUR)
	return os.NewSyscallError("seek", err)
}

func (f rawFile) truncate(n int64) error {
	return os.NewSyscallError("truncate", unix.Ftruncate(int(f), n))
}

func (f rawFile) owner() (uid, gid int, err error) {
	var stat unix.Stat_t
	err = os.NewSyscallError("stat", unix.Fstat(int(f), &stat))
	return int(stat.Uid), int(stat.Gid), err
}

// setTime sets both times, as futimens(3): of the file, whatever its name leads
// to by now.
func (f rawFile) setTime(t time.Time) error {
	spec := unix.NsecToTimespec(t.UnixNano())
	times := [2]unix.Timespec{spec, spec}
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(f), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("utimensat", errno)
	}
	return nil
}

func (f rawFile) chown(uid, gid int) error {
	return os.NewSyscallError("chown", unix.Fchown(int(f), uid, gid))
}

func (f rawFile) chmod(m fs.FileMode) error {
	return os.NewSyscallError("chmod", unix.Fchmod(int(f), unixMode(m)))
}
