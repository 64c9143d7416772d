package compare

import (
	"fmt"
	"strings"

	"repro/internal/newick"
)

// The kinds of this file.
const (
	kindNewick = "newick"
	kindNexus  = "nexus"
)

// SPEC.md CMP-119h.
func init() {
	comparers[kindNewick] = (&valueKind{
		kind: kindNewick,
		read: readNewick,
		same: "the same trees; only blanks and comments differ",
	}).compare
	comparers[kindNexus] = (&valueKind{
		kind: kindNexus,
		read: readNexus,
		same: "the same blocks; only blanks and comments differ",
	}).compare
}

func readNewick(text string) (value, error) {
	trees, err := newick.Read(text)
	var list []value
	for i := range trees {
		list = append(list, treeValue(&trees[i]))
	}
	return listValue(list), err
}

// treeValue is a node: labels of leaves are text, those of inner nodes may be
// numbers, which say how well the node is supported. Nodes of one depth and
// sort share a group.
func treeValue(n *newick.Node) value {
	var o object
	switch {
	case n.Label == "":
	case n.Children == nil:
		o.add("label", textValue(n.Label))
	default:
		o.add("support", numberOr(n.Label))
	}
	if n.Length != "" {
		o.add("length", numberOr(n.Length))
	}
	if n.Comment != "" {
		o.add("comment", textValue(n.Comment))
	}
	var children []value
	for i := range n.Children {
		children = append(children, treeValue(&n.Children[i]))
	}
	o.add("children", listValue(children))
	return o.v
}

func readNexus(text string) (value, error) {
	commands, err := newick.ReadNexus(text)
	var list []value
	for _, c := range commands {
		var o object
		o.add("block", textValue(c.Block))
		var words []value
		for i, w := range c.Words {
			if i == 0 {
				w = strings.ToLower(w)
			}
			if c.Block == "trees" || c.Block == "taxa" {
				words = append(words, textValue(w)) // labels, and numbers that stand for them
			} else {
				words = append(words, numberOr(w))
			}
		}
		o.add(fmt.Sprintf("words of %s", c.Block), listValue(words))
		if c.Tree != nil {
			o.add("tree", treeValue(c.Tree))
		}
		list = append(list, o.v)
	}
	return listValue(list), err
}
