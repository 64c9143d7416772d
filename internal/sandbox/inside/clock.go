//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// startClock is how long the machine seems to have been up when a program
// starts, in seconds: long enough for a program that looks back a while.
const startClock = 1000

// cloneNewTime is CLONE_NEWTIME, which the clone system call has no room for:
// only what process 1 starts next gets the new clocks.
const cloneNewTime = kernel.CLONE_NEWTIME

// newClocks gives the program clocks of its own that count from startClock, in
// place of the time since the machine was started, by which it could be told
// from others (time_namespaces(7)). The time of day stays the machine's. False
// where the kernel has no such namespaces, as before Linux 5.6.
func newClocks() bool {
	if syscall.Unshare(cloneNewTime) != nil {
		return false
	}
	var offsets string
	for _, clock := range []int{kernel.CLOCK_MONOTONIC, kernel.CLOCK_BOOTTIME} {
		now, err := kernel.Seconds(clock)
		if err != nil {
			return false
		}
		offsets += strconv.Itoa(clock) + " " + strconv.FormatInt(startClock-now, 10) + " 0\n"
	}
	// The namespace is this thread's: "self" would be the process's first.
	name := "/proc/" + strconv.Itoa(syscall.Gettid()) + "/timens_offsets"
	return os.WriteFile(name, []byte(offsets), 0) == nil
}
