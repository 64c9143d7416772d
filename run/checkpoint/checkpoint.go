// Package checkpoint keeps what a later run can resume from, and finds it again.
// SPEC.md, RUN-30 to RUN-32.
//
// What finished steps wrote stays in the scratch directory until the run ends
// well, and a file in the run's folder says where that is. So a run that was
// interrupted, even by a power cut, or of which a step failed can be resumed. No
// step can see either place.
package checkpoint

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"repro/engine"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/filestat"
	"repro/internal/pattern"
	"repro/internal/rmtree"
	"repro/report"
)

const (
	fileName  = ".repro-kept" // in the run's folder
	ownerFile = "run"         // in the scratch directory: the path of the run's folder
	version   = 1

	upperDir      = "upper"      // in a step's directory: what the step wrote
	scratchPrefix = "repro-run-" // of the scratch directory's name
	maxSize       = 64 << 20     // bytes of the file
)

// DefaultSize bounds what is kept of finished steps after a run, in bytes.
const DefaultSize = 4 << 30

// document is the file in the run's folder.
type document struct {
	Version int    `json:"version"`
	Scratch string `json:"scratch"`
	Steps   []Step `json:"steps"`
}

// Step is a step that is done.
type Step struct {
	Key     manifest.Digest     `json:"key"` // of everything that its files depend on
	Status  report.StepStatus   `json:"status"`
	Outputs []report.OutputFile `json:"outputs"`
	Upper   string              `json:"upper,omitempty"` // directory in the scratch directory; empty: no later step needed it
	Print   manifest.Digest     `json:"print,omitempty"` // its fingerprint
}

var stepName = pattern.New(`^step-[0-9a-f]{12}$`)

// StepDir is the directory below the scratch directory for the step with the
// given key: steps that differ never share one, also if they are of several
// runs.
func StepDir(key manifest.Digest) string { return "step-" + key.Short() }

// NewScratch makes a scratch directory for a run in the folder dir: below parent,
// or TMPDIR if that is empty.
func NewScratch(parent, dir string) (string, error) {
	scratch, err := os.MkdirTemp(parent, scratchPrefix)
	if err != nil {
		return "", engine.NoScratch(parent, err)
	}
	return scratch, os.WriteFile(filepath.Join(scratch, ownerFile), []byte(dir), 0o600)
}

func (d *document) write(dir string) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, fileName), append(b, '\n'), 0o600)
}

// read returns the checkpoint of an earlier run in the folder dir, or nil. One
// that cannot be read, or that names a scratch directory which no run in dir
// made, counts as none.
func read(dir string) *document {
	info, err := os.Lstat(filepath.Join(dir, fileName))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		return nil
	}
	var d document
	if json.Unmarshal(b, &d) != nil || d.Version != version || !isScratchOf(d.Scratch, dir) {
		return nil
	}
	return &d
}

// isScratchOf reports whether scratch is a private directory of this user's that
// a run in the folder dir made.
func isScratchOf(scratch, dir string) bool {
	info, err := os.Lstat(scratch)
	if err != nil || !info.IsDir() || !filestat.IsOurs(info) || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	owner, err := os.ReadFile(filepath.Join(scratch, ownerFile))
	return err == nil && string(owner) == dir
}

// Remove removes the checkpoint in the folder dir and what it points to.
func Remove(dir string) error {
	d := read(dir)
	if d == nil {
		return os.RemoveAll(filepath.Join(dir, fileName))
	}
	return errors.Join(rmtree.Remove(d.Scratch), os.Remove(filepath.Join(dir, fileName)))
}

// RemoveScratch removes what a run left in its scratch directory; keep is true
// if a later run may resume from it.
func RemoveScratch(scratch string, keep bool) error {
	if keep {
		return removeExcept(scratch, isStepOrOwner)
	}
	return rmtree.Remove(scratch)
}

// isStepOrOwner reports whether name is that of a step's directory, or of the
// owner's file, in a scratch directory.
func isStepOrOwner(name string) bool { return name == ownerFile || stepName.MatchString(name) }

// removeExcept removes all entries of dir but those for which keep is true.
func removeExcept(dir string, keep func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if keep(e.Name()) {
			continue
		}
		if err := rmtree.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// fingerprint is that of all files below dir.
func fingerprint(dir string) (manifest.Digest, error) {
	sum, err := filestat.Fingerprint(dir)
	return manifest.DigestSum(sum), err
}
