package run

import (
	"io"

	"repro/compare"
	"repro/internal/progress"
)

// Options choose what is run and with how much of the machine. The zero value,
// with Dir set, runs every step on every processor, without a network.
type Options struct {
	Dir     string   // where outputs and logs go; new, empty or left by an earlier run
	Replace bool     // take Dir even if other files are in it; they stay
	Data    string   // folder that holds the data which the image only names, at their paths below /paper
	Steps   []string // only these, and the steps that they need; none: all
	Twice   bool     // run all of it a second time and say what came out otherwise
	Resume  bool     // go on with what a run that was interrupted, or of which a step failed, left in Dir
	Quick   bool     // the recipe's quick profile in place of the whole experiment
	Change  Change   // what is set otherwise than the image says

	CPUs   int   // processors for all steps together; 0: those that this process may use
	Memory int64 // bytes for all steps together; 0: no limit
	GPU    bool  // let steps use the machine's NVIDIA devices, through its own driver; the report says so
	Net    bool  // let steps use the machine's network; the report says so

	// Isolation is how weak it may be: where the machine does not allow all of
	// it, a weaker one is used if it is named here, and the report says so.
	Isolation Isolation

	Binds []Bind // files of the machine's that steps see; the report says so

	Layers    Layers // how the image's layers get where steps see them
	Cache     string // where extracted layers are kept; empty: the user's cache directory
	CacheSize int64  // bytes of it beside what is in use; 0: DefaultCacheSize
	NoCache   bool   // extract into the scratch directory and remove it afterwards
	Scratch   string // local disk, or a filesystem in memory, for what steps write; empty: TMPDIR
	Disk      int64  // bytes that each step may write there; 0: what the disk has, less a reserve

	OutputSize int64 // bytes that all outputs together may have; 0: DefaultOutputSize
	LogSize    int64 // bytes kept of what each step prints; 0: DefaultLogSize
	KeepSize   int64 // bytes of what finished steps wrote that stay for Resume; 0: DefaultKeepSize, less: none

	Log      io.Writer // gets what steps print as they print it, each line led by the step's name
	Progress progress.Func
	Version  string          // of this program, for the report
	Compare  compare.Options // how results are compared; its Progress is replaced

	copyRoot bool   // for tests: as on a machine without overlays
	gpuRoot  string // for tests: where the driver is looked for in place of /
}

// Layers is a way to provide an image's layers.
type Layers string

// The ways to provide layers.
const (
	LayersAny     Layers = ""        // through FUSE, or extracted where there is none
	LayersFUSE    Layers = "fuse"    // served in place by this process; each block is checked when it is read
	LayersKernel  Layers = "kernel"  // mounted by the kernel's squashfs through loop devices; only for root, and only checked before and after
	LayersExtract Layers = "extract" // extracted into a private directory; each block is checked on the way
)

// Default bounds on what steps leave.
const (
	DefaultOutputSize = 32 << 30
	DefaultLogSize    = 64 << 20
)
