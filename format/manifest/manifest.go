package manifest

import "slices"

// Version is the version of the manifest that this package writes and
// the only one that it reads.
const Version = 1

// Manifest is an image's first object. It binds every other object of the
// image and says what the image is: whose work, which steps, which published
// results. SPEC.md, part MAN.
type Manifest struct {
	Version     int         `json:"version"`
	Paper       Paper       `json:"paper"`
	Arch        string      `json:"arch"` // as in GOARCH
	Environment Environment `json:"environment"`
	Objects     []Object    `json:"objects"` // in slot order, from slot 2; signatures and attestations excluded
	Steps       []Step      `json:"steps"`
	Results     []Result    `json:"results"`
	External    []External  `json:"external,omitempty"` // data that the image only names, in the order of the recipe
	Claims      []Claim     `json:"claims,omitempty"`
	Notebooks   []string    `json:"notebooks,omitempty"` // absolute paths of published notebooks that steps see without outputs (MAN-12a)
	Draft       bool        `json:"draft,omitempty"`     // something is still left open: not for signing or archiving (MAN-12)
}

// Hiding is the steps with the outputs that are taken from the root before any
// runs (SPEC.md RUN-2): all but the notebooks that steps see without outputs.
func (m *Manifest) Hiding() []Step {
	out := slices.Clone(m.Steps)
	for i := range out {
		out[i].Outputs = slices.DeleteFunc(slices.Clone(out[i].Outputs), func(name string) bool { return slices.Contains(m.Notebooks, name) })
	}
	return out
}

// Experiment is a digest of what is run: the steps, and the trees of the layers
// that they see. Two images with the same one are runs of the same experiment,
// whatever else is in them.
func (m *Manifest) Experiment() (Digest, error) {
	of := struct {
		Layers []Digest `json:"layers"`
		Steps  []Step   `json:"steps"`
	}{Steps: m.Steps}
	for _, o := range m.Objects {
		if o.Role == RoleLayer && o.Layer != nil {
			of.Layers = append(of.Layers, o.Layer.Content)
		}
	}
	b, err := Marshal(of)
	return DigestOf(b), err
}

// Paper describes the published work.
type Paper struct {
	Title    string   `json:"title"`
	Authors  []Author `json:"authors"`
	Licence  string   `json:"licence,omitempty"` // an SPDX expression
	Date     string   `json:"date"`              // RFC 3339, UTC, whole seconds; every time in the image
	DOI      string   `json:"doi,omitempty"`
	Keywords []string `json:"keywords,omitempty"`
	Abstract string   `json:"abstract,omitempty"`
}

// Author is one author of the paper.
type Author struct {
	Name        string `json:"name"`
	ORCID       string `json:"orcid,omitempty"` // 0000-0000-0000-000X
	Affiliation string `json:"affiliation,omitempty"`
	Email       string `json:"email,omitempty"`
}

// Environment says where the environment layer came from.
type Environment struct {
	Kind   string `json:"kind"`             // rootfs, tar, oci, sif, host or capture
	Source string `json:"source,omitempty"` // as the recipe names it
	Digest Digest `json:"digest,omitempty"` // of the source, where it is a file or has a digest of its own
}

// External is a file of data that is kept elsewhere and that steps see only
// when whoever runs them brings it.
type External struct {
	Path   string `json:"path"`   // absolute, as steps see it
	Source string `json:"source"` // an address, or "doi:" and a DOI
	Digest Digest `json:"digest"`
	Size   int64  `json:"size,omitempty"` // bytes; 0: not stated
}

// Role says what an object is for.
type Role string

// The roles of the objects that a manifest lists.
const (
	RoleRecipe  Role = "recipe"  // the author's repro.yaml, byte for byte
	RoleInspect Role = "inspect" // what `apptainer inspect` reads
	RoleSBOM    Role = "sbom"    // software bill of materials
	RoleLayer   Role = "layer"   // squashfs, part of the root that steps see
	RoleHidden  Role = "hidden"  // squashfs, published results: never part of the root
	RoleTree    Role = "tree"    // hash tree of the layer in the slot before
)

