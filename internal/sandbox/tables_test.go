//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// decide is what the tables say of a call, read without the compiler.
func decide(refused []rule, allowed []allowance, call uint32, args [6]uint32) uint32 {
	names := func(calls []uintptr) bool { return slices.Contains(calls, uintptr(call)) }
	holds := func(t test) bool {
		a := args[t.arg]
		return t.op == anyBit && a&t.bits != 0 || t.op == equal && a == t.bits || t.op == differs && a != t.bits
	}
	for _, r := range refused {
		if len(r.when) > 0 && names(r.calls) && !slices.ContainsFunc(r.when, func(t test) bool { return !holds(t) }) {
			return unix.SECCOMP_RET_ERRNO | uint32(r.errno)
		}
	}
	if slices.ContainsFunc(allowed, func(a allowance) bool { return names(a.calls) }) {
		return unix.SECCOMP_RET_ALLOW
	}
	for _, r := range refused {
		if len(r.when) == 0 && names(r.calls) {
			return unix.SECCOMP_RET_ERRNO | uint32(r.errno)
		}
	}
	return unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
}

// TestFilterIsTheTables compares the compiled filter with the tables at every
// call, with every value that a rule looks for and its neighbours.
func TestFilterIsTheTables(t *testing.T) {
	values := []uint32{0, 1, 0xffffffff}
	for _, r := range append([]rule{noSockets}, refused...) {
		for _, w := range r.when {
			values = append(values, w.bits, w.bits-1, w.bits+1)
			if w.op == anyBit {
				for bit := range 32 {
					values = append(values, w.bits&(1<<bit))
				}
			}
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	for name, rules := range map[string][]rule{"all": refused, "no sockets": append([]rule{noSockets}, refused...)} {
		prog := compile(rules, allowed)
		looked := map[uintptr]bool{}
		for _, r := range rules {
			for _, call := range r.calls {
				looked[call] = looked[call] || len(r.when) > 0
			}
		}
		for call := range uint32(newestCall + 20) {
			second := []uint32{0}
			if looked[uintptr(call)] {
				second = values
			}
			for _, a := range values {
				for _, b := range second {
					args := [6]uint32{a, b, b, 7, 7, 7}
					if got, want := interpret(prog, call, nativeArch, args), decide(rules, allowed, call, args); got != want {
						t.Fatalf("%s: call %d of %#x: %#x, want %#x", name, call, args, got, want)
					}
				}
			}
		}
		for call, want := range map[uint32]uint32{
			unix.SYS_WRITE: unix.SECCOMP_RET_ALLOW, 1 << 30: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS), 1<<30 | unix.SYS_WRITE: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS),
		} {
			if x32Bit != 0 && call >= 1<<30 {
				want = unix.SECCOMP_RET_KILL_PROCESS
			}
			if got := interpret(prog, call, nativeArch, [6]uint32{}); got != want {
				t.Errorf("%s: call %#x: %#x, want %#x", name, call, got, want)
			}
		}
		for _, arch := range []uint32{0, nativeArch - 1, nativeArch + 1, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM} {
			if got := interpret(prog, unix.SYS_READ, arch, [6]uint32{}); got != unix.SECCOMP_RET_KILL_PROCESS {
				t.Errorf("%s: architecture %#x: %#x", name, arch, got)
			}
		}
	}
}

