//go:build linux && (amd64 || arm64)

package sandbox

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestEveryCallIsDecided looks for calls that the tables forget or name twice.
func TestEveryCallIsDecided(t *testing.T) {
	decided := map[uintptr]string{}
	decide := func(call uintptr, table string) {
		if other := decided[call]; other != "" {
			t.Errorf("call %d is %s and %s", call, other, table)
		}
		decided[call] = table
	}
	for _, a := range allowed {
		if a.why == "" {
			t.Errorf("%v are allowed without a reason", a.calls)
		}
		for _, call := range a.calls {
			decide(call, "allowed")
		}
	}
	for _, r := range refused {
		if r.why == "" {
			t.Errorf("%v are refused without a reason", r.calls)
		}
		for _, call := range r.calls {
			if len(r.when) == 0 {
				decide(call, "refused")
			} else if decided[call] != "allowed" {
				t.Errorf("call %d is refused for some arguments, but not allowed for others", call)
			}
		}
	}
	// The numbers that kernels have given out: those of each architecture,
	// and from pidfd_send_signal on the same for all.
	const firstShared = unix.SYS_PIDFD_SEND_SIGNAL
	for call := uintptr(0); call <= newestCall; call++ {
		if call > lastOwnCall && call < firstShared || ownGap(call) {
			continue
		}
		if decided[call] == "" {
			t.Errorf("call %d is neither allowed nor refused by name", call)
		}
	}
}

// TestFilter runs the compiled filter over every number and its neighbours.
func TestFilter(t *testing.T) {
	prog := compile(refused, allowed)
	if len(prog) > unix.BPF_MAXINSNS {
		t.Fatalf("%d instructions, the kernel takes %d", len(prog), unix.BPF_MAXINSNS)
	}
	for _, a := range allowed {
		for _, call := range a.calls {
			want := uint32(unix.SECCOMP_RET_ALLOW)
			got := interpret(prog, uint32(call), nativeArch, [6]uint32{unix.AF_UNIX, 0, 0})
			if call == unix.SYS_PERSONALITY {
				continue // AF_UNIX is no personality
			}
			if got != want {
				t.Errorf("call %d: %#x", call, got)
			}
		}
	}
	for _, tt := range []struct {
		name string
		call uint32
		args [6]uint32
		want uint32
	}{
		{"unknown", 3000, [6]uint32{}, unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{"after the newest", newestCall + 1, [6]uint32{}, unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{"the newest", 471, [6]uint32{}, unix.SECCOMP_RET_ALLOW},
		{"unshare", unix.SYS_UNSHARE, [6]uint32{}, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{"clone of a thread", unix.SYS_CLONE, [6]uint32{unix.CLONE_VM | unix.CLONE_THREAD}, unix.SECCOMP_RET_ALLOW},
		{"clone of a namespace", unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWNET}, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{"routing socket", unix.SYS_SOCKET, [6]uint32{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, unix.SECCOMP_RET_ALLOW},
		{"audit socket", unix.SYS_SOCKET, [6]uint32{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)},
		{"vsock", unix.SYS_SOCKET, [6]uint32{unix.AF_VSOCK}, unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)},
		{"TIOCSTI", unix.SYS_IOCTL, [6]uint32{0, unix.TIOCSTI}, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{"TCGETS", unix.SYS_IOCTL, [6]uint32{0, unix.TCGETS}, unix.SECCOMP_RET_ALLOW},
		{"personality of Linux", unix.SYS_PERSONALITY, [6]uint32{0}, unix.SECCOMP_RET_ALLOW},
		{"READ_IMPLIES_EXEC", unix.SYS_PERSONALITY, [6]uint32{0x0400000}, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	} {
		if got := interpret(prog, tt.call, nativeArch, tt.args); got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
	}
	if got := interpret(prog, unix.SYS_READ, nativeArch+1, [6]uint32{}); got != unix.SECCOMP_RET_KILL_PROCESS {
		t.Errorf("another ABI: %#x", got)
	}
}

// interpret is as much of a BPF machine as filters of compile need.
func interpret(prog []unix.SockFilter, call, arch uint32, args [6]uint32) uint32 {
	var acc uint32
	for at := 0; ; at++ {
		in := prog[at]
		holds := false
		switch in.Code {
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			switch {
			case in.K == offsetCall:
				acc = call
			case in.K == offsetArch:
				acc = arch
			default:
				acc = args[(in.K-offsetArgs)/8]
			}
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			holds = acc == in.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			holds = acc >= in.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			holds = acc > in.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			holds = acc&in.K != 0
		default:
			panic("unknown instruction")
		}
		if holds {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
}
