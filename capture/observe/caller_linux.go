//go:build linux && (amd64 || arm64)

package observe

import (
	"os"
	"slices"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// caller is whoever runs the command.
type caller struct {
	uid, gid uint32
	groups   []int
	alone    bool // in a user namespace where nobody else has a number
}

func whoAmI() caller {
	c := caller{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	c.groups, _ = os.Getgroups()
	c.alone = c.uid != 0 || !trulyRoot()
	return c
}

// owner is whom a file belongs to, as the command sees it. In a user namespace
// all belong to the caller: the kernel could not copy what belongs to somebody
// without a number there, such as a folder on the way to what the command
// changes, to the upper layer of an overlay.
func (c caller) owner(st *unix.Stat_t) fuse.Owner {
	if c.alone {
		return fuse.Owner{Uid: c.uid, Gid: c.gid}
	}
	return fuse.Owner{Uid: st.Uid, Gid: st.Gid}
}

// mode has the kernel decide about a file as it does outside: an owner that is
// none may what the group or others may.
func (c caller) mode(st *unix.Stat_t) uint32 {
	mode := st.Mode
	switch {
	case !c.alone || st.Uid == c.uid:
	case st.Gid == c.gid || slices.Contains(c.groups, int(st.Gid)):
		mode = mode&^0o700 | mode&0o70<<3
	default:
		mode = mode&^0o700 | mode&0o7<<6
	}
	return mode
}

// trulyRoot reports whether user 0 here is user 0 of the machine, with the
// capability to mount.
func trulyRoot() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil || strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295" {
		return false
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}
