package tree

import (
	"cmp"
	"io/fs"
	"maps"
)

// Extended attributes that make a directory of a layer opaque: what lower
// layers have in it is not seen. Overlayfs takes the first from root, the
// second from others.
const (
	OpaqueXattr     = "trusted.overlay.opaque"
	UserOpaqueXattr = "user.overlay.opaque"
)

// NewWhiteout returns what hides a name of lower layers: a character device
// with number 0, as overlayfs has it.
func NewWhiteout() *Node {
	return &Node{Mode: fs.ModeDevice | fs.ModeCharDevice}
}

// IsWhiteout reports whether n hides a name of lower layers.
func (n *Node) IsWhiteout() bool {
	return n.Mode.Type() == fs.ModeDevice|fs.ModeCharDevice && n.Device == 0
}

// IsOpaque reports whether directory n hides what lower layers have in it.
func (n *Node) IsOpaque() bool {
	return string(n.Xattrs[OpaqueXattr]) == "y" || string(n.Xattrs[UserOpaqueXattr]) == "y"
}

// Union returns what is seen when layers are laid over each other, later ones
// on top: directories are merged and have the topmost attributes, anything
// else hides what is below. Whiteouts and opaque directories take effect and
// are not in the result. Hard links within a layer stay links. The layers
// share their files with the result and are not changed. SQ-24.
func Union(layers ...*Node) *Node {
	var root *Node
	for _, layer := range layers {
		root = merge(root, layer)
	}
	return cmp.Or(root, NewDir())
}

// merge returns directory upper laid over lower, which is a result of merge or
// nil, and is used up.
func merge(lower, upper *Node) *Node {
	n := *upper
	n.Xattrs = withoutOpaque(upper)
	if lower != nil && !upper.IsOpaque() {
		n.Entries = lower.Entries
	} else {
		n.Entries = make(map[string]*Node, len(upper.Entries))
	}
	for name, child := range upper.Entries {
		switch {
		case child.IsWhiteout():
			delete(n.Entries, name)
		case child.IsDir():
			below := n.Entries[name]
			if below != nil && !below.IsDir() {
				below = nil
			}
			n.Entries[name] = merge(below, child)
		default:
			n.Entries[name] = child
		}
	}
	return &n
}

func withoutOpaque(n *Node) map[string][]byte {
	if !n.IsOpaque() {
		return n.Xattrs
	}
	x := maps.Clone(n.Xattrs)
	delete(x, OpaqueXattr)
	delete(x, UserOpaqueXattr)
	if len(x) == 0 {
		return nil
	}
	return x
}
