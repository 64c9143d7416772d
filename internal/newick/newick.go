// Package newick reads trees in the Newick format, as programs of phylogenetics
// write them, alone or within Nexus files.
//
// It follows the grammar of PHYLIP (Felsenstein), with comments in brackets:
//
//	tree   = node ";"
//	node   = [ "(" node *( "," node ) ")" ] [ label ] [ ":" length ]
//	label  = unquoted / "'" text "'"     ; '' stands for a quote
package newick

import (
	"strings"

	"repro/internal/badfile"
)

// Limits on files.
const (
	maxNodes = 1 << 20
	maxDepth = 1 << 13
)

// Node is one node of a tree.
type Node struct {
	Label    string
	Length   string // as written; "" for none
	Comment  string // what stands in brackets at it, if it begins with &
	Children []Node
}

// Read reads all trees of a text, each of which ends in a semicolon.
func Read(text string) ([]Node, error) {
	r := &reader{s: text}
	var out []Node
	for {
		before := r.comment()
		if r.peek() == 0 {
			break
		}
		n, err := r.node(0)
		if err != nil {
			return nil, err
		}
		n.Comment = before + n.Comment
		if r.peek() != ';' {
			return nil, badfile.Damaged("a tree does not end in a semicolon")
		}
		r.s = r.s[1:]
		out = append(out, n)
	}
	if len(out) == 0 {
		return nil, badfile.Damaged("it holds no tree")
	}
	return out, nil
}

type reader struct {
	s     string
	nodes int
}

const blanks = " \t\r\n"

// peek is the next character that is no blank; 0 at the end.
func (r *reader) peek() byte {
	if r.s = strings.TrimLeft(r.s, blanks); r.s == "" {
		return 0
	}
	return r.s[0]
}

// comment takes comments, and returns those that begin with &.
func (r *reader) comment() string {
	out := ""
	for r.peek() == '[' {
		text, rest, ok := strings.Cut(r.s[1:], "]")
		if !ok {
			return out
		}
		if strings.HasPrefix(text, "&") {
			out += "[" + text + "]"
		}
		r.s = rest
	}
	return out
}

func (r *reader) node(depth int) (n Node, err error) {
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return n, badfile.TooLarge("a tree of more than %d nodes, or %d deep", maxNodes, maxDepth)
	}
	n.Comment = r.comment()
	if r.peek() == '(' {
		for more := true; more; {
			r.s = r.s[1:]
			child, err := r.node(depth + 1)
			if err != nil {
				return n, err
			}
			n.Children = append(n.Children, child)
			more = r.peek() == ','
		}
		if r.peek() != ')' {
			return n, badfile.Damaged("a bracket is not closed")
		}
		r.s = r.s[1:]
	}
	n.Comment += r.comment()
	if n.Label, err = r.label(); err != nil {
		return n, err
	}
	n.Comment += r.comment()
	if r.peek() == ':' {
		r.s = r.s[1:]
		n.Comment += r.comment()
		if n.Length, err = r.label(); err != nil || n.Length == "" {
			return n, badfile.Damaged("a length is not there")
		}
		n.Comment += r.comment()
	}
	return n, nil
}

// label takes a label or a length, if there is one.
func (r *reader) label() (string, error) {
	if r.peek() != '\'' {
		end := strings.IndexAny(r.s, "()[]':;,"+blanks)
		if end < 0 {
			end = len(r.s)
		}
		text := r.s[:end]
		r.s = r.s[end:]
		return text, nil
	}
	var out strings.Builder
	for rest := r.s[1:]; ; {
		text, after, ok := strings.Cut(rest, "'")
		if !ok {
			return "", badfile.Damaged("a quote is not closed")
		}
		out.WriteString(text)
		if !strings.HasPrefix(after, "'") {
			r.s = after
			return out.String(), nil
		}
		out.WriteByte('\'')
		rest = after[1:]
	}
}
