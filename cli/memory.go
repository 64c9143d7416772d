package cli

import (
	"math"
	"os"
	"runtime/debug"
)

// readingMemory is how much memory a command that only reads an image takes
// before the garbage collector works harder, in bytes. Its caches take less.
const readingMemory = 192 << 20

// collectLate has the garbage collector of a command that only reads an image
// wait: little of what such a command allocates lives long, and a program that
// is over in milliseconds need not collect at all: not before it has allocated
// 40 MiB.
func collectLate() {
	debug.SetMemoryLimit(readingMemory)
	debug.SetGCPercent(1000)
}

// comparingMemory is when the collector begins to work harder, in bytes, so
// that no pair of files takes more than half a gibibyte.
const comparingMemory = 384 << 20

// collectForComparing sets that for a command that compares results, unless
// its user has set another (GOMEMLIMIT).
func collectForComparing() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(comparingMemory)
	}
}

// archivingMemory is when the collector of a command that makes a deposit begins to
// work harder, in bytes: one of 27,000 small files then takes less than 200 MiB.
const archivingMemory = 112 << 20

// collectForArchiving sets that, unless the user has set another (GOMEMLIMIT).
func collectForArchiving() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(archivingMemory)
	}
}

// collectForBuilding has the collector of a build or a capture wait: what a build allocates
// anew is little beside its buffers, which it uses again, so each collection
// mostly goes over the description of the tree once more. A build of a 4 GiB
// file and one of 100,000 files stay well below 400 MiB.
func collectForBuilding() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}
