// Package capture turns an observed run of a command into what an image is built
// from: the record of what was read, executed and written, the steps and results
// for the recipe, and the closure, the files without which the command does not
// run. SPEC.md, part CAP.
//
// [Run] observes, [Record] is the document repro.capture.json, [Record.Draft]
// says what the recipe gets of it, and [Record.Closure] is the environment.
package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
)

// FileName is what a record is called in an experiment's folder.
const FileName = "repro.capture.json"

// Version is the version of the record that this package writes and the only
// one that it reads.
const Version = 1

// Limits on records.
const (
	MaxSize  = 1 << 30   // bytes
	MaxSteps = 1000      // of one record
	MaxFiles = 5_000_000 // of one step, and the same of links, folders and written files
)

// Record is the document repro.capture.json (CAP-1). Steps are in the order of their
// capture; all other lists are in byte order, so that the same run gives the
// same lists.
type Record struct {
	Version  int       `json:"repro_capture"`
	Machine  Machine   `json:"machine"`
	Folder   string    `json:"folder"` // of the experiment, where the record lies; absolute
	Steps    []Step    `json:"steps"`
	Packages []Package `json:"packages"` // that own files which the steps read

	was string // folder in which it was captured, if it has been moved
}

// Machine is where the steps were captured.
type Machine struct {
	System string `json:"system,omitempty"` // of /etc/os-release, for people
	Kernel string `json:"kernel,omitempty"`
	Arch   string `json:"arch"` // as in GOARCH
}

// Step is one captured command (CAP-2).
type Step struct {
	Name    string            `json:"name"`
	Command []string          `json:"command"`
	Dir     string            `json:"dir"` // absolute
	Env     map[string]string `json:"env"` // variables that the step is to have

	// Absolute says that something which the step used names the experiment's
	// folder by its path.
	Absolute bool `json:"absolute,omitempty"`

	Observed    Observed `json:"observed"`
	Started     string   `json:"started"` // RFC 3339
	WallMS      int64    `json:"wall_ms"`
	Exit        int      `json:"exit"` // -1 if a signal ended it
	Signal      string   `json:"signal,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`

	Programs []Program  `json:"programs"`
	Files    []File     `json:"files"`
	Links    []Link     `json:"links"`
	Folders  []string   `json:"folders"`
	Listed   []Listing  `json:"listed,omitempty"` // folders of the experiment whose names it read
	Written  []Written  `json:"written"`
	Network  []Contact  `json:"network"`
	NotTaken []Omission `json:"not_taken"`
	Denied   []string   `json:"denied,omitempty"` // places where it wanted to write and could not
	Left     []string   `json:"left,omitempty"`   // programs that outlived it and were ended
}

// Observed says how a step was watched (CAP-3).
type Observed struct {
	Way     string   `json:"way"`               // view or calls
	Refused string   `json:"refused,omitempty"` // why not view
	Blind   []string `json:"blind"`             // what that way cannot see
}

// Program is one program that was executed. Parent is the index of the one
// that started it, -1 for the first.
type Program struct {
	Parent  int      `json:"parent"`
	Path    string   `json:"path"`
	Args    []string `json:"args"`
	Dir     string   `json:"dir"`
	StartMS int64    `json:"start_ms"`
}

// File is a file that was there before the step, with the content that the
// step found (CAP-4).
type File struct {
	Path       string          `json:"path"`
	Digest     manifest.Digest `json:"digest"`
	Size       int64           `json:"size"`
	Executable bool            `json:"executable,omitempty"`
	Read       bool            `json:"read"`              // else only looked at
	Package    string          `json:"package,omitempty"` // that owns it: [Package.ID]
	Unsteady   bool            `json:"unsteady,omitempty"`
}

// Link is a symbolic link that the step followed or looked at.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// Written is a file that the step made, changed or removed (CAP-5).
type Written struct {
	Path   string          `json:"path"`
	Before manifest.Digest `json:"before,omitempty"` // of what was there
	After  manifest.Digest `json:"after,omitempty"`  // of what the step left
	Size   int64           `json:"size,omitempty"`   // of that
	Set    string          `json:"set,omitempty"`    // below the record's folder: where what the step left was set aside, as the file was left as before
	Same   bool            `json:"same,omitempty"`   // what the step left is the same result in other bytes
}

// Contact is an address that a program talked to.
type Contact struct {
	Kind    string `json:"kind"` // ip, unix or other
	Address string `json:"address"`
	Program int    `json:"program"`
}

