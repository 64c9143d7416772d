//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// staging is a directory that every machine has. A small tmpfs hides it, in
// this mount namespace only, while the root is put together.
const staging = "/tmp"

// build makes the union of the layers the root of this mount namespace and
// lets go of the host's. It says in walls how far that went.
func build(req *request, walls *Walls) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &stepError{"keep mounts private", err}
	}
	layers, err := openLayers(req)
	if err != nil {
		return err
	}
	binds, err := openBinds(req)
	if err != nil {
		return err
	}
	system, err := openSystem(shmSize(req))
	if err != nil {
		return err
	}
	if err := system.openProc(req); err != nil {
		return err
	}
	walls.Proc = req.hostProc == 0
	if err := system.openDevices(req.Devices); err != nil {
		return err
	}
	if err := assemble(req, layers); err != nil {
		return err
	}
	if req.upper, err = openUpper(req, len(layers)); err != nil {
		return &stepError{"open the upper layer", err}
	}
	if walls.Pivoted, err = enterRoot(staging + "/root"); err != nil {
		return err
	}
	if err := system.attach(); err != nil {
		return err
	}
	if err := attachBinds(req, binds); err != nil {
		return err
	}
	if walls.Proc {
		if err := maskProc(len(req.Devices) > 0); err != nil {
			return err
		}
	}
	if err := showProcessors(req.Processors); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(Hostname)); err != nil {
		return &stepError{"set the host name", err}
	}
	if !req.Net {
		if err := loopbackUp(); err != nil {
			return &stepError{"bring up the loopback interface", err}
		}
	}
	return nil
}

// openLayers returns detached mounts of the lower directories and, last, of
// the scratch directory if there is one.
func openLayers(req *request) ([]int, error) {
	sources := req.Lower
	if req.Overlay {
		sources = append(sources[:len(sources):len(sources)], req.Scratch)
	}
	var fds []int
	for _, s := range sources {
		if s.Device {
			fd, err := mountServed(s.FD)
			if err != nil {
				return nil, err
			}
			fds = append(fds, fd)
			continue
		}
		if s.FD != 0 {
			fds = append(fds, s.FD)
			continue
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, s.Path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, &stepError{"open a layer", err}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// assemble mounts the layers below staging and their union at staging/root.
func assemble(req *request, layers []int) error {
	if err := unix.Mount("tmpfs", staging, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700,size=1m"); err != nil {
		return &stepError{"mount a tmpfs", err}
	}
	if err := unix.Chdir(staging); err != nil {
		return &stepError{"enter the tmpfs", err}
	}
	names := make([]string, len(layers))
	for i, fd := range layers {
		names[i] = "l" + strconv.Itoa(i)
		if err := os.Mkdir(names[i], 0o700); err != nil {
			return &stepError{"make a mount point", err}
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, names[i], unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return &stepError{"mount a layer", err}
		}
		unix.Close(fd)
	}
	if err := os.Mkdir("root", 0o700); err != nil {
		return &stepError{"make a mount point", err}
	}
	if !req.Overlay {
		err := unix.Mount(names[0], "root", "", unix.MS_BIND, "")
		if err == nil {
			err = unix.Mount("", "root", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, "")
		}
		if err != nil {
			return &stepError{"bind the root", err}
		}
		return nil
	}
	scratch := names[len(names)-1]
	options := fmt.Sprintf("lowerdir=%s,upperdir=%[2]s/upper,workdir=%[2]s/work,userxattr",
		strings.Join(names[:len(names)-1], ":"), scratch)
	if err := unix.Mount("overlay", "root", "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return &stepError{Overlay, err}
	}
	return nil
}

// openUpper opens the directory that takes what the program writes, which
// cannot be found any more once the root has changed.
func openUpper(req *request, layers int) (int, error) {
	name := "root"
	if req.Overlay {
		name = fmt.Sprintf("l%d/upper", layers-1)
	}
	return unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
}

// enterRoot makes dir the root and unmounts everything else. False where the
// machine runs from its initial ramdisk, as nodes without disks do: that
// cannot be unmounted, and lies out of reach under the new root.
func enterRoot(dir string) (alone bool, err error) {
	if err := unix.Chdir(dir); err != nil {
		return false, &stepError{"enter the new root", err}
	}
	err = unix.PivotRoot(".", ".")
	if err == nil {
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return false, &stepError{"leave the host's root", err}
		}
	} else if !errors.Is(err, unix.EINVAL) || !rootIsRamdisk() || coverRoot() != nil {
		return false, &stepError{"change the root", err}
	}
	if err := unix.Chdir("/"); err != nil {
		return false, &stepError{"enter the new root", err}
	}
	return err == nil, nil
}

// rootIsRamdisk reports whether the root is what pivot_root(2) calls rootfs:
// a mount that is its own parent.
func rootIsRamdisk() bool {
	b, _ := os.ReadFile("/proc/self/mountinfo") // proc_pid_mountinfo(5)
	for line := range strings.SplitSeq(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 4 && f[4] == "/" && (strings.Contains(line, " - rootfs ") || f[0] == f[1]) {
			return true
		}
	}
	return false
}

// coverRoot moves the mount at the working directory over the root, as
// switch_root(8) does.
func coverRoot() error {
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return err
	}
	return unix.Chroot(".")
}

// loopbackUp brings 127.0.0.1 and ::1 to life in a new network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
