//go:build amd64 || arm64

package observe

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestCaller holds that a file in a user namespace, where all belong to the
// caller, can be read and written by whom it can outside.
func TestCaller(t *testing.T) {
	c := caller{uid: 1000, gid: 100, groups: []int{100, 200}, alone: true}
	for _, f := range []struct {
		uid, gid   uint32
		mode, want uint32
	}{
		{1000, 5, 0o640, 0o640}, {1000, 100, 0o007, 0o007}, // its own
		{0, 100, 0o740, 0o440}, {0, 200, 0o760, 0o660}, {0, 200, 0o777, 0o777}, // of its groups
		{0, 5, 0o744, 0o444}, {0, 5, 0o770, 0o070}, {0, 0, 0o755, 0o555}, // of others
		{0, 0, 0o1777, 0o1777},
	} {
		st := unix.Stat_t{Uid: f.uid, Gid: f.gid, Mode: unix.S_IFREG | f.mode}
		if got := c.mode(&st); got != unix.S_IFREG|f.want {
			t.Errorf("%d:%d %o: shown as %o, want %o", f.uid, f.gid, f.mode, got&0o7777, f.want)
		}
		if o := c.owner(&st); o.Uid != 1000 || o.Gid != 100 {
			t.Errorf("%d:%d: belongs to %+v", f.uid, f.gid, o)
		}
		root := caller{}
		if got, o := root.mode(&st), root.owner(&st); got != st.Mode || o.Uid != f.uid || o.Gid != f.gid {
			t.Errorf("%d:%d %o: root sees %o of %+v", f.uid, f.gid, f.mode, got, o)
		}
	}
}
