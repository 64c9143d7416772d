package mount

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Kernel mounts the squashfs filesystem of size bytes that begins at offset in
// image, through a loop device and the kernel's own driver: read-only, without
// devices and setuid programs, attached nowhere. User and group 0 of its files
// are those that the user namespace users maps 0 to. Mount and device are gone
// when the last descriptor of the mount is closed and nothing is mounted of it.
//
// The kernel checks nothing of what it reads. Only root can do this; an error
// wraps [ErrUnavailable].
func Kernel(image *os.File, offset, size int64, users *os.File) (*os.File, error) {
	device, err := openLoop(image, offset, size)
	if err != nil {
		return nil, fmt.Errorf("loop device: %w: %w", ErrUnavailable, err)
	}
	defer device.Close()
	fd, err := newSquashfs(device.Name())
	if err != nil {
		return nil, fmt.Errorf("mount squashfs: %w: %w", ErrUnavailable, err)
	}
	mounted := os.NewFile(uintptr(fd), "squashfs")
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users.Fd())})
	if err != nil {
		mounted.Close()
		return nil, fmt.Errorf("map the owners of files: %w: %w", ErrUnavailable, err)
	}
	return mounted, nil
}

// openLoop sets up a loop device that the kernel releases back by itself.
func openLoop(image *os.File, offset, size int64) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	const tries = 16
	for range tries {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, os.NewSyscallError("LOOP_CTL_GET_FREE", err)
		}
		device, err := os.OpenFile("/dev/loop"+strconv.Itoa(n), os.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(image.Fd()), Size: 4096,
			Info: unix.LoopInfo64{Offset: uint64(offset), Sizelimit: uint64(size), Flags: unix.LO_FLAGS_READ_ONLY | unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody else was faster
			return nil, os.NewSyscallError("LOOP_CONFIGURE", err)
		}
	}
	return nil, unix.EBUSY
}

func newSquashfs(device string) (int, error) {
	fsfd, err := unix.Fsopen("squashfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fsfd)
	if err := errors.Join(unix.FsconfigSetString(fsfd, "source", device), unix.FsconfigSetFlag(fsfd, "ro")); err != nil {
		return -1, err
	}
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return -1, err
	}
	return unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOATIME)
}
