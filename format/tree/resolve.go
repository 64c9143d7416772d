package tree

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Bounds on the way to a name, as the kernel has them.
const (
	maxResolveLinks = 40
	maxResolvePath  = 4096 // elements still to go
)

// Resolve returns the node that name leads to and its path without symbolic
// links, not rooted. Links are followed as a process whose root is n would
// follow them: absolute targets begin at n, and nothing leads outside. A link
// at the end is followed if last is set. Errors are [*fs.PathError]s, of
// [fs.ErrNotExist] where nothing is there.
func (n *Node) Resolve(name string, last bool) (string, *Node, error) {
	at, node, err := n.resolve(name, last)
	if err != nil {
		return "", nil, &fs.PathError{Op: "find", Path: name, Err: err}
	}
	return at, node, nil
}

func (n *Node) resolve(name string, last bool) (string, *Node, error) {
	var names []string
	nodes := []*Node{n}
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		elem := rest[0]
		rest = rest[1:]
		here := nodes[len(nodes)-1]
		switch {
		case elem == "" || elem == ".":
			continue
		case elem == "..":
			if len(names) > 0 {
				names, nodes = names[:len(names)-1], nodes[:len(nodes)-1]
			}
			continue
		case !here.IsDir() || here.Entries[elem] == nil:
			return "", nil, fs.ErrNotExist
		}
		next := here.Entries[elem]
		if next.Mode.Type() != fs.ModeSymlink || !last && !slices.ContainsFunc(rest, isStep) {
			names, nodes = append(names, elem), append(nodes, next)
			continue
		}
		if links++; links > maxResolveLinks {
			return "", nil, errors.New("too many levels of symbolic links")
		}
		if path.IsAbs(next.Target) {
			names, nodes = nil, nodes[:1]
		}
		if rest = append(strings.Split(next.Target, "/"), rest...); len(rest) > maxResolvePath {
			return "", nil, errors.New("name too long")
		}
	}
	return path.Join(names...), nodes[len(nodes)-1], nil
}

// isStep reports whether elem leads anywhere.
func isStep(elem string) bool { return elem != "" && elem != "." }