// Object is what the manifest says of one other object of the image.
type Object struct {
	ID     uint32 `json:"id"` // slot number from 1
	Name   string `json:"name"`
	Role   Role   `json:"role"`
	Size   int64  `json:"size"` // bytes, without padding
	Digest Digest `json:"digest"`
	Layer  *Layer `json:"layer,omitempty"` // for RoleLayer and RoleHidden
}

// Layer is what the manifest says of a squashfs object.
type Layer struct {
	Root      Digest `json:"root"`      // fs-verity digest of the object: the root of its hash tree
	Content   Digest `json:"content"`   // of the uncompressed tree, independent of codec and block size
	Codec     string `json:"codec"`     // as internal/codec names it
	BlockSize int    `json:"blockSize"` // bytes
	Files     int64  `json:"files"`     // inodes of every kind
	Bytes     int64  `json:"bytes"`     // sum of the sizes of regular files
}

// Step is one command of the experiment.
type Step struct {
	Name    string            `json:"name"`
	Command []string          `json:"command"` // argv; the first is looked up in PATH
	Dir     string            `json:"dir"`     // absolute
	Env     map[string]string `json:"env,omitempty"`
	Needs   []string          `json:"needs,omitempty"`   // names of steps
	Inputs  []string          `json:"inputs,omitempty"`  // absolute paths
	Outputs []string          `json:"outputs,omitempty"` // absolute paths
	CPU     string            `json:"cpu,omitempty"`     // profile: native, portable-v2, portable-v3; empty: native
	CPUs    int               `json:"cpus,omitempty"`    // 0: one
	Ranks   int               `json:"ranks,omitempty"`   // processes that mpirun starts, each with CPUs processors; 0: without mpirun
	Memory  int64             `json:"memory,omitempty"`  // bytes; 0: no limit
	Time    int64             `json:"time,omitempty"`    // seconds; 0: no limit
	Takes   int64             `json:"takes,omitempty"`   // seconds that it took the author; 0: not stated
	Fixed   []string          `json:"fixed,omitempty"`   // FixedAddresses, FixedClock: what does not change from run to run
	Quick   *Quick            `json:"quick,omitempty"`   // what is otherwise in the quick profile
}

// What a step can ask to be held still. SPEC.md, RUN-7b and RUN-7c.
const (
	FixedAddresses = "addresses" // no randomisation of the address space
	FixedClock     = "clock"     // the time of day stands still at the paper's date
)

// Quick is how a step differs in the quick profile, for whoever has minutes
// and not days. What it does not name stays as it is.
type Quick struct {
	Skip    bool              `json:"skip,omitempty"`    // not run at all, nor what needs it; nothing else is set then
	Command []string          `json:"command,omitempty"` // in place of the step's
	Env     map[string]string `json:"env,omitempty"`     // over the step's
	Time    int64             `json:"time,omitempty"`    // seconds, in place of the step's limit
	Takes   int64             `json:"takes,omitempty"`   // seconds that it took the author
}

// Result is one published result and the rule by which a new one is compared
// to it.
type Result struct {
	Name      string   `json:"name"`
	Output    string   `json:"output"`             // absolute path at which the steps leave the new file
	Published string   `json:"published"`          // path in the hidden layer, slash-separated, not rooted
	Quick     string   `json:"quick,omitempty"`    // path in the hidden layer of what the quick profile leaves, to compare with then
	Sets      []string `json:"sets,omitempty"`     // further published files of the same experiment, as Published: how far it moves
	SetNames  []string `json:"setNames,omitempty"` // of Published, then of Sets
	Claim     string   `json:"claim,omitempty"`
	Compare   Rule     `json:"compare"`
}

