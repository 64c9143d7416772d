//go:build linux && (amd64 || arm64)

package inside

import (
	"runtime"
	"syscall"
	"unsafe"

	"repro/internal/sandbox/kernel"
)

// Landlock (landlock(7)) is a second wall around files: what does not lie
// below the root that was just built, the program cannot open, whatever
// descriptor or link it may have found. Signals and abstract sockets do not
// leave the sandbox either.

// landlockRights is how many rights on files each version of Landlock knows.
// The first version is not used: it forbids all moves between directories.
var landlockRights = []int{2: 14, 3: 15, 4: 15, 5: 16}

// LandlockScopes is the first version that keeps signals and abstract sockets
// in.
const LandlockScopes = 6

// landlockRuleset is struct landlock_ruleset_attr.
type landlockRuleset struct {
	files, network, scoped uint64
}

// landlockBeneath is struct landlock_path_beneath_attr, whose 12 bytes are
// packed.
type landlockBeneath struct {
	allowed uint64
	parent  int32
}

// LandlockVersion is what the kernel offers; 0 is none.
func LandlockVersion() int {
	const versionFlag = 1
	version, _, errno := syscall.Syscall(kernel.SYS_LANDLOCK_CREATE_RULESET, 0, 0, versionFlag)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// newLandlock returns a descriptor of rules that allow everything below the
// root, or -1 where the kernel has none.
func newLandlock() int {
	version := LandlockVersion()
	if version < 2 {
		return -1
	}
	rights := uint64(1)<<landlockRights[min(version, len(landlockRights)-1)] - 1
	set, size := landlockRuleset{files: rights}, unsafe.Sizeof(uint64(0))
	if version >= LandlockScopes {
		set.scoped, size = kernel.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET|kernel.LANDLOCK_SCOPE_SIGNAL, unsafe.Sizeof(set)
	}
	fd, _, errno := syscall.Syscall(kernel.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&set)), size, 0)
	if errno != 0 {
		return -1
	}
	root, err := syscall.Open("/", kernel.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	defer syscall.Close(root)
	rule := landlockBeneath{allowed: rights, parent: int32(root)}
	_, _, errno = syscall.Syscall6(kernel.SYS_LANDLOCK_ADD_RULE, fd, kernel.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	runtime.KeepAlive(&rule)
	if errno != 0 {
		syscall.Close(int(fd))
		return -1
	}
	return int(fd)
}
