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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits on forms.
const (
	MaxSize     = 1 << 20 // bytes
	maxDepth    = 8       // mappings and lists within each other
	maxNodes    = 100_000 // keys and values
	maxText     = 64 << 10
	maxProblems = 100 // that one error lists
)

// Node is a value in a form.
type Node = yaml.Node

// Error says all that is wrong with a form, in the order of its lines.
type Error struct {
	Name     string // of the file
	Problems []Problem
}

// Problem is one thing that is wrong. Lines and columns count from 1.
type Problem struct {
	Line, Column int
	Text         string
}

// Error lists the problems, one a line, as name:line:column: text.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.Name, p.Line, p.Column, p.Text)
	}
	return strings.Join(lines, "\n")
}

// Read reads the form b, which name and what ("policy") describe in messages,
// and hands its mapping to f. It returns nil or an [*Error].
func Read(what, name string, b []byte, f func(*Reader, *Node)) error {
	r := &Reader{what: what}
	if root := r.load(b); root != nil {
		f(r, root)
	}
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Name: name, Problems: r.problems}
}

// Reader reads the values of one form and collects what is wrong with them.
type Reader struct {
	what     string
	problems []Problem
	nodes    int
}

// Errorf reports a problem at n.
func (r *Reader) Errorf(n *Node, format string, args ...any) {
	r.report(max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...))
}

func (r *Reader) report(line, column int, text string) {
	switch {
	case len(r.problems) < maxProblems:
		r.problems = append(r.problems, Problem{line, column, text})
	case len(r.problems) == maxProblems:
		r.problems = append(r.problems, Problem{line, column, "too many errors: the rest is not shown"})
	}
}

// load returns the mapping that b holds, or nil if b is not plain YAML within
// the limits.
func (r *Reader) load(b []byte) *Node {
	if len(b) > MaxSize {
		r.report(1, 1, fmt.Sprintf("%d bytes: a %s has at most %d", len(b), r.what, MaxSize))
		return nil
	}
	if !utf8.Valid(b) {
		r.report(1, 1, "not valid UTF-8: save the file as UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		r.report(1, 1, "empty")
		return nil
	} else if err != nil {
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		r.Errorf(&second, "a second YAML document: a %s is one document", r.what)
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
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (r *Reader) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		r.report(1, 1, fmt.Sprintf("not YAML: %q", err))
		return
	}
	line, _ := strconv.Atoi(m[1])
	r.report(max(line, 1), 1, "not YAML: "+strconv.Quote(m[2]))
}

// plain checks the limits and refuses what YAML has beyond mappings, lists and
// scalars. It reports whether the tree below n can be used at all.
func (r *Reader) plain(n *Node, depth int) bool {
	switch r.nodes++; {
	case r.nodes > maxNodes:
		r.Errorf(n, "more than %d keys and values", maxNodes)
		return false
	case depth > maxDepth:
		r.Errorf(n, "nested more than %d deep", maxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		r.Errorf(n, "alias %q: a %s has no aliases; write the value again", "*"+n.Value, r.what)
		return false
	case n.Anchor != "":
		r.Errorf(n, "anchor %q: a %s has no anchors", "&"+n.Anchor, r.what)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.Errorf(n, "tag %q: a %s has no tags; put text in quotes instead", n.Tag, r.what)
		return false
	case len(n.Value) > maxText:
		r.Errorf(n, "text of %d bytes: at most %d are allowed", len(n.Value), maxText)
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = r.plain(c, depth+1) && ok
	}
	return ok
}
