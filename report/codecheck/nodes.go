package codecheck

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"repro/internal/form"
)

// Kinds of nodes, as YAML numbers them.
const (
	kindList    = 2
	kindMapping = 4
	kindScalar  = 8
)

// member returns the value of a key, or nil.
func member(n *form.Node, key string) *form.Node {
	if !isMapping(n) {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func isMapping(n *form.Node) bool { return n != nil && n.Kind == kindMapping }

// scalar returns the text of a key; "" if there is none.
func scalar(n *form.Node, key string) string {
	v := member(n, key)
	if v == nil || v.Kind != kindScalar || v.Tag == "!!null" {
		return ""
	}
	return strings.TrimSpace(v.Value)
}

// entries returns those of a list; one that is not a list has none.
func entries(n *form.Node, key string) []*form.Node {
	v := member(n, key)
	if v == nil || v.Kind != kindList {
		return nil
	}
	return v.Content
}

func wantList(n *form.Node, key string) string {
	return unless(len(entries(n, key)) > 0, "no list of that name, or an empty one")
}

func text(key string) func(*document) string {
	return func(d *document) string { return unless(scalar(d.root, key) != "", "missing") }
}

func has(key string) func(*form.Node) string {
	return func(n *form.Node) string { return unless(scalar(n, key) != "", key+" is missing") }
}

// ifThere checks a text that another rule demands.
func ifThere(key string, check func(string) string) func(*document) string {
	return func(d *document) string {
		s := scalar(d.root, key)
		if s == "" {
			return "missing"
		}
		return check(s)
	}
}

func reference(check func(string) string) func(*document) string {
	return func(d *document) string {
		s := scalar(member(d.root, "paper"), "reference")
		if s == "" {
			return "missing"
		}
		return check(s)
	}
}

// each checks the entries of a list of which there must be at least one.
func each(key string, check func(*form.Node) string) func(*document) string {
	return func(d *document) string { return all(entries(d.root, key), check) }
}

func authors(check func(*form.Node) string) func(*document) string {
	return func(d *document) string { return all(entries(member(d.root, "paper"), "authors"), check) }
}

func all(list []*form.Node, check func(*form.Node) string) string {
	if len(list) == 0 {
		return "missing"
	}
	var found []string
	for i, n := range list {
		if why := check(n); why != "" {
			found = append(found, fmt.Sprintf("%s: %s", called(n, i), why))
		}
	}
	return strings.Join(found, "; ")
}

// called names an entry for a person.
func called(n *form.Node, i int) string {
	for _, key := range []string{"name", "file"} {
		if s := scalar(n, key); s != "" {
			return s
		}
	}
	return fmt.Sprint("number ", i+1)
}

func relative(n *form.Node) string {
	s := scalar(n, "file")
	ok := s != "" && fs.ValidPath(path.Clean(s)) && !strings.Contains(s, `\`) && !strings.Contains(s, "://")
	return unless(ok, "not relative to the bundle")
}

func plainORCID(n *form.Node) string {
	s := scalar(n, "ORCID")
	switch {
	case s == "":
		return "ORCID is missing"
	case !orcid.MatchString(s):
		return "ORCID " + s + ": want the number alone"
	}
	return ""
}

func others(d *document) string {
	list := entries(member(d.root, "paper"), "reference-other")
	if len(list) == 0 {
		return ""
	}
	return all(list, func(n *form.Node) string { return isURL(n.Value) })
}

// placeholders names the values that are still to be filled in.
func (d *document) placeholders() string {
	var found []string
	var walk func(*form.Node)
	walk = func(n *form.Node) {
		if n == nil {
			return
		}
		if n.Kind == kindScalar && left.MatchString(n.Value) {
			found = append(found, fmt.Sprintf("line %d", n.Line))
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(d.root)
	return strings.Join(found, ", ")
}

// orcids checks those that are there; whether they must be is for other rules.
func (d *document) orcids() string {
	var found []string
	for _, n := range append(entries(d.root, "codechecker"), entries(member(d.root, "paper"), "authors")...) {
		if s := scalar(n, "ORCID"); s != "" && !validORCID(s) {
			found = append(found, s)
		}
	}
	return strings.Join(found, ", ")
}

// missing names the files of the manifest that are not in the bundle.
func (d *document) missing() string {
	if d.files == nil {
		return ""
	}
	return all(entries(d.root, "manifest"), func(n *form.Node) string {
		_, err := fs.Stat(d.files, path.Clean(scalar(n, "file")))
		return unless(err == nil, "not there")
	})
}
