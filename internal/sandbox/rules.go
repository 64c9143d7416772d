//go:build linux && (amd64 || arm64)

package sandbox

import (
	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
	"repro/internal/sandbox/kernel"
)

// The system call filter. Programs inside hold no capability, and their user
// namespace owns no other, so most of what is refused here would fail anyway:
// the filter is the second wall, for the day on which the first has a hole.
//
// It is a list of what is allowed: allowed.go. Here is what is refused by
// name, because a reader should know why, or because the answer that programs
// cope with best is not ENOSYS. That is what every other call gets, those of
// kernels newer than this table among them, so that C libraries fall back to
// the call that they used before.

// rule answers some system calls with an error number.
type rule struct {
	calls []uintptr
	when  []test // all must hold, or the call is allowed; none: always
	errno unix.Errno
	why   string
}

// test looks at the low 32 bits of one argument.
type test struct {
	arg  int
	op   operator
	bits uint32
}

type operator int

const (
	anyBit  operator = iota // some of the bits are set
	equal                   // the argument is bits
	differs                 // the argument is not bits
)

const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// sysRseqSliceYield gives up a time slice that rseq was lent (Linux 7.0). Both
// architectures have it under one number; golang.org/x/sys has not yet.
const sysRseqSliceYield = 471

// newestCall is the last system call that the tables were checked against (the
// headers of Linux 7.2).
const newestCall = sysRseqSliceYield

var refused = append([]rule{
	// Refused for some arguments.
	{calls: []uintptr{unix.SYS_CLONE}, when: []test{{0, anyBit, namespaceFlags}}, errno: unix.EPERM,
		why: "as unshare; threads and processes are fine"},
	{calls: []uintptr{unix.SYS_IOCTL}, when: []test{{1, equal, unix.TIOCSTI}}, errno: unix.EPERM,
		why: "types into the terminal from which repro was started"},
	{calls: []uintptr{unix.SYS_IOCTL}, when: []test{{1, equal, unix.TIOCLINUX}}, errno: unix.EPERM,
		why: "the console's TIOCSTI"},
	{calls: []uintptr{unix.SYS_IOCTL}, when: []test{{1, equal, unix.TIOCSETD}}, errno: unix.EPERM,
		why: "loads line disciplines: old, rarely read kernel code"},
	{calls: []uintptr{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR}, when: []test{{0, differs, unix.AF_UNIX},
		{0, differs, unix.AF_INET}, {0, differs, unix.AF_INET6}, {0, differs, unix.AF_NETLINK}}, errno: unix.EAFNOSUPPORT,
		why: "vsock reaches the hypervisor past any network namespace; the rest is rarely read kernel code"},
	{calls: []uintptr{unix.SYS_SOCKET}, when: []test{{0, equal, unix.AF_NETLINK}, {2, differs, unix.NETLINK_ROUTE}},
		errno: unix.EPROTONOSUPPORT, why: "getifaddrs needs the routing protocol; the others configure the kernel"},
	{calls: []uintptr{unix.SYS_SOCKET}, when: []test{{2, differs, 0}, {2, differs, unix.AF_UNIX},
		{2, differs, unix.IPPROTO_TCP}, {2, differs, unix.IPPROTO_UDP}}, errno: unix.EPROTONOSUPPORT,
		why: "MPTCP, UDP-Lite, SCTP and their like are rarely read kernel code; 1 is also ICMP, for which there is a setting"},
	{calls: []uintptr{unix.SYS_PERSONALITY}, when: []test{{0, differs, 0}, {0, differs, 0xffffffff},
		{0, differs, kernel.ADDR_NO_RANDOMIZE}}, errno: unix.EPERM,
		why: "old personalities switch off protections; plain Linux, asking, and a fixed address space are fine"},

	// Refused always.
	{calls: []uintptr{unix.SYS_UNSHARE, unix.SYS_SETNS}, errno: unix.EPERM,
		why: "a namespace of one's own brings capabilities, and with them most of the kernel's attack surface"},
	{calls: []uintptr{unix.SYS_CLONE3}, errno: unix.ENOSYS,
		why: "its flags lie in memory, where a filter cannot look; C libraries then use clone"},
	{calls: []uintptr{unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
		unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG,
		unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR}, errno: unix.EPERM,
		why: "the root is what the image says"},
	{calls: []uintptr{unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT}, errno: unix.EPERM,
		why: "opens files by number, around the root"},
	{calls: []uintptr{unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY}, errno: unix.EPERM,
		why: "kernel keyrings belong to the machine's user, not to the namespace"},
	{calls: []uintptr{unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN}, errno: unix.EPERM,
		why: "programs in the kernel, and a view of other processes"},
	{calls: []uintptr{unix.SYS_USERFAULTFD}, errno: unix.EPERM,
		why: "stops the kernel at a chosen moment: the usual aid of exploits"},
	{calls: []uintptr{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER}, errno: unix.ENOSYS,
		why: "does what calls do without making them, past any filter"},
	{calls: []uintptr{unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP,
		unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE}, errno: unix.EPERM,
		why: "reaches into other processes; no experiment needs a debugger"},
	{calls: []uintptr{unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
		unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT,
		unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SYSLOG, unix.SYS_VHANGUP, unix.SYS_NFSSERVCTL},
		errno: unix.EPERM, why: "administers the machine"},
	{calls: []uintptr{unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX},
		errno: unix.EPERM, why: "the machine's clock"},
	{calls: []uintptr{unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME}, errno: unix.EPERM,
		why: "the name is fixed, so that results cannot depend on it"},
	{calls: []uintptr{unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_LOOKUP_DCOOKIE}, errno: unix.EPERM,
		why: "acts on other processes or profiles the kernel"},
	{calls: []uintptr{unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK, unix.SYS_LISTMOUNT, unix.SYS_STATMOUNT,
		unix.SYS_LISTNS}, errno: unix.EPERM, why: "watches or lists more than the root"},
	{calls: []uintptr{unix.SYS_LSM_GET_SELF_ATTR, unix.SYS_LSM_SET_SELF_ATTR, unix.SYS_LSM_LIST_MODULES},
		errno: unix.ENOSYS, why: "says how the machine is guarded"},
	{calls: []uintptr{unix.SYS_MEMFD_SECRET}, errno: unix.ENOSYS,
		why: "memory that nobody can look into or account for"},
}, nativeRefused...)

// noSockets is refused besides where programs could find sockets of the
// machine's: in a directory that is bound, even read-only, or abstract ones in
// the machine's network where Landlock does not keep them away. A program
// could talk through them to the user's own services, and have those act.
var noSockets = rule{calls: []uintptr{unix.SYS_SOCKET}, when: []test{{0, equal, unix.AF_UNIX}}, errno: unix.EAFNOSUPPORT,
	why: "reaches services of the machine's by name; pairs of sockets, and the loopback interface, are fine"}

// rulesFor are the rules for what a program was given: the machine's network,
// or folders of the machine's.
func rulesFor(net, folders bool) []rule {
	if folders || net && inside.LandlockVersion() < inside.LandlockScopes {
		return append([]rule{noSockets}, refused...)
	}
	return refused
}
