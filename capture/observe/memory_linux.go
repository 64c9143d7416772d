//go:build linux && (amd64 || arm64)

package observe

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds on what is read of a program's memory.
const (
	maxText  = 4096 // bytes of a path or argument; longer arguments are cut
	maxWords = 256  // arguments of a program that are kept
	pageSize = 4096
)

// target is a thread that waits in a system call.
type target struct {
	pid  int
	word int // bytes of a pointer
}

// bytes reads up to len(buf) bytes from an address on.
func (t target) bytes(at uint64, buf []byte) []byte {
	if at == 0 || len(buf) == 0 {
		return nil
	}
	return buf[:quickMemory(t.pid, at, buf)]
}

// text reads text that ends in a zero byte, page by page: what lies behind may
// not be there. False if it cannot be read.
func (t target) text(at uint64) (string, bool) {
	var out []byte
	var page [pageSize]byte
	for len(out) < maxText {
		got := t.bytes(at, page[:pageSize-int(at%pageSize)])
		if len(got) == 0 {
			return "", false
		}
		if end := bytes.IndexByte(got, 0); end >= 0 {
			return string(append(out, got[:end]...)), true
		}
		out = append(out, got...)
		at += uint64(len(got))
	}
	return string(out[:maxText]), true
}

// pointers reads a list of pointers that ends in a zero one.
func (t target) pointers(at uint64) (all []uint64) {
	buf := make([]byte, maxWords*t.word)
	for len(buf) > 0 {
		n := min(len(buf), pageSize-int(at%pageSize))
		got := t.bytes(at, buf[:n])
		for len(got) >= t.word {
			p := t.number(got)
			if p == 0 {
				return all
			}
			all = append(all, p)
			got = got[t.word:]
		}
		if len(got) > 0 || n == 0 {
			break
		}
		at += uint64(n)
		buf = buf[n:]
		if len(all) == 0 {
			break
		}
	}
	return all
}

func (t target) number(b []byte) uint64 {
	if t.word == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

// texts reads the texts that a list of pointers leads to.
func (t target) texts(at uint64) (all []string) {
	for _, p := range t.pointers(at) {
		s, ok := t.text(p)
		if !ok {
			return all
		}
		all = append(all, s)
	}
	return all
}

// place is the absolute path that name means to the thread: relative to a
// descriptor, or to its working directory.
func (t target) place(dirfd int32, name string) (string, bool) {
	if strings.HasPrefix(name, "/") {
		return name, true
	}
	link := "/proc/" + strconv.Itoa(t.pid) + "/cwd"
	if dirfd != unix.AT_FDCWD {
		link = "/proc/" + strconv.Itoa(t.pid) + "/fd/" + strconv.Itoa(int(dirfd))
	}
	base, ok := quickLink(link)
	if !ok || !strings.HasPrefix(base, "/") {
		return "", false
	}
	base = strings.TrimSuffix(base, " (deleted)")
	if name == "" {
		return base, true
	}
	return base + "/" + name, true
}

// parent returns the parent of a process and when the process began, in the
// kernel's clock ticks: proc_pid_stat(5).
func parent(pid int) (ppid int, began uint64, ok bool) {
	var buf [1024]byte
	n, ok := quickRead("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if !ok {
		return 0, 0, false
	}
	b := buf[:n]
	_, rest, found := strings.Cut(string(b[max(0, bytes.LastIndexByte(b, ')')):]), " ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return 0, 0, false
	}
	ppid, err := strconv.Atoi(fields[1])
	began, err2 := strconv.ParseUint(fields[19], 10, 64)
	return ppid, began, err == nil && err2 == nil
}

// group returns the process that a thread belongs to.
func group(tid int) int {
	if _, errno := quick(unix.SYS_TGKILL, uintptr(tid), uintptr(tid), 0, 0, 0, 0); errno == 0 { // the first thread has the process's number
		return tid
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return tid
	}
	_, rest, _ := strings.Cut(string(b), "\nTgid:\t")
	line, _, _ := strings.Cut(rest, "\n")
	if pid, err := strconv.Atoi(line); err == nil {
		return pid
	}
	return tid
}

// canExecute reports whether the thread finds a file to execute at a path. In a
// view, what the command made itself is not on the machine.
func (t target) canExecute(name string) bool {
	if unix.Access(name, unix.X_OK) == nil {
		return true
	}
	return unix.Access("/proc/"+strconv.Itoa(t.pid)+"/root"+name, unix.X_OK) == nil
}

// named is the absolute path that an argument of a call names, relative to the
// descriptor of another; false if it names none, or one of the kernel's.
func (t target) named(dir, at int, args [6]uint64) (string, bool) {
	name, ok := t.text(args[at])
	if !ok || name == "" || isOfKernel(name) { // an empty name means a descriptor, whose opening was seen
		return "", false
	}
	fd := int32(unix.AT_FDCWD)
	if dir != none {
		fd = int32(args[dir])
	}
	full, ok := t.place(fd, name)
	return full, ok && !isOfKernel(full)
}
