package tree

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep Open from following a link or waiting on a FIFO that took the
// place of a file.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

func hostInfoOf(info fs.FileInfo) hostInfo {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return hostInfo{links: 1}
	}
	h := hostInfo{
		id:    fileID{device: st.Dev, inode: st.Ino},
		links: uint64(st.Nlink),
		uid:   st.Uid,
		gid:   st.Gid,
	}
	if info.Mode()&fs.ModeDevice != 0 {
		h.device = EncodeDevice(unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	return h
}

// readXattrs returns the wanted extended attributes of a file, or of a link
// itself.
func readXattrs(file string, want func(string) bool) (map[string][]byte, error) {
	names, err := xattrNames(file)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	var x map[string][]byte
	for _, name := range names {
		if name == "" || !want(name) {
			continue
		}
		value, err := readXattr(file, name)
		if err != nil {
			return nil, err
		}
		if x == nil {
			x = map[string][]byte{}
		}
		x[name] = value
	}
	return x, nil
}

func xattrNames(file string) ([]string, error) {
	size, err := unix.Llistxattr(file, nil)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil, nil
	}
	if err != nil || size == 0 {
		return nil, err
	}
	b := make([]byte, size)
	if size, err = unix.Llistxattr(file, b); err != nil {
		return nil, err
	}
	return strings.Split(string(b[:size]), "\x00"), nil
}

func readXattr(file, name string) ([]byte, error) {
	size, err := unix.Lgetxattr(file, name, nil)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if size > 0 {
		if size, err = unix.Lgetxattr(file, name, b); err != nil {
			return nil, err
		}
	}
	return b[:size], nil
}
