package squashfs

import (
	"fmt"
	"io"
	"path"
	"sync/atomic"

	"repro/format/tree"
)

// Tree describes the whole tree of the file system. Contents are read when
// they are opened; hard links are one node. It takes memory for each file,
// within the bounds of this package. An error wraps [ErrMalformed] unless
// reading failed.
func (r *Reader) Tree() (*tree.Node, error) {
	w := walker{r: r, nodes: make([]*tree.Node, r.super.Inodes+1), refs: make([]uint64, r.super.Inodes+1),
		sets: map[uint32]map[string][]byte{}}
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	defer r.loadAhead()()
	return w.node(nil, root, 0)
}

// loadAhead loads the inodes and listings in another goroutine, so that whoever
// reads them all finds them decompressed. The function that it returns ends
// that. What cannot be loaded is left to who asks for it.
func (r *Reader) loadAhead() (stop func()) {
	var ended atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		left := metadataCacheSize / metadataSize / 2
		for _, in := range []region{r.dirs, r.inodes} {
			for at := in.start; at < in.end && left > 0 && !ended.Load(); left-- {
				p, err := r.metadataBlock(in, at)
				if err != nil {
					break
				}
				at = p.next
			}
		}
	}()
	return func() { ended.Store(true); <-done }
}

// root reads the root's inode.
func (r *Reader) root() (*record, error) {
	in, err := r.inode(r.super.Root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if in.kind != typeDir {
		return nil, malformed("the root is not a directory")
	}
	return in, nil
}

type walker struct {
	r     *Reader
	nodes []*tree.Node // by inode number
	refs  []uint64     // the inode that a number was seen at
	sets  map[uint32]map[string][]byte
	names int
	total int // bytes of extended attributes
}

// way is how a file was come to. What names it is made of it only in an error:
// there are many files.
type way struct {
	above *way // nil: the root
	name  string
}

func (p *way) String() string {
	if p == nil {
		return ""
	}
	return path.Join(p.above.String(), p.name)
}

func (w *walker) node(at *way, in *record, depth int) (*tree.Node, error) {
	if n := w.nodes[in.number]; n != nil {
		if in.kind == typeDir || w.refs[in.number] != in.ref {
			return nil, malformed("%q: inode %d stands in two places", at.String(), in.number)
		}
		return n, nil
	}
	n := &in.node
	w.nodes[in.number], w.refs[in.number] = n, in.ref
	var err error
	if n.Xattrs, err = w.xattrs(in.xattr); err != nil {
		return nil, fmt.Errorf("%q: %w", at.String(), err)
	}
	switch in.kind {
	case typeFile:
		n.Open = func() (io.ReadCloser, error) { return w.r.openStream(in) }
	case typeDir:
		err = w.entries(at, in, depth)
	}
	return n, err
}

func (w *walker) entries(at *way, dir *record, depth int) error {
	if depth == MaxDepth {
		return malformed("%q: more than %d directories deep", at.String(), MaxDepth)
	}
	list, err := w.r.list(dir)
	if err != nil {
		return fmt.Errorf("%q: %w", at.String(), err)
	}
	if w.names += len(list); w.names > MaxNames {
		return malformed("more than %d names", MaxNames)
	}
	dir.node.Entries = make(map[string]*tree.Node, len(list))
	for _, e := range list {
		name := &way{at, e.Name}
		in, err := w.r.child(dir, e)
		if err != nil {
			return fmt.Errorf("%q: %w", at.String(), err)
		}
		if dir.node.Entries[e.Name], err = w.node(name, in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) xattrs(place uint32) (map[string][]byte, error) {
	if set, ok := w.sets[place]; ok || place == none32 {
		return set, nil
	}
	set, err := w.r.xattrSet(place)
	if err != nil {
		return nil, err
	}
	for name, value := range set {
		w.total += len(name) + len(value)
	}
	if w.total > MaxXattrTotal {
		return nil, malformed("more than %d bytes of extended attributes", MaxXattrTotal)
	}
	w.sets[place] = set
	return set, nil
}

func (r *Reader) openStream(in *record) (io.ReadCloser, error) {
	b, err := r.fileBlocks(in)
	if err != nil {
		return nil, err
	}
	return &readahead{b: b}, nil
}
