// Package report holds what verify, inspect, run, compare, calibrate and diff
// found, as versioned JSON documents: the vocabulary that those who find and
// those who show have in common. Package view shows them as text, HTML,
// Markdown and forms.
package report

import (
	"strings"

	"repro/format/manifest"
)

// Version is the version of the reports below.
const Version = 1

// Verdict is what a comparison found, strictest first. SPEC.md, part CMP.
type Verdict string

// The ladder of verdicts.
const (
	Identical       Verdict = "identical"        // the same bytes
	SameContent     Verdict = "same content"     // bytes differ only in what carries no result
	SameAsPrinted   Verdict = "same as printed"  // every printed digit of the published file agrees
	WithinSpread    Verdict = "within spread"    // within the recorded spread
	WithinTolerance Verdict = "within tolerance" // within what the recipe states
	Differs         Verdict = "differs"          //
	Missing         Verdict = "missing"          // no new file
	NeedsEyes       Verdict = "needs eyes"       // not decidable by program
)

// Reproduced reports whether v counts as reproduced.
func (v Verdict) Reproduced() bool {
	switch v {
	case Identical, SameContent, SameAsPrinted, WithinSpread, WithinTolerance:
		return true
	}
	return false
}

// Finding is what was found about one published result.
type Finding struct {
	Result    string        `json:"result"`
	Claim     string        `json:"claim,omitempty"`
	Published string        `json:"published"`
	Output    string        `json:"output"`
	Kind      string        `json:"kind"`          // the comparer that decided
	Rule      manifest.Rule `json:"rule,omitzero"` // by which it was asked to
	Verdict   Verdict       `json:"verdict"`
	Reason    string        `json:"reason"`             // one line for a person
	Compared  int64         `json:"compared,omitempty"` // so many were compared
	Counted   string        `json:"counted,omitempty"`  // of what: "pixels", "marks" of a drawing; "": numbers
	Differing int64         `json:"differing,omitempty"`
	Digits    *Digits       `json:"digits,omitempty"`
	Worst     *Worst        `json:"worst,omitempty"`
	Judged    []Judged      `json:"judged,omitempty"` // how published numbers were read where new ones differ in their text
	Set       string        `json:"set,omitempty"`    // the published set that was met
	Cells     *Cells        `json:"cells,omitempty"`  // of a notebook
	Score     string        `json:"score,omitempty"`  // of pictures whose pixels differ: structural similarity, 0 to 1
	Diff      string        `json:"diff,omitempty"`   // unified text diff, shortened
}

// What a finding counts, if not numbers.
const (
	CountedPixels = "pixels"
	CountedMarks  = "marks"
)

// Judged is how the numbers of one group were written, which says what a
// published one of them stands for.
type Judged struct {
	Group   string `json:"group"`   // "column acc", "/a/*/b", "number 2 of lines like line 3"
	Numbers int64  `json:"numbers"` // published
	Written string `json:"written"` // "3 decimals", "whole numbers", "in full"
	Changed int64  `json:"changed"` // of those compared, with another text
}

// Cells is what was found about the code cells of a notebook, or of those that
// the rule names.
type Cells struct {
	Code    int    `json:"code"`    // published
	Ran     int    `json:"ran"`     // of these, found in the new notebook, with outputs or nothing to show
	Differ  int    `json:"differ"`  // of these, not reproduced
	Missing int    `json:"missing"` // not in the new notebook
	New     int    `json:"new"`     // not in the published one
	List    []Cell `json:"list,omitempty"`
}

