package report

import "repro/format/manifest"

// Run is the record of one run of an image's steps.
type Run struct {
	Version   int              `json:"version"`
	Image     string           `json:"image"`
	ContentID manifest.Digest  `json:"contentId"`
	Paper     manifest.Paper   `json:"paper"`
	Verify    *Verify          `json:"verify,omitempty"`
	By        *manifest.Author `json:"by,omitempty"` // who ran it, by their own word
	Machine   Machine          `json:"machine"`
	Isolation Isolation        `json:"isolation"`
	Started   string           `json:"started"`  // RFC 3339, UTC
	Finished  string           `json:"finished"` //
	Steps     []StepStatus     `json:"steps"`
	Findings  []Finding        `json:"findings"`
	Counts    Counts           `json:"counts"`
	Outputs   []OutputFile     `json:"outputs,omitempty"`
	Quick     bool             `json:"quick,omitempty"`     // only the recipe's quick profile was run
	LeftOut   []string         `json:"leftOut,omitempty"`   // results and claims of which it says nothing
	Changed   []string         `json:"changed,omitempty"`   // what was set otherwise than the image says
	Notebooks []string         `json:"notebooks,omitempty"` // that are published, and that steps saw without their outputs
	Kept      []string         `json:"kept,omitempty"`      // finished steps that a run of the same can go on with
	Repeat    *Repeat          `json:"repeat,omitempty"`    // what a second run showed
}

// Repeat is what running all steps a second time showed, on the same machine
// and with the same settings.
type Repeat struct {
	Steps      []StepStatus `json:"steps"`
	Files      int          `json:"files"`           // outputs that either run left
	Moved      []MovedFile  `json:"moved,omitempty"` // those that are not the same in both
	Results    []Finding    `json:"results"`         // the second run's results compared to the first's, by kind but without tolerance
	Reproduced int          `json:"reproduced"`      // published results that came out again in the second run, too
}

// MovedFile is an output that is not the same in two runs.
type MovedFile struct {
	Path   string          `json:"path"`             // absolute, as steps see it
	First  manifest.Digest `json:"first,omitempty"`  // empty: not left
	Second manifest.Digest `json:"second,omitempty"` //
}

// Machine is where a run took place.
type Machine struct {
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory"` // bytes
	Kernel string `json:"kernel"`
	Repro  string `json:"repro"` // version of this program
}

// Isolation says how the steps were kept apart from the machine.
type Isolation struct {
	Level      string   `json:"level"`                // namespaces, or no-proc if the user asked for that
	Namespaces []string `json:"namespaces,omitempty"` // user, mount, pid, ipc, uts, network, cgroup, time: those of each step's own
	Landlock   int      `json:"landlock,omitempty"`   // version of the second wall around files
	Layers     string   `json:"layers"`               // fuse, extracted or kernel
	Reason     string   `json:"reason"`               // why layers are provided so
	Writes     Writes   `json:"writes,omitzero"`      // where what steps write went
	Limits     Limits   `json:"limits,omitzero"`      // who held them to their memory
	Net        bool     `json:"net"`                  // the host's network was reachable
	Binds      []string `json:"binds,omitempty"`      // what of the machine steps could see: SOURCE:TARGET, with :rw if they could write there
	GPU        *GPU     `json:"gpu,omitempty"`        // steps could compute on it
	Notes      []string `json:"notes,omitempty"`      // what this machine did not offer
}

// GPU is a machine's NVIDIA driver, as steps saw it: an input of the run that
// the image does not hold.
type GPU struct {
	Driver  string     `json:"driver,omitempty"` // version, as the kernel's part says it
	Devices []string   `json:"devices"`          // nodes in /dev
	Files   []HostFile `json:"files"`            // libraries and programs
}

// HostFile is a file of the machine's that steps saw.
type HostFile struct {
	Path   string          `json:"path"`   // on the machine, without symbolic links
	Target string          `json:"target"` // where steps saw it
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest"`
}

// Writes says where the layers lay that steps wrote to, and what bounded them.
type Writes struct {
	To    string `json:"to"`             // disk, or memory: a filesystem that lies there
	Disk  int64  `json:"disk,omitempty"` // bytes for each step; absent: what there was, less a reserve
	Files int64  `json:"files"`          // for each step
}

// Limits says who held steps to their memory and processes: the kernel, or
// repro, which looks ten times a second.
type Limits struct {
	By     string `json:"by,omitempty"`     // control group, repro, or process: each by itself; absent: no step ran
	Reason string `json:"reason,omitempty"` // why not a control group
}

// StepStatus is what became of one step.
type StepStatus struct {
	Name    string `json:"name"`
	Status  string `json:"status"` // done, failed, timed out, killed, skipped
	Exit    int    `json:"exit"`
	Signal  string `json:"signal,omitempty"`
	Started string `json:"started,omitempty"` // RFC 3339, UTC; empty if it never did
	WallMS  int64  `json:"wallMs"`
	CPUMS   int64  `json:"cpuMs"`             // user and system, of all its processes
	MaxRSS  int64  `json:"maxRss"`            // bytes
	Written int64  `json:"written,omitempty"` // bytes that its processes wrote, to files and pipes
	Kept    bool   `json:"kept,omitempty"`    // done in the run that this one went on with
	Log     string `json:"log,omitempty"`     // path of its output, relative to the run's directory
	CPU     string `json:"cpu,omitempty"`     // the profile that it was held to
	Core    string `json:"core,omitempty"`    // for which OpenBLAS chose its code, where it said so
	Problem string `json:"problem,omitempty"`
	Place   *Place `json:"place,omitempty"` // where it ran, of a run that was spread over workers
}

// OutputFile is one file that a step left.
type OutputFile struct {
	Path   string          `json:"path"` // absolute, as the steps see it
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest"`
}
