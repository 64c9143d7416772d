package tree

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hostFile is an open file. An os.File would first be offered to the poller of
// the runtime, which declines: a fifth of what opening a small file costs.
type hostFile struct {
	fd         int
	name       string
	size, read int64
}

// openHost opens a file, without following a link or waiting on a FIFO that
// took its place.
func openHost(file string) (io.ReadCloser, openInfo, error) {
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK
	fd, err := retry(func() (int, error) { return unix.Open(file, flags, 0) })
	if err != nil {
		return nil, openInfo{}, &fs.PathError{Op: "open", Path: file, Err: err}
	}
	f := &hostFile{fd: fd, name: file}
	var st unix.Stat_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstat(fd, &st) }); err != nil {
		f.Close()
		return nil, openInfo{}, &fs.PathError{Op: "stat", Path: file, Err: err}
	}
	f.size = st.Size
	return f, openInfo{
		id: fileID{st.Dev, st.Ino}, size: st.Size, regular: st.Mode&unix.S_IFMT == unix.S_IFREG,
	}, nil
}

// ReadAt reads at a place, beside what Read does.
func (f *hostFile) ReadAt(p []byte, off int64) (done int, err error) {
	for done < len(p) {
		n, err := retry(func() (int, error) { return unix.Pread(f.fd, p[done:], off+int64(done)) })
		switch {
		case err != nil:
			return done, &fs.PathError{Op: "read", Path: f.name, Err: err}
		case n == 0:
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

// maxRead is what Linux reads at once, rounded.
const maxRead = 1 << 30

// Read returns io.EOF along with the last bytes where the system, asked for
// more, gave no more than up to the size that the file had when it was opened.
func (f *hostFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := retry(func() (int, error) { return unix.Read(f.fd, p[:min(len(p), maxRead)]) })
	switch {
	case err != nil:
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
	case n == 0:
		return 0, io.EOF
	}
	if f.read += int64(n); n < len(p) && f.read == f.size {
		return n, io.EOF
	}
	return n, nil
}

func (f *hostFile) Close() error {
	if f.fd < 0 {
		return fs.ErrClosed
	}
	err := unix.Close(f.fd)
	f.fd = -1
	if err != nil {
		return &fs.PathError{Op: "close", Path: f.name, Err: err}
	}
	return nil
}

// retry calls again what a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}

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
		size:  uint64(st.Size),

		modified: time.Unix(st.Mtim.Unix()),
		changed:  time.Unix(st.Ctim.Unix()),
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
