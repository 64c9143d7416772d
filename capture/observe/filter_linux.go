//go:build linux && (amd64 || arm64)

package observe

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// abi is one system call interface: the numbers of the calls that matter here.
type abi struct {
	arch       uint32 // AUDIT_ARCH_…
	word       int    // bytes of a pointer
	foreign    uint32 // bit of calls that are none of this interface; 0: there is no such
	execve     uint32
	execveat   uint32
	connect    uint32
	sendto     uint32
	socketcall uint32   // through which sockets are used in an older form; 0: there is none
	uring      []uint32 // of io_uring
	files      map[uint32]call
}

// call says what a call does with files, and which arguments name them.
type call struct {
	does  deed
	dir   int // argument with the descriptor of the folder that path is relative to; none: the working directory
	path  int
	flags int // argument
	dir2  int // of a second path
	path2 int
}

type deed uint8

const (
	opens      deed = iota // flags say how
	opensHow               // flags lie in memory (openat2)
	makes                  // creates or empties
	looks                  // follows a link at the end
	looksAt                // does not
	looksFlags             // flags say which
	changes                // the entry of this name
	moves                  // from path to path2
	links                  // path2 becomes a name of path
)

const none = -1

func open(dir, path, flags int) call { return call{does: opens, dir: dir, path: path, flags: flags} }
func openHow(dir, path, flags int) call {
	return call{does: opensHow, dir: dir, path: path, flags: flags}
}
func make_(dir, path int) call    { return call{does: makes, dir: dir, path: path} }
func look(dir, path int) call     { return call{does: looks, dir: dir, path: path} }
func lookLink(dir, path int) call { return call{does: looksAt, dir: dir, path: path} }
func lookFlags(dir, path, flags int) call {
	return call{does: looksFlags, dir: dir, path: path, flags: flags}
}
func change(dir, path int) call { return call{does: changes, dir: dir, path: path} }
func move(dir, path, dir2, path2 int) call {
	return call{does: moves, dir: dir, path: path, dir2: dir2, path2: path2}
}
func link(dir, path, dir2, path2 int) call {
	return call{does: links, dir: dir, path: path, dir2: dir2, path2: path2}
}

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// program is the filter, as a classic BPF program for seccomp(2): calls that
// matter are reported, io_uring is answered with ENOSYS, all others pass. Without
// files, of the calls that name files only openings to change what is there are
// reported.
// Programs of an interface that is not known here are not stopped, and not
// seen.
func program(files bool) []unix.SockFilter {
	out := []unix.SockFilter{statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetArch)}
	for _, a := range abis {
		body := a.filter(files)
		out = append(out, jump(unix.BPF_JEQ, a.arch, 0, uint8(len(body))))
		out = append(out, body...)
	}
	return append(out, answer(unix.SECCOMP_RET_ALLOW))
}

// filter is the part for one interface; it answers every call.
func (a abi) filter(files bool) []unix.SockFilter {
	out := []unix.SockFilter{statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetCall)}
	on := func(nr uint32, with uint32) { out = append(out, jump(unix.BPF_JEQ, nr, 0, 1), answer(with)) }
	if a.foreign != 0 {
		out = append(out, jump(unix.BPF_JSET, a.foreign, 0, 1), answer(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	}
	for _, nr := range []uint32{a.execve, a.execveat, a.connect} {
		on(nr, unix.SECCOMP_RET_USER_NOTIF)
	}
	if a.socketcall != 0 {
		on(a.socketcall, unix.SECCOMP_RET_USER_NOTIF)
	}
	for _, nr := range a.uring {
		on(nr, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS))
	}
	for _, nr := range slices.Sorted(maps.Keys(a.files)) {
		switch c := a.files[nr]; {
		case files:
			on(nr, unix.SECCOMP_RET_USER_NOTIF)
		case c.does == opens:
			part := updates(c.flags)
			out = append(out, jump(unix.BPF_JEQ, nr, 0, uint8(len(part))))
			out = append(out, part...)
		}
	}
	return append(out, // of sendto, only calls that name an address
		jump(unix.BPF_JEQ, a.sendto, 0, 3),
		statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetArgs+8*4),
		jump(unix.BPF_JEQ, 0, 1, 0),
		answer(unix.SECCOMP_RET_USER_NOTIF),
		answer(unix.SECCOMP_RET_ALLOW))
}

// updates is the part that reports openings to change what is there, and lets
// others pass: flags is the argument that says so.
func updates(flags int) []unix.SockFilter {
	return []unix.SockFilter{
		statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetArgs+8*uint32(flags)),
		jump(unix.BPF_JSET, unix.O_TRUNC|unix.O_APPEND, 1, 0),
		jump(unix.BPF_JSET, unix.O_ACCMODE, 1, 0),
		answer(unix.SECCOMP_RET_ALLOW),
		answer(unix.SECCOMP_RET_USER_NOTIF),
	}
}

// isUpdate reports whether flags of open(2) are those that updates reports.
func isUpdate(flags int) bool {
	return flags&(unix.O_TRUNC|unix.O_APPEND) == 0 && flags&unix.O_ACCMODE != 0
}

func statement(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func jump(op uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func answer(k uint32) unix.SockFilter { return statement(unix.BPF_RET|unix.BPF_K, k) }
