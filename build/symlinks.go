package build

import (
	"path"
	"strings"

	"repro/format/tree"
)

// maxLinks bounds the symbolic links on one way, as the kernel does.
const maxLinks = 40

// follow returns the node at name, an absolute path, and its path without
// symbolic links; nil if there is none.
func follow(root *tree.Node, name string) (string, *tree.Node) {
	todo := strings.Split(name, "/")
	at, n := "/", root
	for links := 0; len(todo) > 0; {
		elem := todo[0]
		todo = todo[1:]
		switch elem {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			n = root.Lookup(at)
			continue
		}
		if n == nil || !n.IsDir() || n.Entries[elem] == nil {
			return "", nil
		}
		next := n.Entries[elem]
		if next.Target == "" {
			at, n = path.Join(at, elem), next
			continue
		}
		if links++; links > maxLinks {
			return "", nil
		}
		if path.IsAbs(next.Target) {
			at, n = "/", root
		}
		todo = append(strings.Split(next.Target, "/"), todo...)
	}
	return at, n
}
