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

// early is what process 1 makes before it knows what for: the same in every
// sandbox, while its parent does something else.
type early struct {
	system   *system
	firstPID int   // descriptor that sets the number of the next process; -1: none
	noProc   error // why there is no /proc
	err      error // why nothing can be built
}

func prepareEarly() *early {
	var e early
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		e.err = &stepError{"keep mounts private", err}
		return &e
	}
	if e.system, e.err = openSystem(); e.err == nil {
		e.system.proc, e.firstPID, e.noProc = newProc()
	}
	return &e
}

// build makes the union of the layers the root of this mount namespace and
// lets go of the host's. It says in walls how far that went.
func (e *early) build(req *request, walls *Walls) error {
	if e.err != nil {
		return e.err
	}
	if err := e.withoutProc(req); err != nil {
		return err
	}
	walls.Proc, req.firstPID = req.hostProc == 0, e.firstPID
	layers, err := openLayers(req)
	if err != nil {
		return err
	}
	binds, err := openBinds(req)
	if err != nil {
		return err
	}
	if err := e.system.openShared(shmSize(req)); err != nil {
		return err
	}
	if err := e.system.openDevices(req.Devices); err != nil {
		return err
	}
	if err := assemble(req, layers); err != nil {
		return err
	}
	if req.upper, err = openUpper(req, len(layers)); err != nil {
		return &stepError{"open the upper layer", err}
	}
	if walls.Proc {
		if err := e.attachProc(len(req.Devices) > 0); err != nil {
			return err
		}
	}
	if walls.Pivoted, err = enterRoot(staging + "/root"); err != nil {
		return err
	}
	if err := e.system.attach(); err != nil {
		return err
	}
	if err := attachBinds(req, binds); err != nil {
		return err
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

// withoutProc is for machines where the kernel refuses a /proc, as it does
// where the one in sight is masked. Instead, if that is asked for, req gets the
// machine's own: not for the program, but to tell the kernel who it is.
func (e *early) withoutProc(req *request) (err error) {
	if e.noProc == nil {
		return nil
	}
	if !req.WithoutProc || !errors.Is(e.noProc, unix.EPERM) {
		return e.noProc
	}
	if req.hostProc, err = unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return &stepError{"open /proc", err}
	}
	return nil
}

// attachProc moves /proc into the new root, before the host's, where it is, is
// let go of.
func (e *early) attachProc(drivers bool) error {
	if !drivers {
		if err := hide("/proc/" + driverFiles); err != nil {
			return err
		}
	}
	root, err := unix.Open(staging+"/root", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &stepError{"open the new root", err}
	}
	defer unix.Close(root)
	return attachBelow(root, e.system.proc, "/proc")
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
			fd, err := mountServed(s.File)
			if err != nil {
				return nil, err
			}
			fds = append(fds, fd)
			continue
		}
		if s.File != 0 {
			fds = append(fds, s.File)
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
	// Volatile: what a program writes is read when it has ended, or not at all.
	// Without it the kernel would flush the whole disk each time a sandbox ends.
	scratch := names[len(names)-1]
	options := fmt.Sprintf("lowerdir=%s,upperdir=%[2]s/upper,workdir=%[2]s/work,userxattr,volatile",
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