// TestRulesByValue states, apart from the tables, what calls with arguments
// are answered with.
func TestRulesByValue(t *testing.T) {
	prog, walled := compile(refused, allowed), compile(append([]rule{noSockets}, refused...), allowed)
	const allow = 0
	for _, c := range []struct {
		call uint32
		args [6]uint32
		want unix.Errno // allow: it may be made
	}{
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_VM | unix.CLONE_THREAD | 17}, allow},
		{unix.SYS_CLONE, [6]uint32{17}, allow},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWUSER}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWNS}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWPID | 17}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWNET}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWIPC}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWUTS}, unix.EPERM},
		{unix.SYS_CLONE, [6]uint32{unix.CLONE_NEWCGROUP}, unix.EPERM},
		{unix.SYS_CLONE3, [6]uint32{}, unix.ENOSYS},
		{unix.SYS_IOCTL, [6]uint32{unix.TIOCSTI, unix.TCGETS}, allow}, // of the wrong argument
		{unix.SYS_IOCTL, [6]uint32{0, unix.TIOCSTI}, unix.EPERM},
		{unix.SYS_IOCTL, [6]uint32{0, unix.TIOCLINUX}, unix.EPERM},
		{unix.SYS_IOCTL, [6]uint32{0, unix.TIOCSETD}, unix.EPERM},
		{unix.SYS_IOCTL, [6]uint32{0, unix.TIOCGWINSZ}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_UNIX}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET6}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_NETLINK, 3, unix.NETLINK_ROUTE}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_NETLINK, 3, unix.NETLINK_NETFILTER}, unix.EPROTONOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET, 1, unix.IPPROTO_TCP}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET6, 2, unix.IPPROTO_UDP}, allow},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_UNIX, 1, unix.AF_UNIX}, allow}, // which is a way to write 0
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET, 1, unix.IPPROTO_MPTCP}, unix.EPROTONOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET, 2, unix.IPPROTO_UDPLITE}, unix.EPROTONOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET6, 1, unix.IPPROTO_SCTP}, unix.EPROTONOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_INET, 3, unix.NETLINK_NETFILTER}, unix.EPROTONOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_PACKET}, unix.EAFNOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_ALG}, unix.EAFNOSUPPORT},
		{unix.SYS_SOCKET, [6]uint32{unix.AF_VSOCK}, unix.EAFNOSUPPORT},
		{unix.SYS_SOCKETPAIR, [6]uint32{unix.AF_UNIX}, allow},
		{unix.SYS_SOCKETPAIR, [6]uint32{unix.AF_VSOCK}, unix.EAFNOSUPPORT},
		{unix.SYS_PERSONALITY, [6]uint32{0}, allow},
		{unix.SYS_PERSONALITY, [6]uint32{0xffffffff}, allow},
		{unix.SYS_PERSONALITY, [6]uint32{0x40000}, allow},
		{unix.SYS_PERSONALITY, [6]uint32{0x40001}, unix.EPERM},
		{unix.SYS_PERSONALITY, [6]uint32{8}, unix.EPERM},
		{unix.SYS_MOUNT, [6]uint32{}, unix.EPERM}, {unix.SYS_PTRACE, [6]uint32{}, unix.EPERM},
		{unix.SYS_BPF, [6]uint32{}, unix.EPERM}, {unix.SYS_KEYCTL, [6]uint32{}, unix.EPERM},
		{unix.SYS_IO_URING_SETUP, [6]uint32{}, unix.ENOSYS}, {unix.SYS_OPEN_BY_HANDLE_AT, [6]uint32{}, unix.EPERM},
	} {
		want := uint32(unix.SECCOMP_RET_ERRNO) | uint32(c.want)
		if c.want == allow {
			want = unix.SECCOMP_RET_ALLOW
		}
		if got := interpret(prog, c.call, nativeArch, c.args); got != want {
			t.Errorf("call %d of %#x: %#x, want %#x", c.call, c.args, got, want)
		}
		if c.call == unix.SYS_SOCKET && c.args[0] == unix.AF_UNIX {
			want = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
		}
		if got := interpret(walled, c.call, nativeArch, c.args); got != want {
			t.Errorf("without sockets: call %d of %#x: %#x, want %#x", c.call, c.args, got, want)
		}
	}
}

