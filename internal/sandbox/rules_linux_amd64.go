package sandbox

import "golang.org/x/sys/unix"

const nativeArch = unix.AUDIT_ARCH_X86_64

// x32Bit marks the calls of the x32 ABI, which come under x86-64's own
// architecture number.
const x32Bit = 0x40000000

var nativeRules = []rule{
	{calls: []uintptr{unix.SYS_IOPL, unix.SYS_IOPERM}, errno: unix.EPERM,
		why: "the machine's ports"},
	{calls: []uintptr{unix.SYS_MODIFY_LDT}, errno: unix.EPERM,
		why: "16-bit segments: old, rarely read kernel code"},
	{calls: []uintptr{unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_SYSFS, unix.SYS__SYSCTL, unix.SYS_CREATE_MODULE,
		unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE}, errno: unix.ENOSYS,
		why: "dead calls"},
}
