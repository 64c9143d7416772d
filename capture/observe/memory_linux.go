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

// target is a thread that waits in a system call.
type target struct {
	*desk
	pid  int
	word int // bytes of a pointer
}

// bytes reads up to len(buf) bytes, a part of the desk, from an address on.
func (t target) bytes(at uint64, buf []byte) []byte {
	if at == 0 || len(buf) == 0 {
		return nil
	}
	t.from[0] = unix.RemoteIovec{Base: uintptr(at), Len: len(buf)}
	return t.memory(t.pid, buf, t.from[:1])
}

// textAt reads text that ends in a zero byte, page by page: what lies behind may
// not be there. False if it cannot be read.
func (t target) textAt(at uint64) (string, bool) {
	var out []byte
	for len(out) < maxText {
		got := t.bytes(at, t.text[:pageSize-int(at%pageSize)])
		if len(got) == 0 {
			return "", false
		}
		if end := bytes.IndexByte(got, 0); end >= 0 {
			out = append(out, got[:end]...)
			return string(out[:min(maxText, len(out))]), true
		}
		out = append(out, got...)
		at += uint64(len(got))
	}
	return string(out[:maxText]), true
}

// pointers reads a list of pointers that ends in a zero one: how many there are
// on the desk.
func (t target) pointers(at uint64) (n int) {
	most := maxWords * t.word
	for size := 0; size < most; {
		got := t.bytes(at, t.words[size:min(most, size+pageSize-int(at%pageSize))])
		size += len(got)
		for (n+1)*t.word <= size {
			if t.pointer(n) == 0 {
				return n
			}
			n++
		}
		if len(got) == 0 || size%t.word != 0 {
			break
		}
		at += uint64(len(got))
	}
	return n
}

func (t target) pointer(i int) uint64 { return t.number(t.words[i*t.word:]) }

func (t target) number(b []byte) uint64 {
	if t.word == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

// textsAt reads the texts that a list of pointers leads to. Most are short, and
// are read many at once.
func (t target) textsAt(at uint64) (all []string) {
	n := t.pointers(at)
	for first := 0; first < n; first += manyTexts {
		some := min(manyTexts, n-first)
		for i := range some {
			p := t.pointer(first + i)
			t.from[i] = unix.RemoteIovec{Base: uintptr(p), Len: min(shortText, pageSize-int(p%pageSize))}
		}
		rest := t.memory(t.pid, t.short[:], t.from[:some])
		for i := range some {
			at := t.pointer(first + i)
			part := rest[:min(shortText, pageSize-int(at%pageSize), len(rest))]
			rest = rest[len(part):]
			if end := bytes.IndexByte(part, 0); end >= 0 {
				all = append(all, string(part[:end]))
				continue
			}
			s, ok := t.textAt(at)
			if !ok {
				return all
			}
			all = append(all, s)
		}
	}
	return all
}

// place is the absolute path that name means to the thread: relative to a
// descriptor, or to its working directory.
func (t target) place(dirfd int32, name string) (string, bool) {
	if strings.HasPrefix(name, "/") {
		return name, true
	}
	file := "cwd"
	if dirfd != unix.AT_FDCWD {
		file = "fd/" + strconv.Itoa(int(dirfd))
	}
	base, ok := t.link(t.pid, file)
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
// kernel's clock ticks.
func (d *desk) parent(pid int) (ppid int, began uint64, ok bool) {
	text := d.stat(pid)
	end := bytes.LastIndexByte(text, ')') // of the program's name, which may hold anything
	if end < 0 {
		return 0, 0, false
	}
	const ppidField, beganField = 1, 19 // of those behind it
	field := 0
	for word := range bytes.FieldsSeq(text[end+1:]) {
		if field == ppidField || field == beganField {
			n, err := strconv.ParseUint(string(word), 10, 64)
			if err != nil {
				return 0, 0, false
			}
			if field == beganField {
				return ppid, n, true
			}
			ppid = int(n)
		}
		field++
	}
	return 0, 0, false
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

// finds reports whether the thread finds a file to execute at a path, and whether
// that is one of this machine's. In a view, what the command made itself is not
// on the machine.
func (t target) finds(name string) (found, here bool) {
	if t.canExecute(name) {
		return true, true
	}
	return t.canExecute("/proc/" + strconv.Itoa(t.pid) + "/root" + name), false
}

// argument is the absolute path that an argument of a call names, relative to the
// descriptor of another; false if it names none, or one of the kernel's.
func (t target) argument(dir, at int, args [6]uint64) (string, bool) {
	name, ok := t.textAt(args[at])
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