// TestRulesFor: sockets by name are refused beside folders of the machine's,
// and in its network where nothing else keeps the abstract ones away.
func TestRulesFor(t *testing.T) {
	scopes := inside.LandlockVersion() >= inside.LandlockScopes
	for _, c := range []struct{ net, folders, walled bool }{
		{false, false, false}, {false, true, true}, {true, true, true}, {true, false, !scopes},
	} {
		got := rulesFor(c.net, c.folders)
		if want := len(refused); c.walled && len(got) != want+1 || !c.walled && len(got) != want || c.walled && got[0].why != noSockets.why {
			t.Errorf("network %v, folders %v: %d rules", c.net, c.folders, len(got))
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		calls []allowance
		want  []numbers
	}{
		{nil, nil},
		{[]allowance{{[]uintptr{0}, ""}}, []numbers{{0, 0}}},
		{[]allowance{{[]uintptr{5, 3}, ""}, {[]uintptr{4, 9, 7}, ""}, {[]uintptr{10}, ""}}, []numbers{{3, 5}, {7, 7}, {9, 10}}},
	} {
		if got := ranges(c.calls); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %v, want %v", c.calls, got, c.want)
		}
	}
}

// TestEncoded holds a filter byte by byte (struct sock_filter).
func TestEncoded(t *testing.T) {
	got := encoded(compile([]rule{{calls: []uintptr{7}, errno: unix.EPERM}}, []allowance{{[]uintptr{3, 4}, ""}}))
	line := func(code uint16, yes, no byte, k uint32) []byte {
		return []byte{byte(code), byte(code >> 8), yes, no, byte(k), byte(k >> 8), byte(k >> 16), byte(k >> 24)}
	}
	want := [][]byte{
		line(0x20, 0, 0, 4), line(0x15, 1, 0, nativeArch), line(0x06, 0, 0, 0x80000000), line(0x20, 0, 0, 0),
	}
	if x32Bit != 0 {
		want = append(want, line(0x45, 0, 1, 0x40000000), line(0x06, 0, 0, 0x80000000))
	}
	want = append(want,
		line(0x35, 0, 2, 3), line(0x25, 1, 0, 4), line(0x06, 0, 0, 0x7fff0000), // allowed
		line(0x15, 0, 1, 7), line(0x06, 0, 0, 0x00050001), // refused
		line(0x06, 0, 0, 0x00050026)) // all else: ENOSYS
	if !bytes.Equal(got, bytes.Join(want, nil)) {
		t.Errorf("got\n% x\nwant\n% x", got, bytes.Join(want, nil))
	}
}

