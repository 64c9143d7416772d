package tree

import (
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// place is a directory on disk that files are made in. Names are single
// elements. An os.Root for each would take three times the system calls.
type place struct{ fd int }

func openPlace(above *os.Root, name string) (*place, error) {
	dir, err := above.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return &place{fd}, os.NewSyscallError("open", err)
}

func (p *place) close() { unix.Close(p.fd) }

// mkdir makes a directory in p and opens it.
func (p *place) mkdir(name string) (*place, error) {
	if err := call("mkdir", func() error { return unix.Mkdirat(p.fd, name, 0o700) }); err != nil {
		return nil, err
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(p.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	return &place{fd}, os.NewSyscallError("open", err)
}

func (p *place) symlink(target, name string) error {
	return call("symlink", func() error { return unix.Symlinkat(target, p.fd, name) })
}

// stat describes a file or a link itself.
func (p *place) stat(name string) (fileState, error) {
	var st unix.Stat_t
	err := call("stat", func() error { return unix.Fstatat(p.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return stateOf(&st), err
}

// chown sets the owner of a file or of a link itself.
func (p *place) chown(name string, uid, gid int) error {
	return call("chown", func() error { return unix.Fchownat(p.fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW) })
}

// chmodSelf sets the mode of the directory itself.
func (p *place) chmodSelf(m fs.FileMode) error {
	return call("chmod", func() error { return unix.Fchmod(p.fd, unixMode(m)) })
}

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
	return call("mknod", func() error { return unix.Mknodat(p.fd, name, mode, int(unix.Mkdev(major, minor))) })
}

// setTime sets both times of a file or of a link itself.
func (p *place) setTime(name string, t time.Time, _ bool) error {
	spec := unix.NsecToTimespec(t.UnixNano())
	return call("utimensat", func() error {
		return unix.UtimesNanoAt(p.fd, name, []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// setXattr sets an extended attribute of a file or of a link itself. There is
// no call that takes a directory and a name, so that the way leads over /proc.
func (p *place) setXattr(name, attr string, value []byte) error {
	return unix.Lsetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", p.fd, name), attr, value, 0)
}

// rawFile is a regular file without what package os adds for files that may
// block, which is half of what it costs to make a small one.
type rawFile int

// create makes a regular file. Nothing may stand there, not even a link.
func (p *place) create(name string, perm fs.FileMode) (newFile, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(p.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, unixMode(perm))
	})
	return rawFile(fd), os.NewSyscallError("open", err)
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
	return call("truncate", func() error { return unix.Ftruncate(int(f), n) })
}

func (f rawFile) stat() (fileState, error) {
	var st unix.Stat_t
	err := call("stat", func() error { return unix.Fstat(int(f), &st) })
	return stateOf(&st), err
}

func stateOf(st *unix.Stat_t) fileState {
	return fileState{uid: st.Uid, gid: st.Gid, bits: st.Mode &^ unix.S_IFMT}
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
	return call("chown", func() error { return unix.Fchown(int(f), uid, gid) })
}

func (f rawFile) chmod(m fs.FileMode) error {
	return call("chmod", func() error { return unix.Fchmod(int(f), unixMode(m)) })
}

// call makes a system call again that a signal interrupted, and says in its
// error which it was.
func call(op string, f func() error) error {
	_, err := retry(func() (int, error) { return 0, f() })
	return os.NewSyscallError(op, err)
}
