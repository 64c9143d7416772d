//go:build linux && (amd64 || arm64)

package inside

import (
	"sync/atomic"
	"syscall"
	"time"
)

// memoryInterval is how often memory is added up. A program that allocates as
// fast as it can gets some hundred megabytes past its limit in that time.
const memoryInterval = 100 * time.Millisecond

// Process 1 spends at most one part in memoryShare of its time on adding up,
// but is never blind for longer than maxMemoryPause: a program could slow it
// down on purpose, with many processes and descriptors.
const (
	memoryShare    = 50
	maxMemoryPause = 10 * time.Second
)

// memoryWatch adds up what the sandbox holds and kills its processes when that
// is too much, where no control group does. SPEC.md, RUN-16.
type memoryWatch struct {
	over     atomic.Bool
	segments int  // a descriptor of /proc/sysvipc/shm, or -1
	queues   int  // of /proc/sysvipc/msg, or -1
	sockets  bool // the network is the sandbox's own, so all sockets in it are
}

func (w *memoryWatch) exceeded() bool { return w.over.Load() }

// start watches until process 1 ends.
func (w *memoryWatch) start(limit int64) {
	go func() {
		for pause := memoryInterval; ; {
			time.Sleep(pause)
			began := time.Now()
			// The first sum is quick and never too small; only if it is too
			// large, ask for the exact and slower one.
			if w.most() > limit && w.exact() > limit {
				w.over.Store(true)
				_ = syscall.Kill(-1, syscall.SIGKILL)
			}
			pause = min(max(memoryInterval, memoryShare*time.Since(began)), maxMemoryPause)
		}
	}()
}

// most is at least what the sandbox holds: pages that processes share count for
// each of them, and the shared memory of the whole machine counts as if it were
// the sandbox's.
func (w *memoryWatch) most() (sum int64) {
	for _, p := range processes() {
		s := statusOf(p)
		sum += s.private + s.pipes
	}
	return sum + machineShared() + w.buffers()
}

// exact is what the sandbox holds, each page counted once.
func (w *memoryWatch) exact() (sum int64) {
	shared := sharedObjects{}
	for _, p := range distinct(processes()) {
		sum += shared.addProcess(p)
	}
	pipes := shared.addOpen(openFiles())
	shared.addSegments(content(w.segments))
	return sum + shared.bytes() + pipes*pipeBytes + heldIn("/dev/shm") + heldIn("/run") + w.buffers()
}

// buffers is what the kernel holds for the sandbox in queues of messages and in
// sockets.
func (w *memoryWatch) buffers() int64 {
	sum := queuedBytes(content(w.queues))
	if w.sockets {
		sum += socketBytes()
	}
	return sum
}

// heldIn is what the files of a filesystem in memory take.
func heldIn(dir string) int64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize
}
