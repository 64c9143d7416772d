//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"path"

	"repro/internal/sandbox/kernel"
)

// openBinds returns detached mounts of what is bound, while the host's root is
// still in sight.
func openBinds(req *Request) ([]int, error) {
	var fds []int
	for _, b := range req.Binds {
		fd := b.File
		if fd == 0 {
			var err error
			if fd, err = CloneTree(b.Path); err != nil {
				return nil, &stepError{"bind " + b.Path, err}
			}
		}
		attr := uint64(kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV)
		if !b.Write {
			attr |= kernel.MOUNT_ATTR_RDONLY
		}
		if err := kernel.SetMountAttributes(fd, attr); err != nil {
			return nil, &stepError{"bind to " + b.Target, err}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// CloneTree opens a directory or file, with what is mounted below it.
func CloneTree(name string) (int, error) {
	return kernel.OpenTree(kernel.AT_FDCWD, name, kernel.OPEN_TREE_CLONE|kernel.OPEN_TREE_CLOEXEC|kernel.AT_RECURSIVE)
}

// attachBinds shows them in the new root. The places are made there where they
// are missing; a symbolic link of the image on the way is an error.
func attachBinds(req *Request, fds []int) error {
	for i, b := range req.Binds {
		if err := makePlace(b); err != nil {
			return &stepError{"bind to " + b.Target, err}
		}
		if err := attachAt(fds[i], b.Target); err != nil {
			return err
		}
	}
	return nil
}

func makePlace(b Bind) error {
	if _, err := os.Lstat(b.Target); err == nil {
		return nil
	}
	if b.Dir {
		return os.MkdirAll(b.Target, 0o755)
	}
	if err := os.MkdirAll(path.Dir(b.Target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(b.Target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