// Omission is something that was used and is not taken into an image.
type Omission struct {
	Kind    string `json:"kind"` // file or variable
	Name    string `json:"name"`
	Why     string `json:"why"`
	Include string `json:"include"` // what to do to have it after all
}

// Package is one that owns files which were read.
type Package struct {
	Kind    string   `json:"kind"` // deb, rpm, pypi, conda or cran
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Arch    string   `json:"arch,omitempty"`
	Where   string   `json:"where"`   // database or folder that records it
	Records []string `json:"records"` // files that say what it is, for the bill of materials
}

// ID names the package within a record.
func (p Package) ID() string {
	if p.Kind == "deb" || p.Kind == "rpm" {
		return p.Kind + ":" + p.Name + ":" + p.Arch
	}
	return p.Kind + ":" + p.Name + "@" + p.Where
}

// Parse reads a record. The name is that of its file and serves messages only.
func Parse(name string, b []byte) (*Record, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%s: %d bytes: at most %d are read", name, len(b), MaxSize)
	}
	r := &Record{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("%s: not a record of a capture: %w", name, err)
	}
	if dec.More() {
		return nil, fmt.Errorf("%s: not a record of a capture: more than one document", name)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// check refuses what no capture writes and what could mislead its readers.
func (r *Record) check() error {
	switch {
	case r.Version != Version:
		return fmt.Errorf("version %d: this program reads version %d", r.Version, Version)
	case !cleanAbs(r.Folder):
		return fmt.Errorf("folder %q: not a clean absolute path", r.Folder)
	case len(r.Steps) > MaxSteps:
		return fmt.Errorf("%d steps: at most %d are read", len(r.Steps), MaxSteps)
	}
	names := map[string]bool{}
	for i := range r.Steps {
		s := &r.Steps[i]
		if names[s.Name] {
			return fmt.Errorf("step %q: stands there twice", s.Name)
		}
		names[s.Name] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("step %q: %w", s.Name, err)
		}
	}
	for _, p := range r.Packages {
		for _, name := range append([]string{p.Where}, p.Records...) {
			if !cleanAbs(name) {
				return fmt.Errorf("package %q: %q: not a clean absolute path", p.Name, name)
			}
		}
	}
	return nil
}

func (s *Step) check() error {
	if max(len(s.Files), len(s.Links), len(s.Folders), len(s.Listed), len(s.Written)) > MaxFiles {
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	if len(s.Command) == 0 {
		return fmt.Errorf("no command")
	}
	paths := []string{s.Dir}
	for _, f := range s.Files {
		paths = append(paths, f.Path)
		if _, err := f.Digest.Sum(); err != nil || f.Size < 0 {
			return fmt.Errorf("file %q: no digest or size", f.Path)
		}
	}
	for _, l := range s.Links {
		paths = append(paths, l.Path)
		if l.Target == "" {
			return fmt.Errorf("link %q: leads nowhere", l.Path)
		}
	}
	for _, w := range s.Written {
		paths = append(paths, w.Path)
	}
	for _, l := range s.Listed {
		paths = append(paths, l.Path)
	}
	for _, name := range append(paths, s.Folders...) {
		if !cleanAbs(name) {
			return fmt.Errorf("%q: not a clean absolute path", name)
		}
	}
	for i, p := range s.Programs {
		if p.Parent < -1 || p.Parent >= i {
			return fmt.Errorf("program %d: its parent is %d", i, p.Parent)
		}
	}
	return nil
}

// cleanAbs reports whether a path may stand in a record.
func cleanAbs(name string) bool {
	return path.IsAbs(name) && path.Clean(name) == name && !strings.ContainsRune(name, 0)
}

// Marshal writes the record: lists in their order, two spaces of indentation.
func (r *Record) Marshal() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(r)
	return out.Bytes(), err
}

// Step returns the step of a name, or nil.
func (r *Record) Step(name string) *Step {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Steps[i]
}

// put replaces the step of the same name, or adds one.
func (r *Record) put(s Step) {
	if old := r.Step(s.Name); old != nil {
		*old = s
		return
	}
	r.Steps = append(r.Steps, s)
}

// inside reports whether name is dir or lies below it.
func inside(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

// below returns name relative to dir, if it lies below it.
func below(name, dir string) (string, bool) {
	if dir == "/" {
		return strings.TrimPrefix(name, "/"), name != "/"
	}
	return strings.CutPrefix(name, dir+"/")
}
