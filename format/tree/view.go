package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// View is what is seen when layers are laid over each other, as [Union] says,
// but read as it is looked at. It keeps in memory what it must know of the
// directories that several layers hold, and nothing else. Goroutines may share
// it.
//
// What a layer refuses is an error when it is touched; [View.Tree] touches all.
type View struct {
	layers []Layer
	bases  []uint64 // what a layer's numbers are counted from
	look   Look

	mu     sync.Mutex
	merged []*merged
	byTop  map[part]FileID // merged directories by the topmost of their parts
	names  int             // kept in merged
}

// Look changes what the files of a [View] look like. The zero value changes
// nothing.
type Look struct {
	// Keep says whether files of a type are to be seen; nil: all are.
	Keep func(fs.FileMode) bool

	// Change changes a copy of what a layer says of a file: mode, owner and
	// times.
	Change func(*Node)

	NoXattrs bool // leave extended attributes out
}

// FileID names a file of a [View]: that of a layer, or a directory that is
// merged of several. Names of one file have one ID.
type FileID uint64

// RootID is the ID of a view's root.
const RootID FileID = 1

// The lower bits of an ID are a reference in the layer whose number, from 1,
// stands above them. Layer 0 stands for places in View.merged, from 1.
const refBits = 48

func (id FileID) split() (layer int, ref uint64) {
	return int(id>>refBits) - 1, uint64(id) & (1<<refBits - 1)
}

func join(layer int, ref uint64) FileID { return FileID(layer+1)<<refBits | FileID(ref) }

// maxViewLayers is how many layers IDs have room for.
const maxViewLayers = 1<<(64-refBits) - 2

// NewView lays layers over each other, later ones on top. Nothing but where
// their roots stand is read.
func NewView(look Look, layers ...Layer) (*View, error) {
	if len(layers) == 0 || len(layers) > maxViewLayers {
		return nil, fmt.Errorf("%d layers: want 1 to %d", len(layers), maxViewLayers)
	}
	v := &View{layers: layers, look: look, byTop: map[part]FileID{}}
	root := &merged{}
	base := uint64(RootID)
	for _, l := range layers {
		v.bases = append(v.bases, base)
		base += l.Files()
	}
	for i := len(layers) - 1; i >= 0; i-- {
		ref, err := layers[i].RootRef()
		if err != nil {
			return nil, err
		}
		root.parts = append(root.parts, part{layer: i, root: true, name: Name{Ref: ref, Type: fs.ModeDir}})
	}
	v.merged = []*merged{root}
	return v, nil
}

// Files returns how many files the layers hold, seen or not.
func (v *View) Files() (n uint64) {
	for _, l := range v.layers {
		n += l.Files()
	}
	return n
}

// HasXattrs is false if no file that is seen has extended attributes.
func (v *View) HasXattrs() bool {
	return !v.look.NoXattrs && slices.ContainsFunc(v.layers, Layer.HasXattrs)
}

// Seen is a file as a [View] shows it.
type Seen struct {
	ID     FileID
	Node   *Node  // without Entries
	Number uint64 // another for each file, the same each time and on each machine; not 0
	Links  uint32 // names that it has; of a directory, 2 and the directories in it
}

// Look describes the file of an ID that this view gave out.
func (v *View) Look(id FileID) (Seen, error) {
	layer, ref := id.split()
	if layer < 0 {
		return v.lookMerged(id)
	}
	f, err := v.layers[layer].File(ref)
	if err != nil {
		return Seen{}, err
	}
	return v.seen(layer, f), nil
}

func (v *View) seen(layer int, f File) Seen {
	n := f.Node
	if n.Xattrs != nil || v.look.Change != nil {
		copied := *n
		n = &copied
		if n.Xattrs = withoutOpaque(n); v.look.NoXattrs {
			n.Xattrs = nil
		}
		if v.look.Change != nil {
			v.look.Change(n)
		}
	}
	return Seen{ID: join(layer, f.Ref), Node: n, Number: v.bases[layer] + uint64(f.Number), Links: f.Links}
}

// enter describes the file of a name in a directory of a layer.
func (v *View) enter(layer int, dir uint64, n Name) (Seen, error) {
	f, err := v.layers[layer].Enter(dir, n)
	if err != nil {
		return Seen{}, err
	}
	return v.seen(layer, f), nil
}

// Listing is what stands in a directory, in byte order of names.
type Listing struct {
	v      *View
	merged []mergedName // of a directory that several layers hold

	layer int
	dir   uint64
	names []Name
}

// Len returns how many names there are.
func (l Listing) Len() int { return len(l.merged) + len(l.names) }

// At returns a name, and the type and number of its file.
func (l Listing) At(i int) (name string, kind fs.FileMode, number uint64) {
	n, layer := Name{}, l.layer
	if l.merged != nil {
		n, layer = l.merged[i].top().name, l.merged[i].top().layer
	} else {
		n = l.names[i]
	}
	return n.Name, n.Type, l.v.bases[layer] + uint64(n.Number)
}

