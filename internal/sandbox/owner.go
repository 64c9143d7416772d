//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"sync"
)

// stranger is the user of the host as whom programs run when root runs repro: one
// from the range that systemd reserves for foreign images. Nothing on the
// machine belongs to it.
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

// WhoRuns returns the identity of programs that this process runs.
func WhoRuns() Identity {
	o := owner()
	i := Identity{UID: o.uid, GID: o.gid, IsOther: o.drop, ServedUID: UID, ServedGID: GID}
	if o.drop {
		i.ServedUID, i.ServedGID = uint32(o.uid), uint32(o.gid)
	}
	return i
}
