// Package recipe reads the author's repro.yaml: what the experiment consists
// of, which commands make its results, and which published files those results
// are compared with. SPEC.md, part RCP.
//
// A recipe is a small, plain subset of YAML: one document, no anchors, aliases,
// tags or merge keys, no doubled or unknown keys. [Parse] reports everything
// that is wrong with a recipe at once, each with its line and column.
// [Schema] is the same form as a JSON Schema, for editors.
package recipe

import (
	"repro/format/manifest"
	"repro/internal/form"
)

// FileName is what a recipe is called in an experiment's folder.
const FileName = "repro.yaml"

// Version is the version of the form that this package reads.
const Version = 1

// Limits on recipes.
const (
	MaxSize    = form.MaxSize  // bytes of a recipe
	MaxDepth   = form.MaxDepth // mappings and lists within each other
	MaxNodes   = form.MaxNodes // keys and values
	MaxText    = form.MaxText  // bytes of one text
	MaxEntries = 10_000        // entries of one list or mapping
	MaxName    = 64            // bytes of the name of a step or result
	MaxPath    = 4095          // bytes of a path
)

// Recipe is a parsed and checked recipe. Paths in it are clean and relative to
// the recipe's folder unless stated otherwise.
type Recipe struct {
	Name        string         // of the recipe's file, for messages
	Paper       manifest.Paper // Date is empty if the recipe has none
	Environment Environment
	Attributes  []string // extended attributes of files that stay; all others are left out
	Code        []Text   // paths and globs; a leading "!" takes away
	Data        []Data
	NotSecret   []Text // files that may look as if they held keys, tokens or passwords
	Steps       []Step // as written; see Order
	Results     []Result
	Claims      []Claim
	Spread      Text // spread document for the results that name none; each of these has it too
}

// Pos is a place in a recipe; lines and columns count from 1.
type Pos = form.Pos

// Text is a value that package build may have to complain about.
type Text struct {
	Value string
	Pos   Pos
}

// Data is one file, folder or glob of input data.
type Data struct {
	Path    Text
	Source  string
	Licence string
	SHA256  string // 64 lower-case hexadecimal digits, empty if not stated; only of a single file
	Fetch   bool   // kept elsewhere: the image names it, and Source is where it is had
	Size    int64  // bytes, 0 if not stated; only with Fetch
}

// Step is one command of the experiment.
type Step struct {
	Name    string
	Command []string // argv
	Dir     Text     // "." for the recipe's folder
	Env     map[string]string
	Needs   []string // names of steps, those whose outputs are inputs included
	Inputs  []Text
	Outputs []Text
	CPU     string // profile; empty for that of the environment
	CPUs    int    // 0 if not stated
	Ranks   int    // 0 if not stated: without mpirun
	Memory  int64  // bytes, 0 if not stated
	Time    int64  // seconds, 0 if not stated
	Takes   int64  // seconds, 0 if not stated
	Fixed   []string
	Quick   *manifest.Quick // nil if the quick profile has nothing else
	Pos     Pos
}

// Result is one published result.
type Result struct {
	Name      string
	Output    Text
	Published Text
	Sets      []Text   // further published files of the same experiment
	SetNames  []string // of Published, then of Sets; none if they have no names
	Quick     Text     // published file of the quick profile
	Claim     string
	Compare   manifest.Rule
	Spread    Text // Compare.Spread, and where it stands
	pos       Pos
}

// Hidden returns every file that r names and steps must not see.
func (r Result) Hidden() []Text {
	var all []Text
	for _, t := range append([]Text{r.Published, r.Spread, r.Quick}, r.Sets...) {
		if t.Value != "" {
			all = append(all, t)
		}
	}
	return all
}

// Claim is one number that the paper's text gives. Exactly one of Cell,
// Pointer and Pattern is set.
type Claim struct {
	manifest.Claim      // its Output is not set
	Output         Text // the file that a step makes
	Pos            Pos
}

// Problem is one thing that is wrong with a recipe, or with what it names: a
// Pos, zero if it has none, and a Text.
type Problem = form.Problem

// Error says all that is wrong with a recipe: the Name of its file, and the
// Problems, which it prints one a line, as name:line:column: text.
type Error = form.Error

// Order returns the steps so that each comes after those it needs, and
// otherwise as written.
func (r *Recipe) Order() []Step {
	order := make([]Step, 0, len(r.Steps))
	done := make(map[string]bool, len(r.Steps))
	byName := make(map[string]Step, len(r.Steps))
	for _, s := range r.Steps {
		byName[s.Name] = s
	}
	var visit func(s Step)
	visit = func(s Step) {
		if done[s.Name] {
			return
		}
		done[s.Name] = true
		for _, need := range s.Needs {
			visit(byName[need])
		}
		order = append(order, s)
	}
	for _, s := range r.Steps {
		visit(s)
	}
	return order
}
