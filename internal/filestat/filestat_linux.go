package filestat

import (
	"io/fs"
	"os"
	"syscall"
)

// PlainFile makes an open neither follow a link nor wait for the writer of a
// FIFO.
const PlainFile = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// IsWhiteout reports whether info is an overlay's mark for a removed file: a
// character device with the number 0/0.
func IsWhiteout(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == 0
}

// Stamp returns what changes when anybody touches a file: its inode, and the
// times of the last change of its content and of anything, in nanoseconds. No
// program can set the last one.
func Stamp(info fs.FileInfo) (inode uint64, modified, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, info.ModTime().UnixNano(), 0
	}
	return st.Ino, st.Mtim.Nano(), st.Ctim.Nano()
}

// IsOurs reports whether info is of a file that belongs to this user.
func IsOurs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// Links is how many names a file has.
func Links(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}

// MakeWhiteout makes what [IsWhiteout] recognises, which any user may since Linux
// 5.8.
func MakeWhiteout(name string) error {
	if err := syscall.Mknod(name, syscall.S_IFCHR, 0); err != nil {
		return &os.PathError{Op: "mknod", Path: name, Err: err}
	}
	return nil
}
