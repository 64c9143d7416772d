// Package tree describes a file tree that is to become a layer, before any of
// it is written: names, modes and links in memory, file contents opened when
// they are read.
//
// A tree comes from a folder, a tar stream, an OCI image, a squashfs layer or
// the building machine's own programs; package build normalises it and
// squashfs.Write writes it.
package tree

import (
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// Node is one inode. A node that stands in several directories, or under
// several names, is a hard link.
type Node struct {
	Mode    fs.FileMode // type, permission, setuid, setgid and sticky bits
	UID     uint32
	GID     uint32
	ModTime int64             // seconds since 1970, as squashfs stores it: 0 to 2^32-1
	Size    int64             // regular files
	Target  string            // symbolic links
	Device  uint32            // device files: squashfs' (Linux's "new") encoding
	Xattrs  map[string][]byte // full names, "user.x"
	Entries map[string]*Node  // directories

	// Stamp tells the content of a regular file on disk apart from what the
	// file held before or will hold: device, inode, size and times of change.
	// It is empty where nothing does. Who replaces Open clears it.
	Stamp string

	// Open returns the Size bytes of a regular file. It may be called from
	// several goroutines and more than once.
	Open func() (io.ReadCloser, error)
}

// NewDir returns an empty directory with mode 0755.
func NewDir() *Node {
	return &Node{Mode: fs.ModeDir | 0o755, Entries: map[string]*Node{}}
}

// NewFile returns a regular file that holds content.
func NewFile(perm fs.FileMode, content []byte) *Node {
	return &Node{
		Mode: perm.Perm(),
		Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(content))), nil
		},
	}
}

// NewSymlink returns a symbolic link to target.
func NewSymlink(target string) *Node {
	return &Node{Mode: fs.ModeSymlink | 0o777, Target: target}
}

// IsDir reports whether n is a directory.
func (n *Node) IsDir() bool { return n.Mode.IsDir() }

// Names returns the names in directory n in byte order.
func (n *Node) Names() []string {
	names := make([]string, 0, len(n.Entries))
	for name := range n.Entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lookup returns the node at name, a slash-separated path without "." or ".."
// elements, or nil. Symbolic links are not followed. Lookup("") is n.
func (n *Node) Lookup(name string) *Node {
	for elem := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if elem == "" {
			continue
		}
		if n == nil || !n.IsDir() {
			return nil
		}
		n = n.Entries[elem]
	}
	return n
}

// Put places child at name and makes the directories that lead to it. It
// fails where a file stands in the way; an entry already at name is replaced.
func (n *Node) Put(name string, child *Node) error {
	dir, base := path.Split(strings.Trim(name, "/"))
	if base == "" || base == "." || base == ".." {
		return fmt.Errorf("%q: not a name for a file", name)
	}
	parent, err := n.MkdirAll(dir)
	if err != nil {
		return err
	}
	parent.Entries[base] = child
	return nil
}

// MkdirAll returns the directory at name and makes what is missing of it.
func (n *Node) MkdirAll(name string) (*Node, error) {
	for elem := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if elem == "" {
			continue
		}
		if elem == "." || elem == ".." {
			return nil, fmt.Errorf("%q: not a path", name)
		}
		next := n.Entries[elem]
		if next == nil {
			next = NewDir()
			n.Entries[elem] = next
		}
		if !next.IsDir() {
			return nil, fmt.Errorf("%q: %s is not a directory", name, elem)
		}
		n = next
	}
	return n, nil
}

// All walks the tree below n in byte order of names, each directory before
// what it holds. Paths are slash-separated and not rooted; the first is "",
// n itself. A hard link is met once under each of its names.
func (n *Node) All() iter.Seq2[string, *Node] {
	return func(yield func(string, *Node) bool) {
		n.walk("", yield)
	}
}

func (n *Node) walk(at string, yield func(string, *Node) bool) bool {
	if !yield(at, n) {
		return false
	}
	if at != "" {
		at += "/"
	}
	for _, name := range n.Names() {
		if !n.Entries[name].walk(at+name, yield) {
			return false
		}
	}
	return true
}
