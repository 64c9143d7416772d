package sandbox

import "golang.org/x/sys/unix"

const nativeArch = unix.AUDIT_ARCH_AARCH64

// x32Bit marks no call here: only x86-64 has a second ABI under its own
// architecture number.
const x32Bit = 0

var (
	nativeRefused []rule
	nativeAllowed []allowance
)
