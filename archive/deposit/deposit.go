// Package deposit is what is known of a deposit when its documents are written:
// plain values, and what follows from them. Packages that write documents take a
// [Deposit] and return bytes.
package deposit

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"repro/archive/container"
	"repro/build/sbom"
	"repro/format/manifest"
	"repro/recipe"
	"repro/report"
)

// Folders of the payload.
const (
	Inputs     = "inputs"
	Outputs    = "outputs"
	Runs       = "runs"
	Provenance = "provenance"
	SBOM       = "sbom"
	Signatures = "signatures"
	Submission = "submission"
	Runner     = "runner"
	Licences   = "LICENSES" // as REUSE has them
)

// Folders says for a person what is in each folder of the payload.
var Folders = map[string]string{
	Inputs:     "Code and data of the experiment, as they stand in the image.",
	Outputs:    "Results as they were published: tables, figures, numbers.",
	Runs:       "Records of runs: what was executed, on which machine, and what came out.",
	Provenance: "How the image was built and what its runs gave, as in-toto statements.",
	SBOM:       "Every software package in the image, its version and licence, as SPDX and as CycloneDX.",
	Signatures: "Signatures over the image, and the public keys to check them with.",
	Submission: "The same facts in the forms that repositories and journals take.",
	Licences:   "The full texts of the licences of code and data.",
	Runner:     "How to take the image apart, check and run it without any program of ours, and the program itself if it was put in.",
}

// File is a small file.
type File struct {
	Name    string // without a folder
	Content []byte
}

// Entry is one file of the payload.
type Entry struct {
	Path string // slash-separated, from the root of the crate
	Size int64
	Mode fs.FileMode
	Kind string // what it is, for the crate: image, recipe, input, published, run, ...
	Open func() (io.ReadCloser, error)
	container.Digests
}

// Run is the record of one run.
type Run struct {
	*report.Run
	Dir    string            // in the payload: runs/1
	Output map[string]string // where an output that steps see as the key lies in the payload
}

// External is a file of data that is kept elsewhere.
type External struct {
	Path   string // in the payload
	Source string // URL
	SHA256 string
	Size   int64 // 0: not stated
}

// Deposit is a deposit without the contents of its files.
type Deposit struct {
	Manifest  *manifest.Manifest
	Recipe    *recipe.Recipe
	ContentID manifest.Digest // of the image
	Date      time.Time       // of the image
	ImageName string          // in the deposit
	ImageSize int64
	Software  *sbom.Inventory // of the environment
	Verified  *report.Verify  // nil until the image was read
	Entries   []*Entry        // of the payload, as far as it is written
	Runs      []*Run
	External  []External

	DOI       string // of the deposit; empty: none is reserved
	Publisher string // empty: not known yet
	Keys      []File // public keys that the deposit holds
	Alone     bool   // a crate alone, not in a bag
	NoImage   bool   // the image is left out
	Beside    bool   // it lies beside the deposit
	Anonymous bool   // says nothing of whose work it is
	Program   bool   // holds the program that runs it
}

// Sorted returns the entries in byte order of their paths.
func (d *Deposit) Sorted() []*Entry {
	return slices.SortedFunc(slices.Values(d.Entries), func(a, b *Entry) int { return strings.Compare(a.Path, b.Path) })
}

// Find returns the entry at a path, or nil.
func (d *Deposit) Find(name string) *Entry {
	for _, e := range d.Entries {
		if e.Path == name {
			return e
		}
	}
	return nil
}

// Holds reports whether there is a file below dir.
func (d *Deposit) Holds(dir string) bool {
	return slices.ContainsFunc(d.Entries, func(e *Entry) bool { return strings.HasPrefix(e.Path, dir+"/") })
}

// Bytes is the size of the payload.
func (d *Deposit) Bytes() (n int64) {
	for _, e := range d.Entries {
		n += e.Size
	}
	return n
}

// URN names the deposit: a version 8 UUID (RFC 9562 section 5.8) that derives
// from the image.
func (d *Deposit) URN() string {
	sum := sha256.Sum256([]byte("repro deposit 1\x00" + string(d.ContentID) + "\x00"))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Description says what the deposit is, in the author's words if there are any.
func (d *Deposit) Description() string {
	if a := d.Manifest.Paper.Abstract; a != "" {
		return a
	}
	return fmt.Sprintf("The computational experiment behind %q: environment, code, data, steps and published results, ready to be re-run and compared.", d.Manifest.Paper.Title)
}

// LastRun returns the last run whose record is there, or nil.
func (d *Deposit) LastRun() *report.Run {
	if len(d.Runs) == 0 {
		return nil
	}
	return d.Runs[len(d.Runs)-1].Run
}

// Maker returns the step among whose outputs p is or lies, or that lies in p,
// and that output; "" if there is none.
func (d *Deposit) Maker(p string) (step, output string) {
	for _, s := range d.Manifest.Steps {
		for _, o := range s.Outputs {
			if o == p || strings.HasPrefix(p, o+"/") || strings.HasPrefix(o, p+"/") {
				return s.Name, o
			}
		}
	}
	return "", ""
}

// MostMemory is the most that a step of a recorded run used, or was allowed, for
// a person; "" if neither is known.
func (d *Deposit) MostMemory() string {
	var most int64
	for _, r := range d.Runs {
		for _, s := range r.Steps {
			most = max(most, s.MaxRSS)
		}
	}
	if most == 0 {
		for _, s := range d.Manifest.Steps {
			most = max(most, s.Memory)
		}
	}
	if most == 0 {
		return ""
	}
	return Size(most)
}
