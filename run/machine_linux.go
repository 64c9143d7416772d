package run

import (
	"bufio"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// plainFile makes an open neither follow a link nor wait for a FIFO's writer.
const plainFile = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// cpuModel is the processor's name as Linux gives it.
func cpuModel() string {
	for _, key := range []string{"model name", "Model", "CPU part"} {
		if v := firstField("/proc/cpuinfo", key); v != "" {
			return v
		}
	}
	return ""
}

// memorySize is the machine's memory in bytes.
func memorySize() int64 {
	kib, _ := strconv.ParseInt(strings.TrimSuffix(firstField("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	return kib << 10
}

func kernelVersion() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(b))
}

// firstField returns the value of the first line "key : value" of a file.
func firstField(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// isWhiteout reports whether info is an overlay's mark for a removed file: a
// character device 0/0.
func isWhiteout(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == 0
}

// stampOf returns what changes when anybody touches a file: its inode and the
// times, in nanoseconds, of the last change of content and of anything.
func stampOf(info fs.FileInfo) (inode uint64, modified, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, info.ModTime().UnixNano(), 0
	}
	return st.Ino, st.Mtim.Nano(), st.Ctim.Nano()
}

// ownedByUs reports whether info is of a file of this very user.
func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// lockFile locks f, shared with others, or, if it is to be alone, as long as
// nobody else has it: then it reports whether that is so. A lock that f has
// already is changed.
func lockFile(f *os.File, alone bool) bool {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err != syscall.EINTR {
			return err == nil
		}
	}
}
