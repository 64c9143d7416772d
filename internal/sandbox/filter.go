//go:build linux && (amd64 || arm64)

package sandbox

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h). Both architectures that
// are supported are little-endian: the low half of an argument comes first.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// compile turns the tables into a classic BPF program for seccomp(2). Calls of
// another ABI kill the process: there is no honest reason for one, and the
// numbers of the tables would mean something else. What no table names is
// answered with ENOSYS.
func compile(refused []rule, allowed []allowance) []unix.SockFilter {
	prog := []unix.SockFilter{
		load(offsetArch),
		jump(unix.BPF_JEQ, nativeArch, 1, 0),
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		load(offsetCall),
	}
	if x32Bit != 0 {
		prog = append(prog, jump(unix.BPF_JSET, x32Bit, 0, 1), answer(unix.SECCOMP_RET_KILL_PROCESS))
	}
	for _, r := range refused {
		if len(r.when) > 0 {
			prog = append(prog, r.compile()...)
		}
	}
	for _, run := range ranges(allowed) { // the many calls that matter before the few that do not
		prog = append(prog, jump(unix.BPF_JGE, run.first, 0, 2), jump(unix.BPF_JGT, run.last, 1, 0), answer(unix.SECCOMP_RET_ALLOW))
	}
	for _, r := range refused {
		if len(r.when) == 0 {
			prog = append(prog, r.compile()...)
		}
	}
	return append(prog, refuse(unix.ENOSYS))
}

// numbers are consecutive system calls.
type numbers struct{ first, last uint32 }

// ranges gathers what is allowed into as few ranges as possible.
func ranges(allowed []allowance) (out []numbers) {
	var all []uintptr
	for _, a := range allowed {
		all = append(all, a.calls...)
	}
	slices.Sort(all)
	for _, call := range all {
		n := uint32(call)
		if last := len(out) - 1; last >= 0 && out[last].last+1 == n {
			out[last].last = n
		} else {
			out = append(out, numbers{n, n})
		}
	}
	return out
}

// compile answers the rule's calls and leaves all others to what follows.
func (r rule) compile() (prog []unix.SockFilter) {
	for _, call := range r.calls {
		body := r.body()
		prog = append(prog, jump(unix.BPF_JEQ, uint32(call), 0, uint8(len(body))))
		prog = append(prog, body...)
	}
	return prog
}

// body is what a rule does once the call's number has matched. It falls
// through, with the number loaded again, if a test does not hold.
func (r rule) body() []unix.SockFilter {
	if len(r.when) == 0 {
		return []unix.SockFilter{refuse(r.errno)}
	}
	var body []unix.SockFilter
	for i, t := range r.when {
		left := uint8(2*(len(r.when)-i-1) + 1) // to the reload after the refusal
		body = append(body, load(offsetArgs+8*uint32(t.arg)))
		switch t.op {
		case anyBit:
			body = append(body, jump(unix.BPF_JSET, t.bits, 0, left))
		case equal:
			body = append(body, jump(unix.BPF_JEQ, t.bits, 0, left))
		case differs:
			body = append(body, jump(unix.BPF_JEQ, t.bits, left, 0))
		}
	}
	return append(body, refuse(r.errno), load(offsetCall))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(op uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func answer(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
}

func refuse(e unix.Errno) unix.SockFilter {
	return answer(unix.SECCOMP_RET_ERRNO | uint32(e)&unix.SECCOMP_RET_DATA)
}

// encoded is the program as the kernel takes it: struct sock_filter.
func encoded(program []unix.SockFilter) (b []byte) {
	for _, line := range program {
		b = binary.NativeEndian.AppendUint16(b, line.Code)
		b = append(b, line.Jt, line.Jf)
		b = binary.NativeEndian.AppendUint32(b, line.K)
	}
	return b
}
