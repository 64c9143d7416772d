//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// attempt is something that a hostile program might try. It returns an error
// if it was refused; the test fails for any that returns nil.
type attempt struct {
	name string
	try  func() error
}

var attempts = []attempt{
	{"inherited descriptor", func() error { // those that this test's own packages open are not passed on
		out, err := exec.Command("/bin/ls", "/proc/self/fd").Output()
		if err != nil {
			return nil
		}
		if string(out) != "0\n1\n2\n3\n" { // the last is how ls reads the directory
			return nil
		}
		return errors.New("none")
	}},

	// Mounts and roots.
	{"mount a tmpfs", func() error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") }},
	{"mount proc", func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") }},
	{"bind the root", func() error { return unix.Mount("/", "/tmp", "", unix.MS_BIND|unix.MS_REC, "") }},
	{"remount /proc/sys writable", func() error { return unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"remount /dev writable", func() error { return unix.Mount("", "/dev", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"unmount a mask", func() error { return unix.Unmount("/proc/keys", unix.MNT_DETACH) }},
	{"unmount the root", func() error { return unix.Unmount("/", unix.MNT_DETACH) }},
	{"pivot_root", func() error { return unix.PivotRoot("/", "/") }},
	{"chroot", func() error { return unix.Chroot("/tmp") }},
	{"open_tree", func() error { return fdErr(unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE)) }},
	{"fsopen", func() error { return fdErr(unix.Fsopen("tmpfs", 0)) }},
	{"move_mount", func() error { return unix.MoveMount(unix.AT_FDCWD, "/proc", unix.AT_FDCWD, "/tmp", 0) }},
	{"mount_setattr", func() error {
		return unix.MountSetattr(unix.AT_FDCWD, "/dev", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
	}},
	{"open by handle", func() error {
		return fdErr(unix.OpenByHandleAt(unix.AT_FDCWD, unix.NewFileHandle(1, make([]byte, 8)), 0))
	}},
	{"dot dot above the root", func() error { return wantHost("/../../../..") }},

	// Namespaces.
	{"unshare user", func() error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
	{"unshare mounts", func() error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }},
	{"unshare network", func() error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNET) }},
	{"clone a user namespace", func() error { return forked(call(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD))) }},
	{"clone3", func() error {
		args := [11]uint64{unix.CLONE_NEWUSER, 0, 0, 0, uint64(unix.SIGCHLD)}
		return forked(call(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args)))
	}},
	{"enter the namespaces of process 1", func() error {
		fd, err := unix.Open("/proc/1/ns/mnt", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, 0)
	}},

	// Settings of the kernel.
	{"sysrq", writes("/proc/sysrq-trigger", "h")},
	{"core pattern", writes("/proc/sys/kernel/core_pattern", "|/tmp/x")},
	{"host name by /proc", writes("/proc/sys/kernel/hostname", "x")},
	{"modprobe path", writes("/proc/sys/kernel/modprobe", "/tmp/x")},
	{"overcommit", writes("/proc/sys/vm/overcommit_memory", "1")},
	{"last pid", writes("/proc/sys/kernel/ns_last_pid", "5")},
	{"ip forwarding", writes("/proc/sys/net/ipv4/ip_forward", "1")},
	{"spare from the memory killer", writes("/proc/self/oom_score_adj", "-1000")},
	{"new id map", writes("/proc/self/uid_map", "0 0 1")},
	{"read the keys", reads("/proc/keys")},
	{"read kernel messages", reads("/proc/kmsg")},
	{"read kernel symbols", reads("/proc/kallsyms")},
	{"read the kernel's command line", reads("/proc/cmdline")},
	{"read the boot id", reads("/proc/sys/kernel/random/boot_id")},
	{"read the load", reads("/proc/loadavg")},
	{"read the pressure", reads("/proc/pressure/memory")},
	{"read statistics of memory", reads("/proc/vmstat")},
	{"list /sys", func() error {
		e, err := os.ReadDir("/sys")
		if err == nil && len(e) == 0 {
			err = errors.New("empty")
		}
		return err
	}},
	{"set the host name", func() error { return unix.Sethostname([]byte("x")) }},
	{"set the clock", func() error { return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1}) }},
	{"settimeofday", func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) }},
	{"adjtimex", func() error { _, err := unix.Adjtimex(&unix.Timex{Modes: 1}); return err }},
	{"load a module", func() error { return unix.InitModule([]byte("x"), "") }},
	{"kexec", func() error { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) }},
	{"reboot", func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) }},
	{"swapon", func() error { return call(unix.SYS_SWAPON, ptr("/tmp/x"), 0) }},
	{"acct", func() error { return unix.Acct("") }},
	{"syslog", func() error { return call(unix.SYS_SYSLOG, 3, 0, 0) }},
	{"quotactl", func() error { return call(unix.SYS_QUOTACTL, 0, 0, 0, 0) }},

	// Devices.
	{"make a disk node", func() error { return unix.Mknod("/tmp/vda", unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))) }},
	{"make a memory node", func() error { return unix.Mknod("/tmp/mem", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1))) }},
	{"open memory", func() error { return opens("/dev/mem") }},
	{"open a disk", func() error { return opens("/dev/vda") }},
	{"open kvm", func() error { return opens("/dev/kvm") }},
	{"open fuse", func() error { return opens("/dev/fuse") }},
	{"open a terminal", func() error { return opens("/dev/tty") }},
	{"type into a terminal", func() error {
		c := byte('x')
		return call(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
	}},
	{"type with high bits", func() error {
		c := byte('x')
		err := call(unix.SYS_IOCTL, 0, 1<<32|unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
		if !errors.Is(err, unix.EPERM) {
			return nil // past the filter
		}
		return err
	}},
	{"write in /dev", func() error { return os.WriteFile("/dev/sda", nil, 0o666) }},

	// Privileges.
	{"become root", func() error { return call(unix.SYS_SETUID, 0) }},
	{"become another", func() error { return call(unix.SYS_SETRESUID, 65534, 65534, 65534) }},
	{"become another group", func() error { return call(unix.SYS_SETGID, 0) }},
	{"change groups", func() error { return call(unix.SYS_SETGROUPS, 0, 0) }},
	{"raise capabilities", func() error {
		h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		d := [2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}
		return unix.Capset(&h, &d[0])
	}},
	{"raise ambient capabilities", func() error {
		return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_SYS_ADMIN, 0, 0)
	}},
	{"allow new privileges", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) }},
	{"setuid program of its own", func() error {
		b, err := os.ReadFile("/bin/id")
		if err != nil {
			return nil
		}
		if err := errors.Join(os.WriteFile("/tmp/own-id", b, 0o755), os.Chmod("/tmp/own-id", 0o6755)); err != nil {
			return err
		}
		return becomesAnother("/tmp/own-id")()
	}},
	{"file capabilities", func() error {
		return unix.Setxattr("/bin/sh", "security.capability", make([]byte, 20), 0)
	}},
	{"trusted attributes", func() error { return unix.Setxattr("/bin/sh", "trusted.overlay.opaque", []byte("y"), 0) }},
	{"give a file to root", func() error { return os.Chown("/bin/sh", 0, 0) }},
	{"immutable file", func() error {
		f, err := os.Create("/tmp/immutable")
		if err != nil {
			return err
		}
		return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, 0x10)
	}},
	{"raise a limit", func() error {
		return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	}},
	{"raise the priority", func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -20) }},
	{"real-time scheduling", func() error {
		p := int32(1)
		return call(unix.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&p)))
	}},
	{"old personality", func() error { return call(unix.SYS_PERSONALITY, 0x0400000) }}, // READ_IMPLIES_EXEC
	{"seccomp listener of process 1", func() error { return call(unix.SYS_PIDFD_GETFD, 0, 0, 0) }},

	// Other processes.
	{"trace process 1", func() error { return unix.PtraceAttach(1) }},
	{"read process 1", func() error {
		b := make([]byte, 8)
		_, err := unix.ProcessVMReadv(1, []unix.Iovec{{Base: &b[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
		return err
	}},
	{"memory of process 1", func() error { return opens("/proc/1/mem") }},
	{"executable of process 1", func() error { return opens("/proc/1/exe") }},
	{"overwrite process 1", func() error { return os.WriteFile("/proc/1/exe", nil, 0) }},
	{"root of process 1", func() error { return opens("/proc/1/root/") }},
	{"directory of process 1", func() error { return opens("/proc/1/cwd/") }},
	{"files of process 1", func() error { _, err := os.ReadDir("/proc/1/fd"); return err }},
	{"environment of process 1", func() error { return opens("/proc/1/environ") }},
	{"maps of process 1", func() error { _, err := os.ReadFile("/proc/1/maps"); return err }},
	{"signal a process of the host", func() error { return hostPID(func(pid int) error { return unix.Kill(pid, 0) }) }},
	{"signal process 1", func() error {
		if inside.LandlockVersion() < 6 {
			return errors.New("needs a newer Landlock to be refused; process 1 does not listen anyway")
		}
		return unix.Kill(1, 0)
	}},
	{"find a process of the host", func() error {
		return hostPID(func(pid int) error { return opens("/proc/" + strconv.Itoa(pid)) })
	}},

	// Rarely read kernel code.
	{"keyctl", func() error { return fdErr(unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true)) }},
	{"add a key", func() error { return fdErr(unix.AddKey("user", "x", []byte("x"), unix.KEY_SPEC_USER_KEYRING)) }},
	{"bpf", func() error { return call(unix.SYS_BPF, 0, 0, 0) }},
	{"userfaultfd", func() error { return call(unix.SYS_USERFAULTFD, 0) }},
	{"io_uring", func() error { p := [120]byte{}; return call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&p))) }},
	{"perf", func() error { return fdErr(unix.PerfEventOpen(&unix.PerfEventAttr{}, 0, -1, -1, 0)) }},
	{"fanotify", func() error { return fdErr(unix.FanotifyInit(0, 0)) }},
	{"call from the future", func() error { return call(newestCall+100, 0) }},

	// Networks.
	{"vsock", sockets(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
	{"packet socket", sockets(unix.AF_PACKET, unix.SOCK_RAW, 0)},
	{"raw socket", sockets(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)},
	{"crypto socket", sockets(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
	{"audit socket", sockets(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)},
	{"kernel events", sockets(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT)},
	{"packet filter", sockets(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)},
	{"listener of the host", func() error {
		if os.Getenv("NETWORK") != "" {
			return errors.New("it was asked for")
		}
		c, err := net.Dial("tcp", os.Getenv("HOST_TCP"))
		if err == nil {
			c.Close()
		}
		return err
	}},
	{"abstract socket of the host", func() error {
		c, err := net.Dial("unix", os.Getenv("HOST_UNIX"))
		if err == nil {
			c.Close()
		}
		return err
	}},
	{"far address", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.Connect(fd, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{192, 0, 2, 1}})
	}},

	{"namespace of the network's control", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		lo, err := unix.NewIfreq("lo")
		if err != nil {
			return nil
		}
		lo.SetUint16(0)
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
	}},

	// Links that /proc gives out.
	{"root by a magic link", func() error { return wantHost("/proc/self/root") }},
	{"root of a thread by a magic link", func() error { return wantHost("/proc/thread-self/root/..") }},
	{"directory by a magic link", func() error { return wantHost("/proc/self/cwd/../../..") }},
	{"standard output by a magic link", func() error { return wantHost("/proc/self/fd/1/../../..") }},
	{"executable by a magic link", func() error {
		f, err := os.OpenFile("/proc/self/exe", os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"map files of process 1", func() error { _, err := os.ReadDir("/proc/1/map_files"); return err }},
	{"threads of process 1", func() error { return opens("/proc/1/task/1/root/") }},

	// Files of the host.
	{"file of the host", func() error { return opens(os.Getenv("HOST_FILE")) }},
	{"shared memory of the host", func() error { return opens(os.Getenv("HOST_SHM")) }},
	{"environment of the host", func() error {
		for _, e := range os.Environ() {
			if strings.Contains(e, "LEAK") {
				return nil
			}
		}
		return errors.New("none")
	}},
}

// bindAttempts are for a program that sees a directory of the machine's twice,
// at /ro and /rw: what is in it makes TestEscape.
var bindAttempts = []attempt{
	{"write through a read-only bind", writes("/ro/file", "x")},
	{"make a file in a read-only bind", func() error { return os.WriteFile("/ro/new", nil, 0o666) }},
	{"remove a file of a read-only bind", func() error { return os.Remove("/ro/file") }},
	{"change a mode in a read-only bind", func() error { return os.Chmod("/ro/file", 0o777) }},
	{"remount a bind writable", func() error { return unix.Mount("", "/ro", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"unmount a bind", func() error { return unix.Unmount("/ro", unix.MNT_DETACH) }},
	{"write to what is mounted below a read-only bind", func() error { return os.WriteFile("/ro/inner/new", nil, 0o666) }},
	{"hard link out of a bind", func() error { return os.Link("/ro/file", "/paper/linked") }},
	{"hard link out of a writable bind", func() error { return os.Link("/rw/file", "/paper/linked") }},
	{"hard link from one bind to the other", func() error { return os.Link("/ro/file", "/rw/linked") }},
	{"hard link into a bind", func() error { return os.Link("/bin/sh", "/rw/linked") }},
	{"move out of a bind", func() error { return os.Rename("/rw/file", "/paper/moved") }},
	{"link of the bind's to the host", func() error { return opens("/ro/link") }},
	{"dot dot out of a bind", func() error { return wantHost("/ro/../../../..") }},
	{"dot dot from a descriptor", func() error {
		fd, err := unix.Open("/ro/dir", unix.O_PATH, 0)
		if err != nil {
			return nil
		}
		return fdErr(unix.Openat(fd, "../../../../../.."+os.Getenv("HOST_FILE"), unix.O_RDONLY, 0))
	}},
	{"dot dot from a moved directory", func() error {
		fd, err := unix.Open("/rw/dir/inner", unix.O_PATH, 0)
		if err != nil {
			return nil
		}
		if err := os.Rename("/rw/dir/inner", "/rw/moved"); err != nil {
			return nil
		}
		defer os.Rename("/rw/moved", "/rw/dir/inner")
		return fdErr(unix.Openat(fd, "../../../../../.."+os.Getenv("HOST_FILE"), unix.O_RDONLY, 0))
	}},
	{"device in a bind", func() error { return opens("/ro/device") }},
	{"make a device in a bind", func() error { return unix.Mknod("/rw/made", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) }},
	{"setuid program in a bind", becomesAnother("/ro/setuid")},
	{"own setuid program in a bind", func() error {
		if err := os.Chmod("/rw/own", 0o6777); err != nil {
			return err
		}
		return becomesAnother("/rw/own")()
	}},
	{"socket in a bind", connects("unix", "/ro/socket")},
	{"datagram to a socket in a bind", connects("unixgram", "/ro/datagrams")},
}
