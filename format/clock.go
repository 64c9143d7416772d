package format

import "repro/format/tree"

// ClockLibraries are the places where an image may have libfaketime, through
// which the clock of a step is held still (SPEC.md, RUN-7c). The first that is
// a regular file counts. Those called MT are for programs with threads.
var ClockLibraries = []string{
	"/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", // Debian
	"/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
	"/usr/lib64/faketime/libfaketimeMT.so.1", // Fedora
	"/usr/lib/faketime/libfaketimeMT.so.1",   // Arch
	"/usr/lib/faketime/libfaketime.so.1",     // Alpine
}

// ClockLibrary returns the path of libfaketime in the root that steps see, or
// "". Lookup finds a file of that root; nil: there is none.
func ClockLibrary(lookup func(name string) *tree.Node) string {
	for _, name := range ClockLibraries {
		if n := lookup(name); n != nil && n.Mode.IsRegular() {
			return name
		}
	}
	return ""
}
