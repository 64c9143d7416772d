// Package kinds is the table of the kinds of comparison: how a file of each is
// told, which options of a rule it takes, what is tried where a file is not of
// it, and how it is shown. Recipes, the comparer and the report all read it, so
// that a kind is added by a row here and a file in package compare.
//
// SPEC.md (CMP-3, CMP-4, RCP-15) and the recipe's schema hold the same table;
// go test ./compare/kinds -update writes it there.
package kinds

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// Kind is one row.
type Kind struct {
	Name       string
	Words      string   // what a file of it is: "a table"
	Starts     []string // how its files begin; none: they are text, told by extension
	At         int      // where Starts stand in a file
	Begins     string   // Starts in words, where their bytes say little
	Extensions string   // each with its dot, a blank between two
	Options    []string // of a rule, beside "kind"
	Next       string   // what is tried where the published file is not of it
	Shown      Shown
	Holds      bool // it holds files of other kinds, whose options a rule for it may have
}

// Shown is how the report shows two files of a kind.
type Shown uint8

// The ways to show files.
const (
	Rows    Shown = iota // rows, lines or values side by side
	Parts                // the same, with few of the equal parts around what differs
	Drawing              // the drawings, and their parts
	Picture              // the pictures
	Pages                // the page that differs, and lines if they are listed
	Scan                 // the pictures, and the samples if they are listed
)

// The names that rules and findings mean something special by.
const (
	Claim  = "claim"  // a number of the paper's text; no rule may name it
	Exact  = "exact"  // bytes
	Text   = "text"   // lines, with numbers in place
	Unread = "unread" // known, but not read: never decided, and no rule may name it
)

// Of is the row of a name; the zero Kind if there is none.
func Of(name string) Kind {
	for i := range table {
		if table[i].Name == name {
			return table[i]
		}
	}
	return Kind{}
}

// All lists the rows in the order in which kinds are looked for.
func All() []Kind { return slices.Clone(table) }

// Names lists the kinds that a rule may name.
func Names() []string {
	var out []string
	for _, k := range table {
		out = append(out, k.Name)
	}
	return out
}

// Takes reports whether a rule for the kind may have an option.
func (k *Kind) Takes(option string) bool { return slices.Contains(k.Options, option) }

// Sniffed is how much of a file [Choose] asks for.
const Sniffed = 4096

// Choose takes the kind from a file's extension, where its first bytes do not
// contradict it (SPEC.md CMP-3).
func Choose(name string, start []byte) string {
	ext := strings.ToLower(path.Ext(name))
	text, other := "", ""
	for i := range table {
		k := &table[i]
		switch {
		case !k.has(ext):
		case len(k.Starts) == 0:
			text = k.Name
		case k.begins(start):
			return k.Name
		case other == "":
			other = k.Next
		}
	}
	switch {
	case other != "":
		return other
	case isUnread(start, ext) || bytes.IndexByte(start, 0) >= 0:
		return Unread
	case text != "":
		return text
	case HasControl(start):
		return Unread
	}
	return Text
}

func (k *Kind) has(ext string) bool {
	return ext != "" && slices.Contains(strings.Fields(k.Extensions), ext)
}

func (k *Kind) begins(start []byte) bool {
	if k.At > len(start) {
		return false
	}
	return slices.ContainsFunc(k.Starts, func(s string) bool { return bytes.HasPrefix(start[k.At:], []byte(s)) })
}

// HasControl reports bytes that text does not hold.
func HasControl(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool {
		return r < 0x20 && !strings.ContainsRune("\t\n\r\f\v\b\x1b", r)
	})
}