// Look describes the file of a name.
func (l Listing) Look(i int) (Seen, error) {
	if l.merged != nil {
		return l.v.lookUnited(l.merged[i])
	}
	return l.v.enter(l.layer, l.dir, l.names[i])
}

// List lists directory id.
func (v *View) List(id FileID) (Listing, error) {
	layer, ref := id.split()
	if layer < 0 {
		list, _, err := v.listMerged(v.mergedAt(id))
		return Listing{v: v, merged: list}, err
	}
	names, err := v.layers[layer].Names(ref)
	if err == nil {
		names, err = v.withoutUnseen(layer, ref, names)
	}
	return Listing{v: v, layer: layer, dir: ref, names: names}, err
}

// Lookup finds a name in directory id. Where nothing is seen under it, the
// error is [fs.ErrNotExist].
func (v *View) Lookup(id FileID, name string) (Seen, error) {
	layer, ref := id.split()
	if layer < 0 {
		return v.lookupMerged(v.mergedAt(id), name)
	}
	names, err := v.layers[layer].Names(ref)
	if err != nil {
		return Seen{}, err
	}
	i, ok := findName(names, name)
	if !ok || !v.keeps(names[i].Type) {
		return Seen{}, fs.ErrNotExist
	}
	s, err := v.enter(layer, ref, names[i])
	if err == nil && s.Node.IsWhiteout() {
		err = fs.ErrNotExist
	}
	return s, err
}

func (v *View) keeps(kind fs.FileMode) bool { return v.look.Keep == nil || v.look.Keep(kind) }

const charDevice = fs.ModeDevice | fs.ModeCharDevice

// isWhiteout reports whether a name in a directory of a layer hides others.
func (v *View) isWhiteout(layer int, dir uint64, n Name) (bool, error) {
	if n.Type != charDevice {
		return false, nil
	}
	f, err := v.layers[layer].Enter(dir, n)
	return err == nil && f.Node.IsWhiteout(), err
}

// withoutUnseen leaves out whiteouts, which have nothing to hide in a directory
// of one layer, and what the view does not keep.
func (v *View) withoutUnseen(layer int, dir uint64, names []Name) ([]Name, error) {
	var kept []Name
	for i, n := range names {
		hidden := !v.keeps(n.Type)
		if !hidden {
			var err error
			if hidden, err = v.isWhiteout(layer, dir, n); err != nil {
				return nil, err
			}
		}
		if hidden && kept == nil {
			kept = append(make([]Name, 0, len(names)), names[:i]...)
		} else if !hidden && kept != nil {
			kept = append(kept, n)
		}
	}
	if kept != nil {
		return kept, nil
	}
	return names, nil
}

// Find follows a slash-separated path from the root, but no symbolic links.
// Where nothing is seen there, the error is [fs.ErrNotExist].
func (v *View) Find(name string) (Seen, error) {
	s, err := v.Look(RootID)
	for elem := range elements(name) {
		if err != nil {
			return Seen{}, err
		}
		if !s.Node.IsDir() {
			return Seen{}, fs.ErrNotExist
		}
		s, err = v.Lookup(s.ID, elem)
	}
	return s, err
}

// Tree reads the whole view. It takes memory for each file. Hard links are one
// node. Errors are [*fs.PathError]s, of paths that are not rooted.
func (v *View) Tree() (*Node, error) {
	return v.tree("", RootID, map[FileID]*Node{})
}

func (v *View) tree(at string, id FileID, files map[FileID]*Node) (*Node, error) {
	s, err := v.Look(id)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: at, Err: err}
	}
	l, err := v.List(id)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: at, Err: err}
	}
	dir := *s.Node
	dir.Entries = make(map[string]*Node, l.Len())
	for i := range l.Len() {
		base, _, _ := l.At(i)
		name := at + "/" + base
		child, err := l.Look(i)
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		n := files[child.ID]
		switch {
		case child.Node.IsDir():
			if n, err = v.tree(name, child.ID, files); err != nil {
				return nil, err
			}
		case n == nil:
			copied := *child.Node
			n = &copied
			files[child.ID] = n
		}
		dir.Entries[base] = n
	}
	return &dir, nil
}

// maxSearched bounds the names that [View.Path] looks at.
const maxSearched = 1 << 20

var errSearched = errors.New("searched long enough")

// Path searches the view for a file and returns its first path, not rooted;
// empty if it is not found soon. It takes long: messages are what it is for.
func (v *View) Path(id FileID) string {
	left := maxSearched
	name, _ := v.search(RootID, id, &left)
	return name
}

func (v *View) search(dir, id FileID, left *int) (string, error) {
	l, err := v.List(dir)
	if err != nil {
		return "", nil // that part of the tree cannot be read
	}
	for i := range l.Len() {
		if *left--; *left < 0 {
			return "", errSearched
		}
		name, kind, _ := l.At(i)
		child, err := l.Look(i)
		if err != nil {
			continue
		}
		if child.ID == id {
			return name, nil
		}
		if kind != fs.ModeDir {
			continue
		}
		rest, err := v.search(child.ID, id, left)
		if rest != "" || err != nil {
			return name + "/" + rest, err
		}
	}
	return "", nil
}
