package tree

import (
	"fmt"
	"io/fs"
	"os"
	"time"

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
	return os.NewSyscallError("mknod", unix.Mknodat(int(p.dir.Fd()), name, mode, int(unix.Mkdev(major, minor))))
}

// setTime sets both times of a file or of a link itself.
func (p *place) setTime(name string, t time.Time, _ bool) error {
	spec := unix.NsecToTimespec(t.UnixNano())
	err := unix.UtimesNanoAt(int(p.dir.Fd()), name, []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	return os.NewSyscallError("utimensat", err)
}

// setXattr sets an extended attribute of a file or of a link itself. There is
// no call that takes a directory and a name, so that the way leads over /proc.
func (p *place) setXattr(name, attr string, value []byte) error {
	return unix.Lsetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", p.dir.Fd(), name), attr, value, 0)
}
