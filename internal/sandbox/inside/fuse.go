//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// FuseDevice is where a server of files begins.
const FuseDevice = "/dev/fuse"

// OpenFuse opens it.
func OpenFuse() (int, error) {
	fd, err := syscall.Open(FuseDevice, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: FuseDevice, Err: err}
	}
	return fd, nil
}

// MountFuse makes a detached mount of which device is the server's end. The
// kernel checks the modes of its files.
func MountFuse(device, uid, gid int) (int, error) {
	const attr = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV | kernel.MOUNT_ATTR_NOATIME
	return kernel.NewMount("fuse", attr, [][2]string{
		{"source", "repro"}, {"fd", strconv.Itoa(device)}, {"rootmode", "40000"},
		{"user_id", strconv.Itoa(uid)}, {"group_id", strconv.Itoa(gid)},
		{"default_permissions", ""}, {"allow_other", ""},
	})
}

// mountServed is process 1's part: it mounts what the caller, at the other end
// of the socket, is to serve.
func mountServed(socket int) (int, error) {
	defer syscall.Close(socket)
	device, err := OpenFuse()
	if err != nil {
		return 0, &stepError{Fuse, err}
	}
	defer syscall.Close(device)
	mount, err := MountFuse(device, UID, GID)
	if err != nil {
		return 0, &stepError{Fuse, err}
	}
	if err := SendFiles(socket, []int{device}); err != nil {
		return 0, &stepError{"hand out the FUSE device", err}
	}
	return mount, nil
}
