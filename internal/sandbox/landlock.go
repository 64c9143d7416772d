//go:build linux && (amd64 || arm64)

package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock (landlock(7)) is a second wall around files: what does not lie
// below the root that was just built, the program cannot open, whatever
// descriptor or link it may have found. Signals and abstract sockets do not
// leave the sandbox either.

// landlockRights is how many rights on files each version of Landlock knows.
// The first version is not used: it forbids all moves between directories.
var landlockRights = []int{2: 14, 3: 15, 4: 15, 5: 16}

// landlockScopes is the first version that keeps signals and abstract sockets
// in.
const landlockScopes = 6

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

// landlockVersion is what the kernel offers; 0 is none.
func landlockVersion() int {
	const versionFlag = 1
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, versionFlag)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// newLandlock returns a descriptor of rules that allow everything below the
// root, or -1 where the kernel has none.
func newLandlock() int {
	version := landlockVersion()
	if version < 2 {
		return -1
	}
	rights := uint64(1)<<landlockRights[min(version, len(landlockRights)-1)] - 1
	set, size := landlockRuleset{files: rights}, unsafe.Sizeof(uint64(0))
	if version >= landlockScopes {
		set.scoped, size = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET|unix.LANDLOCK_SCOPE_SIGNAL, unsafe.Sizeof(set)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&set)), size, 0)
	if errno != 0 {
		return -1
	}
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	defer unix.Close(root)
	rule := landlockBeneath{allowed: rights, parent: int32(root)}
	_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	runtime.KeepAlive(&rule)
	if errno != 0 {
		unix.Close(int(fd))
		return -1
	}
	return int(fd)
}
