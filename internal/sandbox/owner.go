//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"sync"
)

// stranger is the user of the host as which programs run when repro is run by
// root: one from the range that systemd reserves for foreign images, so that
// nothing on the machine belongs to it.
const stranger = 2147352576 + UID

// identity is the host's user that programs inside really are.
type identity struct {
	uid, gid int
	drop     bool // another than the caller's: root becomes the stranger
}

var owner = sync.OnceValue(func() identity {
	if os.Geteuid() == 0 && mapped("/proc/self/uid_map", stranger) && mapped("/proc/self/gid_map", stranger) {
		return identity{uid: stranger, gid: stranger, drop: true}
	}
	return identity{uid: os.Geteuid(), gid: os.Getegid()}
})

// mapped reports whether id exists in this user namespace.
func mapped(table string, id uint64) bool {
	f, err := os.Open(table)
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var inside, outside, size uint64
		if n, _ := fmt.Sscan(s.Text(), &inside, &outside, &size); n == 3 && id >= inside && id-inside < size {
			return true
		}
	}
	return false
}

// ServedOwner is the user and group of files in a layer that is served.
func ServedOwner() (uid, gid uint32) {
	if o := owner(); o.drop {
		return uint32(o.uid), uint32(o.gid)
	}
	return UID, GID
}

// Owner returns the user and group of the host to which every directory that a
// program is to write in or read privately must belong, and whether that is
// another than the caller's.
func Owner() (uid, gid int, other bool) {
	o := owner()
	return o.uid, o.gid, o.drop
}
