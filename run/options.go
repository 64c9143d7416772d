package run

import (
	"io"

	"repro/compare"
	"repro/engine/local"
	"repro/internal/progress"
	"repro/run/plan"
)

// Options choose what is run and with how much of the machine. The zero value,
// with Dir set, runs every step on every processor, without a network.
type Options struct {
	Dir     string      // where outputs and logs go; new, empty or left by an earlier run
	Replace bool        // use Dir even if other files are in it; they stay
	Data    string      // folder that holds the data which the image only names, at their paths below /paper
	Steps   []string    // only these, and the steps that they need; none: all
	Twice   bool        // run everything a second time and say what came out otherwise
	Resume  bool        // resume a run in Dir that was interrupted, or of which a step failed
	Quick   bool        // the recipe's quick profile in place of the whole experiment
	Change  plan.Change // what is set otherwise than the image says

	CPUs   int   // processors for all steps together; 0: those that this process may use
	Memory int64 // bytes for all steps together; 0: no limit
	GPU    bool  // let steps use the machine's NVIDIA devices, through its own driver; the report says so

	// Host says how steps are isolated from this machine and what they get of
	// it. Its GPU, Reversed and Progress are set by the run.
	Host    local.Options
	Scratch string // local disk, or a filesystem in memory, for what steps write; empty: TMPDIR

	OutputSize int64 // bytes that all outputs together may have; 0: outputs.DefaultSize
	LogSize    int64 // bytes kept of what each step prints; 0: outputs.DefaultLogSize
	KeepSize   int64 // bytes of what finished steps wrote that are kept for Resume; 0: checkpoint.DefaultSize, less: none

	Log      io.Writer // gets what steps print as they print it, each line after the step's name
	Progress progress.Func
	Notice   func(text string) // gets what a person should know while a run goes on
	Version  string            // of this program, for the report
	Compare  compare.Options   // how results are compared; its Progress is replaced

	gpuRoot string // for tests: where the driver is looked for in place of /
}
