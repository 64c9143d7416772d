//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"path"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
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
func shmSize(req *Request) int64 {
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
		{&s.dev, "tmpfs", kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NOEXEC, [][2]string{{"mode", "0755"}, {"size", "64k"}}},
		{&s.pts, "devpts", kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NOEXEC, [][2]string{{"ptmxmode", "0666"}, {"mode", "0620"}}},
		{&s.run, "tmpfs", kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV, [][2]string{{"mode", "0755"}, {"size", "16m"}, {"nr_inodes", "4096"}}},
	} {
		fd, err := kernel.NewMount(m.kind, m.attr, m.options)
		if err != nil {
			return nil, &stepError{"mount " + m.kind, err}
		}
		*m.fd = fd
	}
	for _, name := range devices {
		fd, err := kernel.OpenTree(kernel.AT_FDCWD, path.Join("/dev", name), kernel.OPEN_TREE_CLONE|kernel.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, &stepError{"open /dev/" + name, err}
		}
		s.nodes = append(s.nodes, fd)
	}
	return &s, nil
}

// openShared makes the memory that programs share.
func (s *system) openShared(size int64) (err error) {
	s.shm, err = kernel.NewMount("tmpfs", kernel.MOUNT_ATTR_NOSUID|kernel.MOUNT_ATTR_NODEV, [][2]string{
		{"mode", "1777"}, {"nr_inodes", strconv.Itoa(shmFiles)}, {"size", strconv.FormatInt(size, 10)},
	})
	if err != nil {
		return &stepError{"mount tmpfs", err}
	}
	return nil
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
	return setReadOnly("/dev", syscall.MS_NOSUID|syscall.MS_NOEXEC)
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
		defer syscall.Close(at)
		err = kernel.MoveMount(fd, "", at, "", kernel.MOVE_MOUNT_F_EMPTY_PATH|kernel.MOVE_MOUNT_T_EMPTY_PATH)
	}
	syscall.Close(fd)
	if err != nil {
		return &stepError{"mount " + name, err}
	}
	return nil
}

// openPlace opens a path that must hold no symbolic link, one part after the
// other: openat2, which says that in one call, is younger than what else is
// needed here. Nothing is at work in the root yet that could change it.
func openPlace(root int, name string) (int, error) {
	const flags = kernel.O_PATH | syscall.O_CLOEXEC | syscall.O_NOFOLLOW
	start := "."
	if root == slash {
		start = "/"
	}
	at, err := syscall.Openat(root, start, flags, 0)
	for part := range parts(name, '/') {
		if err != nil {
			break
		}
		if part == "" {
			continue
		}
		var next int
		next, err = syscall.Openat(at, part, flags, 0)
		syscall.Close(at)
		at = next
	}
	if err != nil {
		return -1, err
	}
	var st syscall.Stat_t
	if err = syscall.Fstat(at, &st); err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		err = syscall.ELOOP
	}
	if err != nil {
		syscall.Close(at)
		return -1, err
	}
	return at, nil
}

// setReadOnly makes a mount read-only that has the other flags already: a
// user namespace may not take them away.
func setReadOnly(name string, flags uintptr) error {
	if err := syscall.Mount("", name, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|flags, ""); err != nil {
		return &stepError{"make " + name + " read-only", err}
	}
	return nil
}
