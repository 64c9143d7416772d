package report

import "repro/format/manifest"

// What `repro diff` finds about one object, layer or file.
const (
	DiffAdded   = "added"   // only in the second image
	DiffRemoved = "removed" // only in the first
	DiffChanged = "changed" // in both, and not the same
	DiffStored  = "stored"  // a layer: the same files, stored in other bytes
)

// Diff is what `repro diff` found between two images, A and B.
type Diff struct {
	Version int         `json:"version"`
	A       DiffImage   `json:"a"`
	B       DiffImage   `json:"b"`
	Verdict Verdict     `json:"verdict"` // Identical, SameContent or Differs
	Reason  string      `json:"reason"`  // one line for a person
	Values  []DiffValue `json:"values,omitempty"`
	Objects []DiffEntry `json:"objects,omitempty"` // but for layers and their hash trees
	Layers  []DiffLayer `json:"layers,omitempty"`
	Omitted int64       `json:"omitted,omitempty"` // values beyond those listed
}

// DiffImage is one of two images.
type DiffImage struct {
	Image     string          `json:"image"` // as the caller named it
	Size      int64           `json:"size"`
	ContentID manifest.Digest `json:"contentId,omitempty"` // none for a foreign image
}

// DiffValue is a value of the manifest that differs: of the paper, the
// environment, a step or a result.
type DiffValue struct {
	Where string `json:"where"` // "paper/title", "steps/fit/command/1"
	A     string `json:"a,omitempty"`
	B     string `json:"b,omitempty"`
}

// DiffEntry is an object or a file that differs.
type DiffEntry struct {
	Name   string `json:"name"`             // of an object; the absolute path of a file
	Change string `json:"change"`           // DiffAdded, DiffRemoved or DiffChanged
	What   string `json:"what,omitempty"`   // one line for a person
	Diff   string `json:"diff,omitempty"`   // unified text diff, shortened
	Worst  *Worst `json:"worst,omitempty"`  // where numbers are furthest apart
	SizeA  int64  `json:"sizeA,omitempty"`  // bytes
	SizeB  int64  `json:"sizeB,omitempty"`  //
	KindAs string `json:"kindAs,omitempty"` // the comparer that explained the difference
}

// DiffLayer is a layer that differs.
type DiffLayer struct {
	Name    string      `json:"name"`
	Change  string      `json:"change"` // DiffAdded and so on
	What    string      `json:"what,omitempty"`
	Added   int64       `json:"added"`   // files of all kinds
	Removed int64       `json:"removed"` //
	Changed int64       `json:"changed"` //
	Files   []DiffEntry `json:"files,omitempty"`
	Omitted int64       `json:"omitted,omitempty"` // files beyond those listed
}
