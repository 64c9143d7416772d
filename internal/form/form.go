// Package form reads forms that people fill in: a small, plain subset of YAML.
// One document, no anchors, aliases, tags or merge keys, no doubled or unknown
// keys, no guessing between text and numbers. Everything that is wrong is
// reported at once, each with its line and column.
package form

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"repro/internal/pattern"
)

// Limits on forms.
const (
	MaxSize     = 1 << 20  // bytes
	MaxDepth    = 8        // mappings and lists within each other
	MaxNodes    = 100_000  // keys and values
	MaxText     = 64 << 10 // bytes of one text
	maxProblems = 100      // that one error lists
)

// Form is what one form has of its own.
type Form struct {
	Name      string            // what messages call it: "policy"
	Empty     string            // what to tell those whose file is empty; may be empty
	Spellings map[string]string // words that people use for keys that are called otherwise; nil: no keys are suggested
	Trim      bool              // line breaks at the end of a text do not count
	Digests   bool              // 64 hexadecimal digits are text, even those that read as a number
	Exact     bool              // merge keys and doubled unknown keys are reported as such, and where a byte is not UTF-8
	Entries   int               // most entries of one list or mapping; 0: as many as MaxNodes allows
}

// Node is a value in a form.
type Node = yaml.Node

// Pos is a place in a form; lines and columns count from 1.
type Pos struct{ Line, Column int }

// At returns where n stands.
func At(n *Node) Pos { return Pos{n.Line, n.Column} }

// Error says all that is wrong with a form, in the order of its lines.
type Error struct {
	Name     string // of the file
	Problems []Problem
}

// Problem is one thing that is wrong with a form, or with what it names.
type Problem struct {
	Pos  Pos // zero: with the form as a whole
	Text string
}

// Error lists the problems, one a line, as name:line:column: text.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.Name, p.Pos.Line, p.Pos.Column, p.Text)
		if p.Pos == (Pos{}) {
			lines[i] = e.Name + ": " + p.Text
		}
	}
	return strings.Join(lines, "\n")
}

// Read reads the form b, which messages call name, and hands what it holds to
// read. It returns nil or an [*Error].
func (f Form) Read(name string, b []byte, read func(*Reader, *Node)) error {
	r := &Reader{form: f}
	if root := r.load(b); root != nil {
		read(r, root)
	}
	if r.OK() {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return &Error{Name: name, Problems: r.problems}
}

// Reader reads the values of one form and collects what is wrong with them.
type Reader struct {
	form     Form
	problems []Problem
	nodes    int
}

// OK reports whether nothing was wrong so far.
func (r *Reader) OK() bool { return len(r.problems) == 0 }

// Errorf reports a problem at n.
func (r *Reader) Errorf(n *Node, format string, args ...any) { r.ErrorAt(At(n), format, args...) }

// ErrorAt reports a problem at a place.
func (r *Reader) ErrorAt(at Pos, format string, args ...any) {
	switch {
	case len(r.problems) < maxProblems:
		r.problems = append(r.problems, Problem{at, fmt.Sprintf(format, args...)})
	case len(r.problems) == maxProblems:
		r.problems = append(r.problems, Problem{at, "too many errors: the rest is not shown"})
	}
}

// load returns what b holds, or nil if b is not plain YAML within the limits.
func (r *Reader) load(b []byte) *Node {
	start := Pos{1, 1}
	if len(b) > MaxSize {
		r.ErrorAt(start, "%d bytes: a %s has at most %d", len(b), r.form.Name, MaxSize)
		return nil
	}
	if !utf8.Valid(b) {
		at := start
		if r.form.Exact {
			at = badUTF8(b)
		}
		r.ErrorAt(at, "not valid UTF-8: save the file as UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		r.ErrorAt(start, "%s", strings.TrimSuffix("empty: "+r.form.Empty, ": "))
		return nil
	} else if err != nil {
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		r.Errorf(&second, "a second YAML document: a %s is one document", r.form.Name)
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	root := doc.Content[0]
	if !r.plain(root, 1) {
		return nil
	}
	return root
}

// yamlLine finds the line in the messages of the YAML library.
var yamlLine = pattern.New(`^yaml: (?:line (\d+): )?(.*)$`)

func (r *Reader) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		r.ErrorAt(Pos{1, 1}, "not YAML: %q", err)
		return
	}
	line, _ := strconv.Atoi(m[1])
	r.ErrorAt(Pos{max(line, 1), 1}, "not YAML: %q", m[2])
}

func badUTF8(b []byte) Pos {
	pos := Pos{1, 1}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			break
		}
		pos.Column++
		if r == '\n' {
			pos = Pos{pos.Line + 1, 1}
		}
		b = b[n:]
	}
	return pos
}

// plain checks the limits and refuses what YAML has beyond mappings, lists and
// scalars. It reports whether the tree below n can be used at all.
func (r *Reader) plain(n *Node, depth int) bool {
	switch r.nodes++; {
	case r.nodes > MaxNodes:
		r.Errorf(n, "more than %d keys and values", MaxNodes)
		return false
	case depth > MaxDepth:
		r.Errorf(n, "nested more than %d deep", MaxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		r.Errorf(n, "alias %q: a %s has no aliases; write the value again", "*"+n.Value, r.form.Name)
		return false
	case n.Anchor != "":
		r.Errorf(n, "anchor %q: a %s has no anchors", "&"+n.Anchor, r.form.Name)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.Errorf(n, "tag %q: a %s has no tags; put text in quotes instead", n.Tag, r.form.Name)
		return false
	case len(n.Value) > MaxText:
		r.Errorf(n, "text of %d bytes: at most %d are allowed", len(n.Value), MaxText)
		return false
	case r.form.Entries > 0 && len(n.Content) > 2*r.form.Entries:
		r.Errorf(n, "more than %d entries", r.form.Entries)
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = r.plain(c, depth+1) && ok
	}
	return ok
}
