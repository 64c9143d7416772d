// Package report holds what verify, inspect, run, compare, calibrate and diff
// found, as versioned JSON documents: the vocabulary that those who find and
// those who show have in common. Package view shows them as text, HTML,
// Markdown and forms.
package report

import "repro/format/manifest"

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
