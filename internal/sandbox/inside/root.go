//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// SameUser is the user or group map of a namespace in which nobody is renumbered.
const SameUser = "1000 1000 1"

// stagings are directories of which every machine has one, down to a container
// of a single program. A small tmpfs hides it, in this mount namespace only,
// while the root is put together. What is needed of those at the end is open by
// then.
var stagings = []string{"/tmp", "/mnt", "/run", "/srv", "/sys", "/dev"}

// firstDir is the first of some paths that is a directory, or the last.
func firstDir(names []string) (dir string) {
	for _, dir = range names {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			break
		}
	}
	return dir
}

// groundwork is what process 1 makes before it has a request. It is the same in
// every sandbox, and made while the parent does something else.
type groundwork struct {
	system  *system
	files   procFiles
	staging string // one of stagings
	noProc  error  // why there is no /proc
	err     error  // why nothing can be built
}

func layGroundwork() *groundwork {
	e := groundwork{staging: firstDir(stagings)}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		e.err = &stepError{"keep mounts private", err}
		return &e
	}
	if err := syscall.Sethostname([]byte(Hostname)); err != nil {
		e.err = &stepError{"set the host name", err}
		return &e
	}
	if e.system, e.err = openSystem(); e.err == nil {
		e.system.proc, e.files, e.noProc = newProc()
	}
	return &e
}

