//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// devices are the host's nodes that programs find in /dev: those that hold no
// state of the machine's.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// shmFiles bounds what a program makes in /dev/shm: each costs the kernel about
// a kilobyte that no limit on sizes counts.
const shmFiles = 1 << 17

// system holds the mounts that are not layers, made while the host's root is
// still in sight and attached when the image's root is in place.
type system struct {
	proc, dev, pts, shm, run int
	nodes                    []int
	more                     []int // devices that were asked for
	names                    []string
}

// shmSize is how much /dev/shm holds: all the memory that the program was
// given, or half of what there is, as on most systems.
func shmSize(req *request) int64 {
	if req.Limits.Memory > 0 {
		return req.Limits.Memory
	}
	return req.Memory / 2
}

// openSystem makes the mounts, detached, but for those that depend on a request.
func openSystem() (*system, error) {
	var s system
	for _, m := range []struct {
		fd      *int
		kind    string
		attr    int
		options [][2]string
	}{
		{&s.dev, "tmpfs", unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, [][2]string{{"mode", "0755"}, {"size", "64k"}}},
		{&s.pts, "devpts", unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, [][2]string{{"ptmxmode", "0666"}, {"mode", "0620"}}},
		{&s.run, "tmpfs", unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV, [][2]string{{"mode", "0755"}, {"size", "16m"}, {"nr_inodes", "4096"}}},
	} {
		fd, err := newMount(m.kind, m.attr, m.options)
		if err != nil {
			return nil, &stepError{"mount " + m.kind, err}
		}
		*m.fd = fd
	}
	for _, name := range devices {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path.Join("/dev", name), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, &stepError{"open /dev/" + name, err}
		}
		s.nodes = append(s.nodes, fd)
	}
	return &s, nil
}

// openShared makes the memory that programs share.
func (s *system) openShared(size int64) (err error) {
	s.shm, err = newMount("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, [][2]string{
		{"mode", "1777"}, {"nr_inodes", strconv.Itoa(shmFiles)}, {"size", strconv.FormatInt(size, 10)},
	})
	if err != nil {
		return &stepError{"mount tmpfs", err}
	}
	return nil
}

func newMount(kind string, attr int, options [][2]string) (int, error) {
	fsfd, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fsfd)
	for _, o := range options {
		set := func() error { return unix.FsconfigSetString(fsfd, o[0], o[1]) }
		if o[1] == "" {
			set = func() error { return unix.FsconfigSetFlag(fsfd, o[0]) }
		}
		if err := set(); err != nil {
			return 0, err
		}
	}
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return 0, err
	}
	return unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, attr)
}

// attach puts the mounts into the new root. No symbolic link of the image is
// followed on the way.
func (s *system) attach() error {
	if err := attachAt(s.run, "/run"); err != nil {
		return err
	}
	if err := attachAt(s.dev, "/dev"); err != nil {
		return err
	}
	for i, name := range devices {
		f, err := os.OpenFile("/dev/"+name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err != nil {
			return &stepError{"make a device node", err}
		}
		f.Close()
		if err := attachAt(s.nodes[i], "/dev/"+name); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(target, "/dev/"+name); err != nil {
			return &stepError{"fill /dev", err}
		}
	}
	for name, fd := range map[string]int{"/dev/pts": s.pts, "/dev/shm": s.shm} {
		if err := os.Mkdir(name, 0o755); err != nil {
			return &stepError{"fill /dev", err}
		}
		if err := attachAt(fd, name); err != nil {
			return err
		}
	}
	if err := s.attachDevices(); err != nil {
		return err
	}
	return setReadOnly("/dev", unix.MS_NOSUID|unix.MS_NOEXEC)
}

// attachAt mounts what fd stands for at name.
func attachAt(fd int, name string) error { return attachBelow(slash, fd, name) }

// slash is where paths that are not below a descriptor begin.
const slash = -1

// attachBelow mounts what fd stands for at name below the directory that root
// is open on.
func attachBelow(root, fd int, name string) error {
	at, err := openPlace(root, name)
	if err == nil {
		defer unix.Close(at)
		err = unix.MoveMount(fd, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	}
	unix.Close(fd)
	if err != nil {
		return &stepError{"mount " + name, err}
	}
	return nil
}

// openPlace opens a path that must hold no symbolic link, one part after the
// other: openat2, which says that in one call, is younger than what else is
// needed here. Nothing is at work in the root yet that could change it.
func openPlace(root int, name string) (int, error) {
	const flags = unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW
	start := "."
	if root == slash {
		start = "/"
	}
	at, err := unix.Openat(root, start, flags, 0)
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if err != nil {
			break
		}
		var next int
		next, err = unix.Openat(at, part, flags, 0)
		unix.Close(at)
		at = next
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(at, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		err = unix.ELOOP
	}
	if err != nil {
		unix.Close(at)
		return -1, err
	}
	return at, nil
}

// setReadOnly makes a mount read-only that has the other flags already: a
// user namespace may not take them away.
func setReadOnly(name string, flags uintptr) error {
	if err := unix.Mount("", name, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, ""); err != nil {
		return &stepError{"make " + name + " read-only", err}
	}
	return nil
}