func TestMapped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uid_map")
	text := "         0       1000          1\n nonsense\n         1     100000      65536\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uint64]bool{0: true, 1: true, 65536: true, 65537: false, 100000: false} {
		if got := mapped(file, id); got != want {
			t.Errorf("%d: %v", id, got)
		}
	}
	if mapped(file+".none", 0) {
		t.Error("a table that is not there maps somebody")
	}
	want := Identity{UID: os.Geteuid(), GID: os.Getegid(), ServedUID: UID, ServedGID: GID}
	if os.Geteuid() == 0 && mapped("/proc/self/uid_map", stranger) && mapped("/proc/self/gid_map", stranger) {
		want = Identity{UID: stranger, GID: stranger, IsOther: true, ServedUID: stranger, ServedGID: stranger}
	}
	if got := WhoRuns(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestWantedNamespaces: all but the network's, where that is shared.
func TestWantedNamespaces(t *testing.T) {
	_, err := os.Lstat("/proc/self/ns/cgroup")
	for net, want := range map[bool]string{false: "user mount pid ipc uts network", true: "user mount pid ipc uts"} {
		flags, names := wantedNamespaces(net)
		wantFlags := uintptr(unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS)
		if !net {
			wantFlags |= unix.CLONE_NEWNET
		}
		if err == nil {
			want, wantFlags = want+" cgroup", wantFlags|unix.CLONE_NEWCGROUP
		}
		if got := strings.Join(names, " "); got != want || flags != wantFlags {
			t.Errorf("network %v: %s, %#x", net, got, flags)
		}
		for clocks, more := range map[bool]string{false: "", true: " time"} {
			for _, refusal := range []error{nil, errors.New("not delegated")} {
				w := completed(Isolation{Clocks: clocks}, net, refusal)
				if got := strings.Join(w.Namespaces, " "); got != want+more || (w.NoGroup == "not delegated") != (refusal != nil) {
					t.Errorf("%s, %q", got, w.NoGroup)
				}
			}
		}
	}
}

// TestHints: what is said of each refusal, where the machine's settings do not
// explain it first.
func TestHints(t *testing.T) {
	kernelText, scratch := kernelHint(), "overlays in user namespaces need Linux 5.11 and a scratch directory on a local filesystem; TMPDIR is "+os.TempDir()
	if !strings.HasPrefix(kernelText, "this kernel, "+setting("/proc/sys/kernel/osrelease")+", is too old") {
		t.Error(kernelText)
	}
	for _, c := range []struct {
		what string
		err  error
		want string // the beginning
	}{
		{"x", unix.ENOSYS, kernelText},
		{inside.Proc, unix.ENOSYS, kernelText},
		{inside.Proc, unix.EPERM, "inside a container whose /proc is masked"},
		{Fuse, unix.EPERM, fuseHint},
		{Overlay, unix.EPERM, scratch},
		{"x", unix.EBUSY, ""},
	} {
		if got := setupHint(c.what, fmt.Errorf("no: %w", c.err)); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s, %v: %q", c.what, c.err, got)
		}
	}
	if namespaceHint(fs.ErrInvalid) != "" {
		t.Skip("this machine's settings explain every refusal:", namespaceHint(fs.ErrInvalid))
	}
	for _, err := range []error{unix.ENOSPC, unix.EUSERS} {
		if got := namespaceHint(err); !strings.HasPrefix(got, "there are as many user namespaces") {
			t.Errorf("%v: %q", err, got)
		}
	}
	for _, err := range []error{unix.ENOSYS, unix.EINVAL} {
		if got := namespaceHint(err); got != kernelText {
			t.Errorf("%v: %q", err, got)
		}
	}
	want := "user namespaces are forbidden by a security module"
	if filtered() {
		want = "a system call filter around this process forbids it"
	}
	for _, got := range []string{namespaceHint(unix.EPERM), namespaceHint(unix.EACCES), setupHint("x", unix.EPERM)} {
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %s...", got, want)
		}
	}
}

// TestUseOfOneProcess: process 1 is used once, and only with the network that
// it was started for.
func TestUseOfOneProcess(t *testing.T) {
	p := Begin(false)
	if got, err := processFor(&Command{Process: p}); err != nil || got != p {
		t.Errorf("%v", err)
	}
	if _, err := processFor(&Command{Process: p, Net: true}); err == nil || err.Error() != "sandbox: this process 1 has another network" {
		t.Errorf("%v", err)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if _, err := processFor(&Command{Process: p}); err == nil || err.Error() != "sandbox: this process 1 was used before" {
		t.Errorf("%v", err)
	}
}

func TestMemory(t *testing.T) {
	if got := memoryOf(Limits{Memory: 1}); got != 1 {
		t.Errorf("a limit of 1: %d", got)
	}
	if got := memoryOf(Limits{}); got != MachineMemory() || got <= 0 {
		t.Errorf("without a limit: %d", got)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	// MemTotal is what sysinfo(2) says, less a sixteenth, or less where a
	// control group is smaller.
	if total := int64(info.Totalram) * int64(info.Unit); MachineMemory() > total-total/16+1<<10 {
		t.Errorf("%d of %d", MachineMemory(), total)
	}
	for _, f := range enclosingLimits() {
		if base := filepath.Base(f); base != "memory.max" && base != "memory.limit_in_bytes" || !filepath.IsAbs(f) {
			t.Errorf("%s", f)
		}
	}
}
