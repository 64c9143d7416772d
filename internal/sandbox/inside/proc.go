//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"path"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// hidden are the entries of /proc that say something about the machine that no
// experiment asks, or that act on it.
var hidden = []string{
	"acpi", "asound", "scsi", "bus", "fs", "irq", // hardware, and knobs for it
	"cmdline", "config.gz", "modules", "kallsyms", "kcore", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", // the kernel's inside
	"keys", "key-users", "locks", "latency_stats", "sched_debug", "schedstat", "timer_list", "timer_stats", // other users' doings
	"diskstats", "partitions", "swaps", "mtrr", "iomem", "ioports", "interrupts", "slabinfo", "vmallocinfo", "pagetypeinfo",
	"loadavg", "pressure", "buddyinfo", "zoneinfo", "softirqs", "vmstat", // what else goes on
	"sysrq-trigger", "sysvipc",
	"sys/kernel/random/boot_id", // an identity of the machine
}

// driverFiles is one more, for programs that have no devices: a driver's
// library asks there for its own.
const driverFiles = "driver"

// procFiles are files of /proc that process 1 alone has, open before they are
// hidden; -1 where the kernel has none.
type procFiles struct {
	firstPID int // takes the number of the process before the next one
	segments int // lists System V segments
	queues   int // lists System V queues of messages
}

// newProc makes a /proc at the place of the machine's, from where it is moved
// into the root, and hides what nobody needs there.
func newProc() (proc int, files procFiles, err error) {
	files = procFiles{-1, -1, -1}
	proc, err = kernel.NewMount("proc", kernel.MOUNT_ATTR_NOSUID|kernel.MOUNT_ATTR_NODEV|kernel.MOUNT_ATTR_NOEXEC, nil)
	if err != nil {
		return 0, files, &stepError{Proc, err}
	}
	if err := kernel.MoveMount(proc, "", kernel.AT_FDCWD, "/proc", kernel.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return 0, files, &stepError{Proc, err}
	}
	for _, f := range []struct {
		fd   *int
		name string
		flag int
	}{
		{&files.firstPID, "sys/kernel/ns_last_pid", syscall.O_WRONLY},
		{&files.segments, "sysvipc/shm", syscall.O_RDONLY}, {&files.queues, "sysvipc/msg", syscall.O_RDONLY},
	} {
		if fd, err := syscall.Open("/proc/"+f.name, f.flag|syscall.O_CLOEXEC, 0); err == nil {
			*f.fd = fd
		}
	}
	for _, name := range hidden {
		if err := hide(path.Join("/proc", name)); err != nil {
			return 0, files, err
		}
	}
	return proc, files, bindReadOnly("/proc/sys")
}

// hide hides a file behind /dev/null and a directory behind an empty tmpfs.
func hide(name string) error {
	var st syscall.Stat_t
	err := syscall.Lstat(name, &st)
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	// No link can stand in the way here: the names are the kernel's.
	switch {
	case err != nil:
	case st.Mode&syscall.S_IFMT == syscall.S_IFDIR:
		const closed = syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
		err = syscall.Mount("tmpfs", name, "tmpfs", closed, "mode=0555,size=4k")
	default:
		err = syscall.Mount("/dev/null", name, "", syscall.MS_BIND, "")
	}
	if err != nil {
		return &stepError{"hide " + name, err}
	}
	return nil
}

func bindReadOnly(name string) error {
	if err := syscall.Mount(name, name, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return &stepError{"bind " + name, err}
	}
	return setReadOnly(name, syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC)
}

// fixFirstPID asks that the program gets the same process number in every run.
// It is an aid to determinism, not a promise: kernels without
// checkpoint/restore have no such setting.
func fixFirstPID(fd int) {
	if fd >= 0 {
		_, _ = syscall.Write(fd, []byte("99"))
		syscall.Close(fd)
	}
}