// build makes the union of the layers the root of this mount namespace and
// lets go of the host's. It says in isolation how far that went.
func (e *groundwork) build(req *Request, isolation *Isolation) error {
	if e.err != nil {
		return e.err
	}
	if err := e.withoutProc(req); err != nil {
		return err
	}
	isolation.Proc, req.files = req.hostProc == 0, e.files
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
	if err := assemble(req, layers, e.staging); err != nil {
		return err
	}
	if req.upper, err = openUpper(req, len(layers)); err != nil {
		return &stepError{"open the upper layer", err}
	}
	if isolation.Proc {
		if err := e.attachProc(len(req.Devices) > 0); err != nil {
			return err
		}
	}
	if isolation.Pivoted, err = enterRoot(e.staging + "/root"); err != nil {
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
	if !req.Net {
		if err := kernel.LoopbackUp(); err != nil {
			return &stepError{"bring up the loopback interface", err}
		}
	}
	return nil
}

// withoutProc is for machines where the kernel refuses a /proc, as it does
// where the one in sight is masked. Instead, if that is asked for, req gets the
// machine's own: not for the program, but to tell the kernel who it is.
func (e *groundwork) withoutProc(req *Request) (err error) {
	if e.noProc == nil {
		return nil
	}
	if !req.WithoutProc || !errors.Is(e.noProc, syscall.EPERM) {
		return e.noProc
	}
	if req.hostProc, err = syscall.Open("/proc", kernel.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0); err != nil {
		return &stepError{"open /proc", err}
	}
	return nil
}

// attachProc moves /proc into the new root, before the host's, where it is, is
// let go of.
func (e *groundwork) attachProc(drivers bool) error {
	if !drivers {
		if err := hide("/proc/" + driverFiles); err != nil {
			return err
		}
	}
	root, err := syscall.Open(e.staging+"/root", kernel.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &stepError{"open the new root", err}
	}
	defer syscall.Close(root)
	return attachBelow(root, e.system.proc, "/proc")
}

// openLayers returns detached mounts of the lower directories and, last, of
// the scratch directory if there is one.
func openLayers(req *Request) ([]int, error) {
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
		fd, err := kernel.OpenTree(kernel.AT_FDCWD, s.Path, kernel.OPEN_TREE_CLONE|kernel.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, &stepError{"open a layer", err}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// assemble mounts the layers below staging and their union at staging/root.
func assemble(req *Request, layers []int, staging string) error {
	if err := syscall.Mount("tmpfs", staging, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0700,size=1m"); err != nil {
		return &stepError{"mount a tmpfs", err}
	}
	if err := syscall.Chdir(staging); err != nil {
		return &stepError{"enter the tmpfs", err}
	}
	names := make([]string, len(layers))
	for i, fd := range layers {
		names[i] = "l" + strconv.Itoa(i)
		if err := os.Mkdir(names[i], 0o700); err != nil {
			return &stepError{"make a mount point", err}
		}
		if err := kernel.MoveMount(fd, "", kernel.AT_FDCWD, names[i], kernel.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return &stepError{"mount a layer", err}
		}
		syscall.Close(fd)
	}
	if err := os.Mkdir("root", 0o700); err != nil {
		return &stepError{"make a mount point", err}
	}
	if !req.Overlay {
		err := syscall.Mount(names[0], "root", "", syscall.MS_BIND, "")
		if err == nil {
			err = syscall.Mount("", "root", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_NOSUID|syscall.MS_NODEV, "")
		}
		if err != nil {
			return &stepError{"bind the root", err}
		}
		return nil
	}
	return mountOverlay(names[:len(names)-1], names[len(names)-1])
}

// mountOverlay mounts the union of lower directories, writes going to scratch.
func mountOverlay(lower []string, scratch string) error {
	options := "lowerdir=" + lower[0]
	for _, name := range lower[1:] {
		options += ":" + name
	}
	options += ",upperdir=" + scratch + "/upper,workdir=" + scratch + "/work,userxattr"
	const flags = syscall.MS_NOSUID | syscall.MS_NODEV
	// Volatile: what a program writes is read when it has ended, or not at all.
	// Without it the kernel would flush the whole disk each time a sandbox ends.
	// It is refused on a disk that had an error which nobody has been told of.
	err := syscall.Mount("overlay", "root", "overlay", flags, options+",volatile")
	if err == syscall.EIO || err == syscall.EINVAL {
		err = syscall.Mount("overlay", "root", "overlay", flags, options)
	}
	if err != nil {
		return &stepError{Overlay, err}
	}
	return nil
}

// openUpper opens the directory that takes what the program writes, which
// cannot be found any more once the root has changed.
func openUpper(req *Request, layers int) (int, error) {
	name := "root"
	if req.Overlay {
		name = "l" + strconv.Itoa(layers-1) + "/upper"
	}
	return syscall.Open(name, kernel.O_PATH|syscall.O_CLOEXEC, 0)
}

// enterRoot makes dir the root and unmounts everything else. False where the
// machine runs from its initial ramdisk, as nodes without disks do: that
// cannot be unmounted, and lies out of reach under the new root.
func enterRoot(dir string) (alone bool, err error) {
	if err := syscall.Chdir(dir); err != nil {
		return false, &stepError{"enter the new root", err}
	}
	err = syscall.PivotRoot(".", ".")
	if err == nil {
		if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
			return false, &stepError{"leave the host's root", err}
		}
	} else if !errors.Is(err, syscall.EINVAL) || !rootIsRamdisk() || coverRoot() != nil {
		return false, &stepError{"change the root", err}
	}
	if err := syscall.Chdir("/"); err != nil {
		return false, &stepError{"enter the new root", err}
	}
	return err == nil, nil
}

// rootIsRamdisk reports whether the root is what pivot_root(2) calls rootfs:
// a mount that is its own parent.
func rootIsRamdisk() bool {
	b, _ := os.ReadFile("/proc/self/mountinfo") // proc_pid_mountinfo(5)
	for line := range parts(string(b), '\n') {
		if f := fields(line); len(f) > 4 && f[4] == "/" && (contains(line, " - rootfs ") || f[0] == f[1]) {
			return true
		}
	}
	return false
}

// coverRoot moves the mount at the working directory over the root, as
// switch_root(8) does.
func coverRoot() error {
	if err := syscall.Mount(".", "/", "", syscall.MS_MOVE, ""); err != nil {
		return err
	}
	return syscall.Chroot(".")
}
