package mount

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"repro/tree"
)

// MaxFiles bounds the files of a tree that is served.
const MaxFiles = 16 << 20

// inode is one file as the kernel is told of it. Its number is its place in
// the table plus one, in the order of [tree.Node.All]: it depends on the tree
// alone.
type inode struct {
	node   *tree.Node
	parent uint32 // place of the directory that it was met in first
	name   string // in it
	links  uint32
	kids   []kid // of a directory, by name
}

type kid struct {
	name string
	at   uint32 // place in the table
}

// table is a tree, laid out so that each question of the kernel is answered
// without looking anything else up.
type table struct {
	inodes []inode
	bytes  int64 // in regular files
	xattrs bool  // any file has one
}

func newTable(root *tree.Node) (*table, error) {
	if !root.IsDir() {
		return nil, fmt.Errorf("mount: the root of a tree must be a directory")
	}
	t := &table{}
	places := map[*tree.Node]uint32{}
	t.enter(root, 0, "", places)
	if err := t.directory(0, places); err != nil {
		return nil, err
	}
	return t, nil
}

// enter adds n, met under name in the directory at a place.
func (t *table) enter(n *tree.Node, parent uint32, name string, places map[*tree.Node]uint32) uint32 {
	at := uint32(len(t.inodes))
	places[n] = at
	in := inode{node: n, parent: parent, name: name}
	if n.IsDir() {
		in.links = 2
	} else {
		t.bytes += n.Size
	}
	t.xattrs = t.xattrs || len(n.Xattrs) > 0
	t.inodes = append(t.inodes, in)
	return at
}

// directory adds what stands in the directory at a place.
func (t *table) directory(at uint32, places map[*tree.Node]uint32) error {
	n := t.inodes[at].node
	kids := make([]kid, 0, len(n.Entries))
	for _, name := range n.Names() {
		child := n.Entries[name]
		place, known := places[child]
		switch {
		case known && child.IsDir():
			return fmt.Errorf("mount: %q: a directory that stands in two places", path.Join(t.path(at), name))
		case len(t.inodes) >= MaxFiles:
			return fmt.Errorf("mount: more than %d files", MaxFiles)
		case !known:
			place = t.enter(child, at, name, places)
		}
		if child.IsDir() {
			t.inodes[at].links++
			if err := t.directory(place, places); err != nil {
				return err
			}
		} else {
			t.inodes[place].links++
		}
		kids = append(kids, kid{name, place})
	}
	t.inodes[at].kids = kids
	return nil
}

// lookup finds a name in the directory at a place.
func (t *table) lookup(at uint32, name string) (uint32, bool) {
	kids := t.inodes[at].kids
	i, ok := slices.BinarySearchFunc(kids, name, func(k kid, name string) int { return strings.Compare(k.name, name) })
	if !ok {
		return 0, false
	}
	return kids[i].at, true
}

// path returns the first name of the file at a place, not rooted.
func (t *table) path(at uint32) string {
	if at == 0 {
		return ""
	}
	return path.Join(t.path(t.inodes[at].parent), t.inodes[at].name)
}

// xattrNames lists the extended attributes of n as listxattr(2) does.
func xattrNames(n *tree.Node) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		b = append(append(b, name...), 0)
	}
	return b
}
