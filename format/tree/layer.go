package tree

import (
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// Layer is a tree that is read as it is looked at: nothing of it need be in
// memory. Goroutines may share it.
//
// A file of a layer is known by a reference of the layer's own choice, of at
// most 48 bits. Only references that the layer gave out are asked for. What a
// layer cannot vouch for is an error when it is touched.
type Layer interface {
	// RootRef returns the reference of the root, a directory.
	RootRef() (uint64, error)

	// File describes a file. The caller must not change the result's Node.
	File(ref uint64) (File, error)

	// Names lists a directory in byte order of names, each once. It is shared:
	// the caller must not change it.
	Names(dir uint64) ([]Name, error)

	// Enter returns the file of a name that Names listed in directory dir.
	Enter(dir uint64, n Name) (File, error)

	// Files bounds the numbers that files have.
	Files() uint64

	// HasXattrs is false if no file has extended attributes.
	HasXattrs() bool
}

// Name is an entry of a directory of a [Layer].
type Name struct {
	Name   string
	Ref    uint64
	Type   fs.FileMode // the type bits
	Number uint32      // that of the file; names of one file have one number
}

// File is what a [Layer] says of a file.
type File struct {
	Node   *Node // without Entries
	Ref    uint64
	Number uint32 // from 1 to the layer's Files, another for each file
	Links  uint32 // names that it has; of a directory, 2 and the directories in it
}

// NewLayer returns the tree below root, which must not change any more, as a
// [Layer]. Numbers follow the order of [Node.All].
func NewLayer(root *Node) (Layer, error) {
	if !root.IsDir() {
		return nil, fmt.Errorf("the root of a tree must be a directory")
	}
	l := &nodeLayer{}
	places := map[*Node]uint32{}
	l.enter(root, places)
	return l, l.directory("", 0, places)
}

// maxFiles bounds the files of a tree in memory that become a layer.
const maxFiles = 1 << 31

// nodeLayer is a tree in memory. A reference is a place in files.
type nodeLayer struct {
	files  []nodeFile
	xattrs bool
}

type nodeFile struct {
	File
	names []Name
}

func (l *nodeLayer) enter(n *Node, places map[*Node]uint32) uint32 {
	at := uint32(len(l.files))
	places[n] = at
	f := File{Node: n, Ref: uint64(at), Number: at + 1}
	if n.IsDir() {
		f.Links = 2
	}
	l.xattrs = l.xattrs || len(n.Xattrs) > 0
	l.files = append(l.files, nodeFile{File: f})
	return at
}

// directory adds what stands in the directory at a place.
func (l *nodeLayer) directory(name string, at uint32, places map[*Node]uint32) error {
	n := l.files[at].Node
	names := make([]Name, 0, len(n.Entries))
	for _, base := range n.Names() {
		child := n.Entries[base]
		place, known := places[child]
		switch {
		case known && child.IsDir():
			return fmt.Errorf("%q: a directory that stands in two places", path.Join(name, base))
		case len(l.files) >= maxFiles:
			return fmt.Errorf("more than %d files", maxFiles)
		case !known:
			place = l.enter(child, places)
		}
		if child.IsDir() {
			l.files[at].Links++
			if err := l.directory(path.Join(name, base), place, places); err != nil {
				return err
			}
		} else {
			l.files[place].Links++
		}
		names = append(names, Name{base, uint64(place), child.Mode.Type(), place + 1})
	}
	l.files[at].names = names
	return nil
}

func (l *nodeLayer) RootRef() (uint64, error)             { return 0, nil }
func (l *nodeLayer) File(ref uint64) (File, error)        { return l.files[ref].File, nil }
func (l *nodeLayer) Names(dir uint64) ([]Name, error)     { return l.files[dir].names, nil }
func (l *nodeLayer) Enter(_ uint64, n Name) (File, error) { return l.files[n.Ref].File, nil }
func (l *nodeLayer) Files() uint64                        { return uint64(len(l.files)) }
func (l *nodeLayer) HasXattrs() bool                      { return l.xattrs }

// elements splits a path.
func elements(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for elem := range strings.SplitSeq(name, "/") {
			if elem != "" && !yield(elem) {
				return
			}
		}
	}
}

// findName returns the place of a name in a list of names in byte order.
func findName(list []Name, name string) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(n Name, name string) int { return strings.Compare(n.Name, name) })
}
