package inside

import "time"

// What every program sees, wherever it runs.
const (
	Hostname = "repro"
	UID      = 1000 // see SPEC.md, RUN-4: not 0, because programs behave differently for root
	GID      = 1000
)

// Parts of the setup that a caller knows what to do about.
const (
	Overlay = "mount an overlay"
	Proc    = "mount proc"
	Fuse    = "mount layers through FUSE"
)

// Limits bound what the program takes. Zero means no limit where no other
// meaning is given.
type Limits struct {
	Time      time.Duration // wall clock
	Memory    int64         // bytes of all processes together; one alone may map at most twice that. 0: that of the machine
	FileSize  int64         // bytes in one file
	Disk      int64         // bytes of disk under all files that it writes to the root
	Files     int64         // how many there may be; 0: [DefaultFiles]
	Processes int64         // processes and threads; 0: [DefaultProcesses]
	OpenFiles int64         // per process; 0: [DefaultOpenFiles]
}

// Default limits.
const (
	DefaultProcesses = 4096
	DefaultOpenFiles = 4096
	DefaultFiles     = 4 << 20
	stackSize        = 8 << 20 // what most systems give, so that recursion ends alike
)

// Device shows a device node of the machine's to the program.
type Device struct {
	Source string // absolute, on the machine
	Name   string // below /dev, in the root
}

// Isolation says which parts of the isolation a program had, of those that not
// every machine offers.
type Isolation struct {
	Namespaces []string // of its own, as the files in /proc/self/ns are called
	Proc       bool     // a /proc of its own
	Pivoted    bool     // the machine's root is not mounted any more; else it lies under the image's
	Clocks     bool     // a time namespace: clocks that do not tell when the machine was started
	Landlock   int      // version of the second wall around files; 0: none
	Group      bool     // the kernel held it to Limits.Memory and the like, as a control group
	NoGroup    string   // else: why not
}