// Claim is one number that the paper's text gives, and where a new one is
// found. Exactly one of Cell, Pointer and Pattern is set.
type Claim struct {
	Name    string    `json:"name"`
	Value   string    `json:"value"`             // as printed
	Text    string    `json:"text,omitempty"`    // the sentence, or what it is
	Output  string    `json:"output"`            // absolute path of the file that the steps leave
	Cell    *Cell     `json:"cell,omitempty"`    // of a table
	Pointer string    `json:"pointer,omitempty"` // RFC 6901, of a JSON file
	Pattern string    `json:"pattern,omitempty"` // RE2 with one group, of a text; must match once
	Compare Tolerance `json:"compare,omitzero"`
}

// Cell is one cell of a csv table: where the row that begins with Row meets
// the column that is named Column.
type Cell struct {
	Row    string `json:"row"`
	Column string `json:"column"`
}

// Rule says how a new result is compared to the published one. The zero value
// chooses the kind by content and extension and accepts no difference in any
// printed digit.
//
// Tolerances are decimal numbers kept as text ("1e-9"), so that documents hold
// no floating-point numbers.
type Rule struct {
	Kind     string   `json:"kind,omitempty"`     // SPEC.md CMP-3; empty: chosen
	Absolute string   `json:"absolute,omitempty"` // |new-published| at most
	Relative string   `json:"relative,omitempty"` // |new-published| / |published| at most
	ULP      int64    `json:"ulp,omitempty"`      // float64 steps apart at most
	Digits   int      `json:"digits,omitempty"`   // significant digits that must agree at least, of those published
	Norm     string   `json:"norm,omitempty"`     // |new-published| / largest |published| of the column or array at most
	Numbers  string   `json:"numbers,omitempty"`  // how published ones were written: "exact", "rounded" or "cut"; empty: read from their group
	Whole    bool     `json:"whole,omitempty"`    // these tolerances cover numbers that count or name things, too
	Omit     []string `json:"omit,omitempty"`     // csv: columns that are not compared
	Blanks   string   `json:"blanks,omitempty"`   // text: "free": how many blanks and empty lines there are carries nothing
	Cells    []string `json:"cells,omitempty"`    // ipynb: only these are compared: numbers from 1, tags, or /RE2/ of their source
	Keys     []string `json:"keys,omitempty"`     // csv: columns that name a row; row order is then free
	Score    string   `json:"score,omitempty"`    // pictures: least structural similarity, 0 to 1
	Ignore   []string `json:"ignore,omitempty"`   // text: regular expressions (RE2) masked on both sides
	Masks    []string `json:"masks,omitempty"`    // text: what else is masked, by name: SPEC.md CMP-46
	Only     []string `json:"only,omitempty"`     // text: only lines that match one of these (RE2) are compared
	From     string   `json:"from,omitempty"`     // text: only from a line that matches (RE2) ...
	To       string   `json:"to,omitempty"`       // ... to before the next that matches this, or the end
	Signs    string   `json:"signs,omitempty"`    // "columns" or "rows": each may come with all its signs reversed
	Random   bool     `json:"random,omitempty"`   // moves from run to run; judged by a spread
	Spread   string   `json:"spread,omitempty"`   // path in the hidden layer of a Spread

	Columns map[string]Tolerance `json:"columns,omitempty"` // csv: for the column of that name instead of the rule's own
}

// Tolerance says which differences between two numbers are accepted: those
// that one of its parts accepts.
type Tolerance struct {
	Absolute string `json:"absolute,omitempty"`
	Relative string `json:"relative,omitempty"`
	ULP      int64  `json:"ulp,omitempty"`
	Digits   int    `json:"digits,omitempty"`
	Norm     string `json:"norm,omitempty"`
	Numbers  string `json:"numbers,omitempty"`
}

// Tolerance is the part of the rule that holds for every number.
func (r Rule) Tolerance() Tolerance {
	return Tolerance{Absolute: r.Absolute, Relative: r.Relative, ULP: r.ULP, Digits: r.Digits, Norm: r.Norm, Numbers: r.Numbers}
}
