//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// openBinds returns detached mounts of what is bound, while the host's root is
// still in sight.
func openBinds(req *request) ([]int, error) {
	var fds []int
	for _, b := range req.Binds {
		fd := b.File
		if fd == 0 {
			var err error
			if fd, err = cloneTree(b.Path); err != nil {
				return nil, &stepError{"bind " + b.Path, err}
			}
		}
		attr := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
		if !b.Write {
			attr |= unix.MOUNT_ATTR_RDONLY
		}
		if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr}); err != nil {
			return nil, &stepError{"bind to " + b.Target, err}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// cloneTree opens a directory or file, with what is mounted below it.
func cloneTree(name string) (int, error) {
	return unix.OpenTree(unix.AT_FDCWD, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
}

// attachBinds shows them in the new root. The places are made there where they
// are missing; a symbolic link of the image on the way is an error.
func attachBinds(req *request, fds []int) error {
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

func makePlace(b bind) error {
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

// addBinds has the request show what c binds. Mounts that only the caller,
// root, may open go with it.
func (p *parts) addBinds(c *Command) error {
	for _, b := range c.Binds {
		info, err := os.Stat(b.Source)
		if err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		out := bind{source: source{Path: b.Source}, Target: b.Target, Write: b.Write, Dir: info.IsDir()}
		out.Plain = info.Mode().IsRegular() || info.Mode()&os.ModeCharDevice != 0
		if owner().drop {
			fd, err := cloneTree(b.Source)
			if err != nil {
				return fmt.Errorf("bind %s: %w", b.Source, err)
			}
			out.source = source{File: p.give(p.own(fd, b.Source))}
		}
		p.req.Binds = append(p.req.Binds, out)
	}
	return nil
}
