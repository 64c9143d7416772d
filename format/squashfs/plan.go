package squashfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
)

// What squashfs, and Linux above it, can hold (SQ-18).
const (
	MaxName   = 256       // bytes in the name of a directory's entry
	MaxTarget = 4095      // bytes in the target of a symbolic link
	MaxIDs    = 1<<16 - 1 // different user and group ids
)

// inode is a node of the tree with what the writer finds out about it.
type inode struct {
	node     *tree.Node
	path     string // its first name, for messages
	parent   *inode // of directories; nil for the root
	children []child
	number   uint32
	links    uint32
	uid, gid uint16 // places in the id table
	xattr    uint32 // place in the table of extended attributes
	content  *content
	ref      uint64 // where it stands in the inode table
}

type child struct {
	name string
	*inode
}

// plan is what is known of a file system before any file is read.
type plan struct {
	root    *inode
	inodes  []*inode // by number, from 1; directories behind what they hold
	seen    map[*tree.Node]*inode
	files   int64 // regular files
	bytes   int64 // in them
	ids     []uint32
	idPlace map[uint32]uint16
	xattrs  xattrPlan
}

func newPlan(root *tree.Node) (*plan, error) {
	if !root.IsDir() {
		return nil, errors.New("the root of a file system must be a directory")
	}
	p := &plan{seen: map[*tree.Node]*inode{}, idPlace: map[uint32]uint16{}}
	var err error
	if p.root, err = p.add("", root, nil); err != nil {
		return nil, err
	}
	return p, nil
}

// add numbers n and all below it: first the directories in a directory, then
// its other entries, then itself (SQ-8, and SQ-13 for ids). So the other entries
// have numbers in a row, as the short differences in a listing want.
func (p *plan) add(at string, n *tree.Node, parent *inode) (*inode, error) {
	if in := p.seen[n]; in != nil {
		if n.IsDir() {
			return nil, fmt.Errorf("%q: directory stands in two places, the other is %q", at, in.path)
		}
		in.links++
		return in, nil
	}
	in := &inode{node: n, path: at, parent: parent, links: 1}
	if err := p.check(in); err != nil {
		return nil, fmt.Errorf("%q: %w", at, err)
	}
	p.seen[n] = in
	if n.IsDir() {
		if err := p.addEntries(in); err != nil {
			return nil, err
		}
	}
	if len(p.inodes) >= MaxInodes {
		return nil, fmt.Errorf("more than %d files", MaxInodes)
	}
	p.inodes = append(p.inodes, in)
	in.number = uint32(len(p.inodes))
	return in, nil
}

func (p *plan) addEntries(dir *inode) error {
	dir.links = 2
	for _, name := range dir.node.Names() {
		if err := checkName(name); err != nil {
			return fmt.Errorf("%q: %w", path.Join(dir.path, name), err)
		}
		dir.children = append(dir.children, child{name: name})
	}
	for _, directories := range []bool{true, false} {
		for i := range dir.children {
			c := &dir.children[i]
			n := dir.node.Entries[c.name]
			if n.IsDir() != directories {
				continue
			}
			var err error
			if c.inode, err = p.add(below(dir.path, c.name), n, dir); err != nil {
				return err
			}
			if directories {
				dir.links++
			}
		}
	}
	return nil
}

// below returns the path of an entry of the directory at dir.
func below(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

func checkName(name string) error {
	switch {
	case name == "", name == ".", name == "..", strings.ContainsAny(name, "/\x00"):
		return errors.New("not a name for a file")
	case len(name) > MaxName:
		return fmt.Errorf("name of %d bytes: squashfs holds %d", len(name), MaxName)
	}
	return nil
}

// check looks at one node and gives it its places in the tables of ids and
// extended attributes.
func (p *plan) check(in *inode) error {
	n := in.node
	if n.ModTime < 0 || n.ModTime > math.MaxUint32 {
		return fmt.Errorf("time %d: squashfs holds 1970 to 2106", n.ModTime)
	}
	switch n.Mode.Type() {
	case 0:
		if n.Size < 0 || n.Open == nil && n.Size > 0 {
			return errors.New("a regular file without content")
		}
		p.files++
		p.bytes += n.Size
	case fs.ModeSymlink:
		if n.Target == "" || len(n.Target) > MaxTarget || strings.Contains(n.Target, "\x00") {
			return fmt.Errorf("link target of %d bytes: want 1 to %d without NUL", len(n.Target), MaxTarget)
		}
	case fs.ModeDir, fs.ModeNamedPipe, fs.ModeSocket, fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
	default:
		return fmt.Errorf("file type %v: not one that squashfs holds", n.Mode.Type())
	}
	var err error
	if in.uid, err = p.id(n.UID); err != nil {
		return err
	}
	if in.gid, err = p.id(n.GID); err != nil {
		return err
	}
	in.xattr, err = p.xattrs.add(n.Xattrs)
	return err
}

func (p *plan) id(id uint32) (uint16, error) {
	place, ok := p.idPlace[id]
	if id == none32 {
		return 0, fmt.Errorf("user or group id %d: it stands for none", id)
	}
	if !ok {
		if len(p.ids) >= MaxIDs {
			return 0, fmt.Errorf("more than %d different user and group ids", MaxIDs)
		}
		place = uint16(len(p.ids))
		p.idPlace[id] = place
		p.ids = append(p.ids, id)
	}
	return place, nil
}

func (p *plan) idTable() []byte {
	var b []byte
	for _, id := range p.ids {
		b = le.AppendUint32(b, id)
	}
	return b
}

// exportTable says where each inode stands, by number; NFS and open by handle
// need it.
func (p *plan) exportTable() []byte {
	b := make([]byte, 0, 8*len(p.inodes))
	for _, in := range p.inodes {
		b = le.AppendUint64(b, in.ref)
	}
	return b
}

// regular returns the regular files in the order in which their data stands
// (SQ-9).
func (p *plan) regular() []*inode {
	files := make([]*inode, 0, p.files)
	for _, in := range p.inodes {
		if in.node.Mode.IsRegular() {
			files = append(files, in)
		}
	}
	return slices.Clip(files)
}
