//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"path"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// openDevices opens the device nodes that the program is to see beside the
// usual ones, while the host's root is still in sight.
func (s *system) openDevices(devices []Device) error {
	for _, d := range devices {
		var st syscall.Stat_t
		err := syscall.Lstat(d.Source, &st)
		if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFCHR {
			err = syscall.ENODEV // a disk, or no device at all
		}
		fd := 0
		if err == nil {
			fd, err = kernel.OpenTree(kernel.AT_FDCWD, d.Source, kernel.OPEN_TREE_CLONE|kernel.OPEN_TREE_CLOEXEC|kernel.AT_SYMLINK_NOFOLLOW)
		}
		if err != nil {
			return &stepError{"open " + d.Source, err}
		}
		s.more, s.names = append(s.more, fd), append(s.names, d.Name)
	}
	return nil
}

// attachDevices shows them in /dev, which is still writable.
func (s *system) attachDevices() error {
	for i, name := range s.names {
		name = path.Join("/dev", name)
		if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
			return &stepError{"fill /dev", err}
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err != nil {
			return &stepError{"make " + name, err}
		}
		f.Close()
		if err := attachAt(s.more[i], name); err != nil {
			return err
		}
	}
	return nil
}
