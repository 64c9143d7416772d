package cli

import "runtime/debug"

// readingMemory is how much memory a command that only reads an image takes
// before the garbage collector works harder, in bytes. Its caches take less.
const readingMemory = 192 << 20

// collectLate has the garbage collector of a command that only reads an image
// wait: little of what such a command allocates lives long, and a program that
// is over in milliseconds need not collect at all.
func collectLate() {
	debug.SetMemoryLimit(readingMemory)
	debug.SetGCPercent(400)
}