// Cell is one cell that is not the same.
type Cell struct {
	Cell    int     `json:"cell"` // of the published notebook, or, if only the new one has it, of that; from 1
	Source  string  `json:"source"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	Parts   []Part  `json:"parts,omitempty"`
}

// Part is one output of a cell, or its source, on both sides.
type Part struct {
	Name      string  `json:"name"` // "source", "stdout", "result 1, text/plain"
	Verdict   Verdict `json:"verdict"`
	Reason    string  `json:"reason"`
	Published string  `json:"published,omitempty"` // text, shortened; of pictures base64, if small
	New       string  `json:"new,omitempty"`
	Type      string  `json:"type,omitempty"` // of pictures, as image/png
}

// Digits speaks of significant decimal digits over all numbers of a result.
type Digits struct {
	Published string `json:"published"`    // least and most printed, "15" or "3-15"
	Obtained  string `json:"obtained"`     // least over the numbers that lose any, one decimal: "4.4"; as Published if none does
	Of        int    `json:"of,omitempty"` // digits published of the number that Obtained speaks of
	Asked     int    `json:"asked,omitempty"`
}

// Worst is the place where published and new are furthest apart.
type Worst struct {
	Where     string `json:"where"` // "line 3, number 2", "row SmLs07, column value", "/a/0/b", "pixel 3,4"
	Published string `json:"published"`
	New       string `json:"new"`
	Absolute  string `json:"absolute,omitempty"`
	Relative  string `json:"relative,omitempty"`
	ULP       string `json:"ulp,omitempty"`
}

// Counts sums the verdicts over a paper.
type Counts struct {
	Results    int             `json:"results"`
	Reproduced int             `json:"reproduced"`
	Verdicts   map[Verdict]int `json:"verdicts"`
}

// Count sums findings.
func Count(findings []Finding) Counts {
	c := Counts{Results: len(findings), Verdicts: map[Verdict]int{}}
	for _, f := range findings {
		c.Verdicts[f.Verdict]++
		if f.Verdict.Reproduced() {
			c.Reproduced++
		}
	}
	return c
}

// Compare is what `repro compare` found.
type Compare struct {
	Version  int       `json:"version"`
	Findings []Finding `json:"findings"`
	Counts   Counts    `json:"counts"`
}

// What `repro verify` finds about an image.
const (
	ImageSigned    = "signed"     // canonical, intact, and covered by a signature of whom was asked
	ImageNotSigned = "not signed" // by whom was asked
	ImageAltered   = "altered"    // an object has not the content that was bound or signed
	ImageMalformed = "malformed"  // the file breaks the layout
)

// What `repro verify` finds about a signature.
const (
	SignatureValid      = "valid"          // made by a key that was given, over the whole of what is signed
	SignatureUnanchored = "unanchored"     // the same, but the key has expired or was retired since, and only the signer says that it was made before
	SignatureInvalid    = "invalid"        // not made by that key, or not then, or about something else
	SignatureUnknown    = "unknown signer" // no key that was given made it
	SignatureExpired    = "expired"        // made after its key had expired, or outside the time for which it is trusted
	SignatureRevoked    = "revoked"        // its key is revoked
	SignatureWeak       = "weak"           // broken cryptography
	SignatureMalformed  = "malformed"      // the block breaks the rules
)

// Verify is what `repro verify` found about one image.
type Verify struct {
	Version    int               `json:"version"`
	Image      string            `json:"image"` // as the caller named it
	Size       int64             `json:"size"`
	ContentID  manifest.Digest   `json:"contentId,omitempty"`
	Foreign    bool              `json:"foreign,omitempty"` // another program made the file
	Canonical  bool              `json:"canonical"`         // every byte of the file is explained
	Intact     bool              `json:"intact"`            // every object has the content that the manifest binds
	Verdict    string            `json:"verdict"`           // ImageSigned and so on
	Reason     string            `json:"reason"`            // one line for a person
	Objects    []ObjectStatus    `json:"objects"`
	Signatures []SignatureStatus `json:"signatures"`
	Times      []TimeStatus      `json:"times,omitempty"`  // what time-stamping authorities said
	Policy     *PolicyStatus     `json:"policy,omitempty"` // none if only keys were given

	Attestations []Attestation `json:"attestations,omitempty"` // what others say of it

	Problems []string `json:"problems,omitempty"` // everything found wrong, most important first
}

// Headline is the verdict on an image and the reason for it, for one line. The
// verdict "not signed" is not said of what carries a signature that nobody asked
// for: the reason says so in better words.
func Headline(verdict, reason string) string {
	if verdict == ImageNotSigned && (strings.HasPrefix(reason, "signed by ") || strings.HasPrefix(reason, "unsigned")) {
		return reason
	}
	return verdict + ": " + reason
}

// PolicyStatus is what a policy asks, and whether it is met.
type PolicyStatus struct {
	Name   string          `json:"name"`
	Serial int             `json:"serial,omitempty"`
	Digest manifest.Digest `json:"digest"` // of the policy file
	Rules  []RuleStatus    `json:"rules"`
}

// RuleStatus is what was found about one rule of a policy.
type RuleStatus struct {
	Rule    string   `json:"rule"` // in words
	Met     bool     `json:"met"`
	Wanted  int      `json:"wanted,omitempty"`  // different persons
	Persons []string `json:"persons,omitempty"` // who count
	Found   string   `json:"found"`             // in words
}

// ObjectStatus is what was found about one object.
type ObjectStatus struct {
	ID      uint32        `json:"id"`
	Name    string        `json:"name"`
	Role    manifest.Role `json:"role,omitempty"`
	Size    int64         `json:"size"`
	Mounted string        `json:"mounted,omitempty"` // where steps see it
	Intact  bool          `json:"intact"`
	Unbound bool          `json:"unbound,omitempty"` // not intact only because no signature that counts says what content it should have
	OnRead  bool          `json:"onRead,omitempty"`  // a layer or its hash tree, of which each block is checked when it is read, and was not before
	Signers []string      `json:"signers,omitempty"` // fingerprints whose valid signature covers it
	Problem string        `json:"problem,omitempty"`
}

// SignatureStatus is what was found about one signature.
type SignatureStatus struct {
	ObjectID    uint32   `json:"objectId,omitempty"` // 0 for a detached signature
	Beside      bool     `json:"beside,omitempty"`   // programs for SIF files pass it over
	Kind        string   `json:"kind"`               // openpgp, dsse or sigstore
	Status      string   `json:"status"`             // SignatureValid and so on
	Fingerprint string   `json:"fingerprint,omitempty"`
	Signer      string   `json:"signer,omitempty"`     // user id or the name the caller gave
	Person      string   `json:"person,omitempty"`     // whose key it is by the policy
	Roles       []string `json:"roles,omitempty"`      // of that person
	Trusted     bool     `json:"trusted"`              // by a key that the caller named
	Time        string   `json:"time,omitempty"`       // by the signer's own word
	AnchoredAt  string   `json:"anchoredAt,omitempty"` // it was there then, by the word of AnchoredBy
	AnchoredBy  []string `json:"anchoredBy,omitempty"` // authorities that the caller named
	Problem     string   `json:"problem,omitempty"`
}

// What a time stamp is worth.
const (
	TimeCounts    = "counts"
	TimeUnknown   = "unknown authority" // nobody whom the caller named made it
	TimeInvalid   = "invalid"           // the authority did not make it, or might not then, or has failed since
	TimeOther     = "other"             // about something else
	TimeWeak      = "weak"              // broken cryptography
	TimeMalformed = "malformed"         // it breaks the rules
)

// TimeStatus is what was found about one time stamp in a time record.
type TimeStatus struct {
	ObjectID  uint32 `json:"objectId,omitempty"`  // of the record; 0 outside the image
	Status    string `json:"status"`              // TimeCounts and so on
	Time      string `json:"time,omitempty"`      // that it states
	Authority string `json:"authority,omitempty"` // by the caller's name, or whose it claims to be
	Problem   string `json:"problem,omitempty"`   // why it does not count, or soon may not
}

// Inspect is what `repro inspect` says of one SIF file.
type Inspect struct {
	Version   int                `json:"version"`
	Image     string             `json:"image"` // as the caller named it
	Size      int64              `json:"size"`
	ContentID manifest.Digest    `json:"contentId,omitempty"`
	UUID      string             `json:"uuid"`
	Canonical bool               `json:"canonical"`
	Problems  []string           `json:"problems,omitempty"` // where the layout is not canonical
	Manifest  *manifest.Manifest `json:"manifest,omitempty"` // none for a foreign image
	Objects   []InspectObject    `json:"objects"`            // as the descriptors list them
}

// InspectObject is what one descriptor of a SIF file says.
type InspectObject struct {
	ID     uint32          `json:"id"`
	Name   string          `json:"name"`
	Type   string          `json:"type"`
	Role   manifest.Role   `json:"role,omitempty"` // from the manifest
	Group  uint32          `json:"group,omitempty"`
	Link   uint32          `json:"link,omitempty"`
	Offset int64           `json:"offset"`
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest,omitempty"` // from the manifest
}

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

// Doctor is what `repro doctor` found out about a machine.
type Doctor struct {
	Version   int       `json:"version"`
	Machine   Machine   `json:"machine"`
	Runs      bool      `json:"runs"`                // images can be run here
	Isolation string    `json:"isolation,omitempty"` // the strongest that works: namespaces or no-proc; absent: none
	Layers    string    `json:"layers"`              // how, as in Isolation
	Features  []Feature `json:"features"`            // most important first
}

// Feature is one thing that a machine may offer to a run.
type Feature struct {
	Name   string `json:"name"`
	Works  bool   `json:"works"`
	Needed bool   `json:"needed,omitempty"` // nothing runs without
	Detail string `json:"detail"`           // what it gives, or what happens without it, and why
	Ask    string `json:"ask,omitempty"`    // what to ask the administrator for
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
