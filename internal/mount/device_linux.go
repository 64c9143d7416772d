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

// Device is an open FUSE device: one filesystem, mounted or to be mounted.
type Device struct{ f *os.File }

// OpenDevice opens the FUSE device. An error wraps [ErrUnavailable].
func OpenDevice() (*Device, error) {
	fd, err := unix.Open(devicePath, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", devicePath, ErrUnavailable, err)
	}
	return NewDevice(os.NewFile(uintptr(fd), devicePath)), nil
}

// NewDevice takes over a descriptor of the FUSE device, such as one that came
// from another process.
func NewDevice(f *os.File) *Device { return &Device{f} }

// File returns the descriptor, to hand it to another process.
func (d *Device) File() *os.File { return d.f }

// Close closes this descriptor. The filesystem lives for as long as any
// process has one.
func (d *Device) Close() error { return d.f.Close() }

// Mount mounts the filesystem at dir, an existing directory, read-only and
// without devices and setuid programs. It needs CAP_SYS_ADMIN in the user
// namespace that owns this mount namespace, and returns before anything serves
// the mount. An error wraps [ErrUnavailable].
func (d *Device) Mount(dir string, o Options) error {
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,max_read=%d", d.f.Fd(), os.Geteuid(), os.Getegid(), maxRead)
	if o.AllowOther {
		data += ",allow_other,default_permissions"
	}
	if err := unix.Mount(source(o), dir, "fuse.repro", mountFlags, data); err != nil {
		return fmt.Errorf("%s: mount: %w: %w", dir, ErrUnavailable, err)
	}
	return nil
}

// waitMounted returns when the kernel has something to say, which it has from
// the moment of the mount.
func (d *Device) waitMounted(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		polled := []unix.PollFd{{Fd: int32(d.f.Fd()), Events: unix.POLLIN}}
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
