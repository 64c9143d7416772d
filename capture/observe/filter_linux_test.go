//go:build amd64 || arm64

package observe

import (
	"testing"

	"golang.org/x/sys/unix"
)

// decide runs a filter as the kernel does, on what it knows of a call.
func decide(t *testing.T, lines []unix.SockFilter, arch, nr uint32, args [6]uint64) uint32 {
	t.Helper()
	load := func(at uint32) uint32 {
		switch {
		case at == offsetCall:
			return nr
		case at == offsetArch:
			return arch
		case at >= offsetArgs && at < offsetArgs+48 && at%4 == 0:
			half := args[(at-offsetArgs)/8] >> (at % 8 * 8)
			return uint32(half)
		}
		t.Fatalf("loads %d", at)
		return 0
	}
	acc := uint32(0)
	for at := 0; at < len(lines); at++ {
		l := lines[at]
		yes := false
		switch l.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			acc = load(l.K)
			continue
		case unix.BPF_RET | unix.BPF_K:
			return l.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			yes = acc == l.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			yes = acc&l.K != 0
		default:
			t.Fatalf("line %d: code %#x", at, l.Code)
		}
		if yes {
			at += int(l.Jt)
		} else {
			at += int(l.Jf)
		}
	}
	t.Fatal("ends without an answer")
	return 0
}

// TestFilter holds for each call of each interface what the filter answers.
func TestFilter(t *testing.T) {
	const notify, pass = unix.SECCOMP_RET_USER_NOTIF, unix.SECCOMP_RET_ALLOW
	noSuchCall := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS)
	const harmless = 9999
	for _, files := range []bool{false, true} {
		lines := program(files)
		is := func(what string, arch, nr uint32, args [6]uint64, want uint32) {
			t.Helper()
			if got := decide(t, lines, arch, nr, args); got != want {
				t.Errorf("files %t, interface %#x, %s (%d) %x: %#x, want %#x", files, arch, what, nr, args, got, want)
			}
		}
		if len(lines) > 4096 {
			t.Errorf("%d lines: the kernel takes 4096", len(lines))
		}
		is("of an interface that is not known", 0x1234, abis[0].execve, [6]uint64{}, pass)
		for _, a := range abis {
			is("execve", a.arch, a.execve, [6]uint64{}, notify)
			is("execveat", a.arch, a.execveat, [6]uint64{}, notify)
			is("connect", a.arch, a.connect, [6]uint64{}, notify)
			is("any other", a.arch, harmless, [6]uint64{}, pass)
			is("sendto with an address", a.arch, a.sendto, [6]uint64{3, 0, 0, 0, 0x1000}, notify)
			is("sendto without", a.arch, a.sendto, [6]uint64{3, 1, 1, 1, 0, 16}, pass)
			if a.socketcall != 0 {
				is("socketcall", a.arch, a.socketcall, [6]uint64{}, notify)
			}
			if a.foreign != 0 {
				is("of a foreign interface", a.arch, a.foreign|1, [6]uint64{}, noSuchCall)
			}
			for _, nr := range a.uring {
				is("io_uring", a.arch, nr, [6]uint64{}, noSuchCall)
			}
			for nr, c := range a.files {
				if files {
					is("a call that names a file", a.arch, nr, [6]uint64{}, notify)
					continue
				}
				if c.does != opens {
					is("a call that names a file, in a view", a.arch, nr, [6]uint64{}, pass)
					continue
				}
				for flags, want := range map[int]uint32{
					unix.O_RDONLY: pass, unix.O_RDONLY | unix.O_CLOEXEC: pass, unix.O_WRONLY: notify, unix.O_RDWR: notify, unix.O_RDWR | unix.O_CREAT: notify,
					unix.O_WRONLY | unix.O_TRUNC: pass, unix.O_RDWR | unix.O_APPEND: pass, unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC: pass,
				} {
					var args [6]uint64
					args[c.flags] = uint64(flags)
					is("open", a.arch, nr, args, want)
					if isUpdate(flags) != (want == notify) {
						t.Errorf("flags %#o: an update by the one and not by the other", flags)
					}
				}
			}
		}
	}
}
