//go:build linux && (amd64 || arm64)

package inside

import (
	"syscall"

	"repro/internal/sandbox/kernel"
)

// files is the limit that holds.
func (l Limits) files() int64 { return orDefault(l.Files, DefaultFiles) }

// bounded reports whether the user chose a limit.
func (l Limits) bounded() bool { return l.Disk > 0 || l.Files > 0 }

type limit struct {
	resource uintptr
	value    syscall.Rlimit
}

// limits are the resource limits of the program. Process 1 has none: it must
// be able to work when the program has taken everything.
func limits(l Limits) []limit {
	var out []limit
	for _, r := range []struct {
		resource int
		value    int64
	}{
		{syscall.RLIMIT_CORE, 1}, // as good as 0, and the one value that also keeps a crash from the host's core handler
		{syscall.RLIMIT_STACK, stackSize},
		{kernel.RLIMIT_NPROC, orDefault(l.Processes, DefaultProcesses)},
		{syscall.RLIMIT_NOFILE, orDefault(l.OpenFiles, DefaultOpenFiles)},
		{kernel.RLIMIT_MEMLOCK, 64 << 10},
		{kernel.RLIMIT_MSGQUEUE, 800 << 10},
		{syscall.RLIMIT_DATA, orDefault(2*l.Memory, -1)},
		{syscall.RLIMIT_FSIZE, orDefault(l.FileSize, -1)},
	} {
		want := uint64(r.value) // -1 is infinity
		var now syscall.Rlimit
		if syscall.Getrlimit(r.resource, &now) == nil {
			want = min(want, now.Max)
		}
		out = append(out, limit{uintptr(r.resource), syscall.Rlimit{Cur: want, Max: want}})
	}
	return out
}

func orDefault(n, def int64) int64 {
	if n == 0 {
		return def
	}
	return n
}
