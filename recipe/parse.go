package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Parse reads the recipe b. The name is that of its file and serves messages
// only. Everything that is wrong comes back at once in an [*Error].
func Parse(name string, b []byte) (*Recipe, error) {
	p := &parser{}
	r := &Recipe{Name: name}
	if root := p.load(b); root != nil {
		p.recipe(root, r)
	}
	if len(p.problems) == 0 {
		p.relations(r)
	}
	if len(p.problems) > 0 {
		slices.SortStableFunc(p.problems, func(a, b Problem) int {
			if a.Pos.Line != b.Pos.Line {
				return a.Pos.Line - b.Pos.Line
			}
			return a.Pos.Column - b.Pos.Column
		})
		return nil, &Error{Name: name, Problems: p.problems}
	}
	return r, nil
}

// maxProblems bounds what one error lists.
const maxProblems = 100

type parser struct {
	problems []Problem
	nodes    int
}

func (p *parser) errorf(at Pos, format string, args ...any) {
	switch {
	case len(p.problems) < maxProblems:
		p.problems = append(p.problems, Problem{at, fmt.Sprintf(format, args...)})
	case len(p.problems) == maxProblems:
		p.problems = append(p.problems, Problem{at, "too many errors: the rest is not shown"})
	}
}

func at(n *yaml.Node) Pos { return Pos{n.Line, n.Column} }

// load returns the mapping that b holds, or nil if b is not plain YAML within
// the limits.
func (p *parser) load(b []byte) *yaml.Node {
	start := Pos{1, 1}
	if len(b) > MaxSize {
		p.errorf(start, "%d bytes: a recipe has at most %d", len(b), MaxSize)
		return nil
	}
	if !utf8.Valid(b) {
		p.errorf(badUTF8(b), "not valid UTF-8: save the file as UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		p.errorf(start, "empty: `repro init` writes a recipe to start from")
		return nil
	} else if err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		p.errorf(at(&second), "a second YAML document: a recipe is one document")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.syntax(err)
		return nil
	}
	root := doc.Content[0]
	if !p.plain(root, 1) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		p.errorf(at(root), "found %s: a recipe is a list of `key: value` lines", describe(root))
		return nil
	}
	return root
}

// yamlLine finds the line in the messages of the YAML library.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (p *parser) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		p.errorf(Pos{1, 1}, "not YAML: %q", err)
		return
	}
	line, _ := strconv.Atoi(m[1])
	p.errorf(Pos{max(line, 1), 1}, "not YAML: %s", strconv.Quote(m[2]))
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
func (p *parser) plain(n *yaml.Node, depth int) bool {
	if p.nodes++; p.nodes > MaxNodes {
		p.errorf(at(n), "more than %d keys and values", MaxNodes)
		return false
	}
	if depth > MaxDepth {
		p.errorf(at(n), "nested more than %d deep", MaxDepth)
		return false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		p.errorf(at(n), "alias %q: a recipe has no aliases; write the value again", "*"+n.Value)
		return false
	case n.Anchor != "":
		p.errorf(at(n), "anchor %q: a recipe has no anchors", "&"+n.Anchor)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		p.errorf(at(n), "tag %q: a recipe has no tags; put text in quotes instead", n.Tag)
		return false
	case len(n.Value) > MaxText:
		p.errorf(at(n), "text of %d bytes: at most %d are allowed", len(n.Value), MaxText)
		return false
	case len(n.Content) > 2*MaxEntries:
		p.errorf(at(n), "more than %d entries", MaxEntries)
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = p.plain(c, depth+1) && ok
	}
	return ok
}

// describe names what n is, for a person.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + strconv.Quote(shorten(n.Value))
	case n.Tag == "!!bool":
		return "the truth value " + strconv.Quote(n.Value)
	}
	return "the text " + strconv.Quote(shorten(n.Value))
}

// shorten keeps a message readable whatever the recipe holds.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
