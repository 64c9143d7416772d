package mount

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	devicePath = "/dev/fuse"
	mountFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOATIME
)

// waitMounted returns when the kernel has a request for whoever serves the device,
// which it has as soon as the filesystem is mounted.
func waitMounted(ctx context.Context, device *os.File) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		polled := []unix.PollFd{{Fd: int32(device.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(polled, 50)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
		case polled[0].Revents&unix.POLLIN != 0:
			return nil
		default:
			// Before the mount the kernel answers with an error at once.
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// available says in words what is missing, where go-fuse would say it in codes.
func available() error {
	if _, err := os.Stat(devicePath); err != nil {
		return fmt.Errorf("%w: there is no %s: the kernel module fuse is not loaded, or the container does not have the device", ErrUnavailable, devicePath)
	}
	if err := unix.Access(devicePath, unix.R_OK|unix.W_OK); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, devicePath, err)
	}
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("fusermount3"); err != nil {
			return fmt.Errorf("%w: fusermount3 is not installed, and only root mounts without it", ErrUnavailable)
		}
	}
	return nil
}

// connectionOf returns the number of the connection behind a mount.
func connectionOf(dir string) (uint32, bool) {
	var x unix.Statx_t
	// Without a request to the server, which may be what is stuck.
	if err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, 0, &x); err != nil {
		return 0, false
	}
	return x.Dev_minor, x.Dev_major == 0
}

// abort ends the connection of a mount that fusermount3 made, where /sys allows
// it: without that, it ends when the last program closes its last file.
func abort(connection uint32) {
	_ = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", connection), []byte("1"), 0)
}

// unmount takes a mount out of the tree of files, in use or not, and ends its
// connection: that is what force means to the kernel's FUSE.
func unmount(dir string) error {
	err := unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err == nil || !errors.Is(err, unix.EPERM) {
		return os.NewSyscallError("umount", err)
	}
	connection, known := connectionOf(dir)
	out, err := exec.Command("fusermount3", "-u", "-z", "--", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("unmount: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if known {
		abort(connection)
	}
	return nil
}
